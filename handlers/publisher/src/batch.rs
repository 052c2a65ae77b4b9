//! The order of work on a batch: what its changes say is published, each item's in order, and what is not published is
//! given back.
//!
//! An event that fails holds up those of its own item alone. The response names the earliest record whose event is not
//! out, and Lambda begins again from there, without those before it. When that is the first record of all, naming it would
//! split nothing: all of the batch would be said again each time, and be archived whole after the last retry. So the
//! invocation fails instead, and Lambda bisects the batch, which uses up no retry. An event that SNS never takes ends up
//! alone in the archive, also when it takes the nine that share its call with it, and the others are out by then. When SNS
//! is down, each record comes to be tried alone, as often as the batch would have been: that takes longer, and loses less.
//!
//! Publishing is at least once: what is given back may have been published, and what is published may be given back with
//! an earlier record. One id has one content, so that says nothing new. Half of a batch may say a state of a score that the
//! whole left out, after a newer one: of a score too the greatest revision counts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use coffeeshop_core::announce::announce;
use coffeeshop_core::event::{Data, Event};
use coffeeshop_core::ports::{Clock, EventTopic};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};
use serde_json::value::RawValue;

use crate::envelope::{Record, Tables, parse};
use crate::report;

/// How long before the deadline no call is begun: what is not done is given back in this time.
pub const GIVE_BACK: SignedDuration = SignedDuration::from_secs(5);

/// How long a call may take, all its attempts together: one that hangs ends before Lambda would end the function.
pub const CALL_MAX: Duration = Duration::from_secs(4);

/// How many events are given to the topic at once, which takes the time of one call: five calls side by side.
pub const EVENTS_AT_ONCE: usize = 50;

/// Everything outside.
#[derive(Debug)]
pub struct Deps<'a, T, C> {
    /// Whose streams are read.
    pub tables: &'a Tables,
    /// Where events are published.
    pub topic: &'a T,
    /// What time it is.
    pub clock: &'a C,
}

/// What the record at a place of the batch says.
struct Said {
    record: usize,
    event: Event,
}

/// The first record of a batch is not published, so that it must be bisected.
#[derive(Debug, thiserror::Error)]
#[error("the first of {records} records is not published: they must come again in halves")]
pub struct FirstUnpublished {
    /// How many records the batch has.
    pub records: usize,
}

/// Works on a batch. The record in the response, and all after it, come again; after an error all, in halves.
pub async fn handle<T: EventTopic, C: Clock>(
    deps: &Deps<'_, T, C>,
    payload: &RawValue,
    context: &Context,
) -> Result<DynamoDbEventResponse, Error> {
    let until = Timestamp::from_millisecond(i64::try_from(context.deadline)?)? - GIVE_BACK;
    let records = parse(payload, deps.tables).inspect_err(report::unreadable)?;
    let all = announcements(&records);
    let states = all.len();
    let said = newest_scores(all);
    report::superseded(states - said.len());

    let unpublished = publish(deps, until, &said).await;
    if unpublished == Some(0) && records.len() > 1 {
        return Err(FirstUnpublished { records: records.len() }.into());
    }
    let mut response = DynamoDbEventResponse::default();
    if let Some(record) = unpublished.and_then(|first| records.get(first)) {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(record.id.clone().into());
        response.batch_item_failures = vec![failure];
    }
    Ok(response)
}

fn announcements(records: &[Record]) -> Vec<Said> {
    let say = |(record, Record { old, new, .. }): (usize, &Record)| {
        announce(old.as_ref(), new.as_ref()).map(|event| Said { record, event })
    };
    records.iter().enumerate().filter_map(say).collect()
}

/// Of each score only the newest state, since under load there are many in a batch, and each replaces the one before it.
fn newest_scores(mut said: Vec<Said>) -> Vec<Said> {
    let is_score = |said: &Said| matches!(said.event.data, Data::ScoreUpdated(_));
    // Records are in order per item, so the newest is the last.
    let last: HashMap<String, usize> =
        said.iter().filter(|said| is_score(said)).map(|said| (said.event.subject.clone(), said.record)).collect();
    said.retain(|said| !is_score(said) || last.get(&said.event.subject) == Some(&said.record));
    said
}

/// Publishes in rounds, the k-th event of each item in the k-th, so that an item's events go out one after the other. After
/// one that failed, or for which it was too late, its item has no further one: that would overtake it. Returns the earliest
/// record whose event is not known to be published.
async fn publish<T: EventTopic, C: Clock>(deps: &Deps<'_, T, C>, until: Timestamp, said: &[Said]) -> Option<usize> {
    let mut unpublished: BTreeSet<usize> = said.iter().map(|said| said.record).collect();
    let mut failed: HashSet<&str> = HashSet::new();
    for mut round in rounds(said) {
        round.retain(|said| !failed.contains(said.event.subject.as_str()));
        for some in round.chunks(EVENTS_AT_ONCE) {
            for (said, published) in some.iter().zip(publish_some(deps, until, some).await) {
                if published {
                    unpublished.remove(&said.record);
                } else {
                    failed.insert(&said.event.subject);
                }
            }
        }
    }
    report::given_back(unpublished.len());
    unpublished.first().copied()
}

fn rounds(said: &[Said]) -> Vec<Vec<&Said>> {
    let mut rounds: Vec<Vec<&Said>> = Vec::new();
    let mut before: HashMap<&str, usize> = HashMap::new();
    for said in said {
        let round = before.entry(&said.event.subject).or_default();
        match rounds.get_mut(*round) {
            Some(events) => events.push(said),
            None => rounds.push(vec![said]),
        }
        *round += 1;
    }
    rounds
}

/// Gives some events to the topic, if there is time; whether it has each.
async fn publish_some<T: EventTopic, C: Clock>(deps: &Deps<'_, T, C>, until: Timestamp, some: &[&Said]) -> Vec<bool> {
    if deps.clock.now() >= until {
        return vec![false; some.len()];
    }
    let events: Vec<&Event> = some.iter().map(|said| &said.event).collect();
    let results = deps.topic.publish(&events).await;
    for (event, result) in events.iter().zip(&results) {
        match result {
            Ok(()) => report::published(event),
            Err(error) => report::failed(event, error),
        }
    }
    results.iter().map(Result::is_ok).collect()
}
