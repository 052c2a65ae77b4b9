//! The order of work on a batch: each rating's last change is settled shop by shop, nonsense is set aside, and what is
//! not done is given back.
//!
//! How one shop is settled is in `group`.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::Change;
use coffeeshop_core::ports::{Clock, Quarantine, Quarantined, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};
use serde_json::value::RawValue;

use crate::envelope::{Record, parse};
use crate::group::{Group, Settling};
use crate::quarantine::{quarantined, set_aside};

/// How long before the deadline no call is begun: what is not done is given back in this time.
pub const GIVE_BACK: SignedDuration = SignedDuration::from_secs(5);

/// How long a call may take, all its attempts together: one that hangs ends before Lambda would end the function.
pub const CALL_MAX: Duration = Duration::from_secs(4);

/// Everything outside.
#[derive(Debug)]
pub struct Deps<'a, S, Q, C> {
    /// Contributions, scores, shops.
    pub store: &'a S,
    /// Where records that make no sense are set aside.
    pub quarantine: &'a Q,
    /// What time it is.
    pub clock: &'a C,
}

/// Works on a batch. The record in the response, and all after it, come again; what of these is done already changes
/// nothing when it does.
pub async fn handle<S: ScoreStore, Q: Quarantine, C: Clock>(
    deps: &Deps<'_, S, Q, C>,
    payload: &RawValue,
    context: &Context,
) -> Result<DynamoDbEventResponse, Error> {
    let until = Timestamp::from_millisecond(i64::try_from(context.deadline)?)? - GIVE_BACK;
    let records = parse(payload)?;
    let mut seed = DefaultHasher::new();
    context.request_id.hash(&mut seed);
    // What makes sense comes first: a quarantine that does not answer must not hold it up.
    let unsettled = Settling::new(deps, &records, until).settle(groups(&records), seed.finish()).await;
    let not_set_aside = set_nonsense_aside(deps, until, &records).await;
    let unfinished = unsettled.iter().map(|group| group.first).chain(not_set_aside);

    let mut response = DynamoDbEventResponse::default();
    if let Some(record) = unfinished.min().and_then(|first| records.get(first)) {
        let id = record.id.clone().ok_or("a record that must come again has no sequence number")?;
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(id.into());
        response.batch_item_failures = vec![failure];
    }
    Ok(response)
}

/// Sends every record that makes no sense to the quarantine; returns the positions of those that are not there.
async fn set_nonsense_aside<S, Q: Quarantine, C: Clock>(
    deps: &Deps<'_, S, Q, C>,
    until: Timestamp,
    records: &[Record<'_>],
) -> Vec<usize> {
    let with_reason = |(position, record): (usize, &Record<'_>)| {
        record.nonsense.as_ref().map(|reason| (position, quarantined(record, reason)))
    };
    let (positions, messages): (Vec<usize>, Vec<Quarantined>) =
        records.iter().enumerate().filter_map(with_reason).unzip();
    let there = set_aside(deps, until, &messages).await;
    positions.into_iter().zip(there).filter(|(_, there)| !there).map(|(position, _)| position).collect()
}

/// The last change of each rating, by its fence, in groups of one shop.
fn groups(records: &[Record<'_>]) -> Vec<Group> {
    let mut last: HashMap<&RatingKey, (usize, &Change)> = HashMap::with_capacity(records.len());
    let mut first: BTreeMap<&ShopId, usize> = BTreeMap::new();
    for (position, change) in changes(records) {
        first.entry(&change.rating.shop_id).or_insert(position);
        let known = last.entry(&change.rating).or_insert((position, change));
        if known.1.fence <= change.fence {
            *known = (position, change);
        }
    }
    let mut groups: BTreeMap<&ShopId, Group> = BTreeMap::new();
    for (position, change) in changes(records) {
        if last.get(&change.rating).is_some_and(|(last, _)| *last == position) {
            let shop_id = &change.rating.shop_id;
            let first = first.get(shop_id).copied().unwrap_or(position);
            groups.entry(shop_id).or_insert_with(|| Group::new(shop_id.clone(), first)).push(position, change.clone());
        }
    }
    groups.into_values().collect()
}

fn changes<'a>(records: &'a [Record<'_>]) -> impl Iterator<Item = (usize, &'a Change)> {
    records.iter().enumerate().filter_map(|(position, record)| Some((position, record.change.as_ref()?)))
}
