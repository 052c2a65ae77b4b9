//! The order of work on a batch: what its changes say is published, each item's in order, and what is not published is
//! given back.
//!
//! Publishing is at least once: what is given back may have been published, and what is published may be given back with
//! an earlier record. One id has one content, so that says nothing new.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use coffeeshop_core::announce::announce;
use coffeeshop_core::event::{Data, Event};
use coffeeshop_core::ports::{Clock, EventTopic};
use futures::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};
use serde_json::value::RawValue;

use crate::envelope::{Record, Tables, parse};
use crate::report;

/// How long before the deadline no call is begun: what is not done is given back in this time.
pub const GIVE_BACK: SignedDuration = SignedDuration::from_secs(5);

/// How long a call may take, all its attempts together: one that hangs ends before Lambda would end the function.
pub const CALL_MAX: Duration = Duration::from_secs(4);

/// How many events are given to the topic in one call.
pub const EVENTS_AT_ONCE: usize = 10;

/// How many calls are under way at once.
pub const CALLS_AT_ONCE: usize = 5;

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

/// Works on a batch. The record in the response, and all after it, come again.
pub async fn handle<T: EventTopic, C: Clock>(
    deps: &Deps<'_, T, C>,
    payload: &RawValue,
    context: &Context,
) -> Result<DynamoDbEventResponse, Error> {
    let until = Timestamp::from_millisecond(i64::try_from(context.deadline)?)? - GIVE_BACK;
    let records = parse(payload, deps.tables).inspect_err(report::unreadable)?;
    let said = newest_scores(announcements(&records));
    let unpublished = publish(deps, until, &said).await;

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
    let all = said.len();
    said.retain(|said| !is_score(said) || last.get(&said.event.subject) == Some(&said.record));
    report::superseded(all - said.len());
    said
}

/// Publishes in rounds, the k-th event of each item in the k-th, so that an item's events go out one after the other.
/// After a failure there is no further round: none of an item's events may overtake one that failed. Returns the earliest
/// record whose event is not known to be published.
async fn publish<T: EventTopic, C: Clock>(deps: &Deps<'_, T, C>, until: Timestamp, said: &[Said]) -> Option<usize> {
    let mut unpublished: BTreeSet<usize> = said.iter().map(|said| said.record).collect();
    for round in rounds(said) {
        let calls = round.chunks(EVENTS_AT_ONCE).map(|some| call(deps, until, some));
        let published: Vec<usize> = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).concat().await;
        for record in &published {
            unpublished.remove(record);
        }
        if published.len() < round.len() {
            break;
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

/// Gives some events to the topic, if there is time. Returns the records of those that it has.
async fn call<T: EventTopic, C: Clock>(deps: &Deps<'_, T, C>, until: Timestamp, some: &[&Said]) -> Vec<usize> {
    if deps.clock.now() >= until {
        return Vec::new();
    }
    let events: Vec<&Event> = some.iter().map(|said| &said.event).collect();
    let mut published = Vec::new();
    for (said, result) in some.iter().zip(deps.topic.publish(&events).await) {
        match result {
            Ok(()) => {
                report::published(&said.event);
                published.push(said.record);
            }
            Err(error) => report::failed(&said.event, &error),
        }
    }
    published
}
