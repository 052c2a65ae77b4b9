//! Ratings, what their table's stream says of them, and how Lambda archives it; with the aggregator itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use coffeeshop_aggregator::batch::{Deps, handle};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{
    Answer, Attribute as MessageAttribute, Clock as _, Content, PortError, Quarantine, Quarantined,
};
use coffeeshop_core::rating::{Attribute, Held, RatingItem, RatingKey, held};
use coffeeshop_core::score::ScoreKey;
use coffeeshop_core::testing::{QueueWorld, ScoreWorld};
use lambda_runtime::Context;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::bench::{Bench, url};
use crate::fakes::Handler;

pub(super) const STREAM: &str = "arn:aws:dynamodb:eu-central-1:1:table/prod-ratings/stream/2026-11-21T10:00:00.000";

/// What the archives of the aggregator's mapping begin with.
pub(super) const MAPPING: &str = "aws/lambda/agg/shardId-1/2026/11/22";

/// Stars and the day of a rating.
pub(super) type Rated<'a> = Option<(&'a str, &'a str)>;

pub(super) fn rating(shop: &str, user: &str) -> RatingKey {
    RatingKey { shop_id: shop.parse().unwrap(), user_id: user.parse().unwrap() }
}

/// Writes a rating, or takes it back; the record that the stream has of it.
pub(super) fn write(bench: &Bench, number: usize, rating: &RatingKey, rated: Rated<'_>) -> Value {
    match rated {
        Some((stars, day)) => {
            let (stars, rated_at) = (Attribute::Number(stars.to_owned()), Attribute::Text(time(day)));
            bench.scores.put_rating(rating.clone(), RatingItem { stars: Some(stars), rated_at: Some(rated_at) });
        }
        None => bench.scores.remove_rating(rating),
    }
    record(number, rating, rated, "")
}

fn time(day: &str) -> String {
    format!("{day}T12:00:00Z")
}

/// The sequence number of the record of this number.
pub(super) fn sequence_number(number: usize) -> String {
    format!("{}", 100_000_000_000_000_000_000_u128 + number as u128)
}

/// A record of the stream.
pub(super) fn record(number: usize, rating: &RatingKey, rated: Rated<'_>, comment: &str) -> Value {
    let keys = json!({ "shop_id": { "S": rating.shop_id }, "user_id": { "S": rating.user_id } });
    let mut change = json!({
        "ApproximateCreationDateTime": 1_795_255_200,
        "Keys": keys,
        "SequenceNumber": sequence_number(number),
        "SizeBytes": 120,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    });
    if let Some((stars, day)) = rated {
        let mut image = keys;
        image["stars"] = json!({ "N": stars });
        image["rated_at"] = json!({ "S": time(day) });
        image["comment"] = json!({ "S": comment });
        change["NewImage"] = image;
    }
    json!({
        "eventID": format!("event-{number}"),
        "eventName": if rated.is_some() { "INSERT" } else { "REMOVE" },
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": change,
        "eventSourceARN": STREAM,
    })
}

/// What Lambda writes of a batch that it gave up.
pub(super) fn archived(records: &[Value]) -> Value {
    let number = |record: Option<&Value>| record.unwrap()["dynamodb"]["SequenceNumber"].clone();
    json!({
        "requestContext": {
            "requestId": "65ecaa55-f53b-430f-8d0a-2c6f5e7b7e2e",
            "functionArn": "arn:aws:lambda:eu-central-1:1:function:prod-aggregator",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 11,
        },
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
        "version": "1.0",
        "timestamp": "2026-11-22T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": number(records.first()),
            "endSequenceNumber": number(records.last()),
            "approximateArrivalOfFirstRecord": "1970-01-01T00:30:00Z",
            "approximateArrivalOfLastRecord": "1970-01-01T00:30:04Z",
            "batchSize": records.len(),
            "streamArn": STREAM,
        },
        "payload": json!({ "Records": records }).to_string(),
    })
}

/// The same, without the records.
pub(super) fn archived_without(records: &[Value]) -> Value {
    let mut archived = archived(records);
    archived.as_object_mut().unwrap().remove("payload");
    archived
}

impl Bench {
    /// Archives what the aggregator's mapping gave up; its key.
    pub(super) fn archive(&self, name: &str, archived: &Value) -> String {
        let key = format!("{MAPPING}/{name}");
        self.buckets.put("failures", &key, archived.to_string());
        key
    }

    /// What is in the archives of a function, by key.
    pub(super) fn archives(&self) -> BTreeMap<String, Value> {
        let keys = self.buckets.keys("failures").into_iter();
        keys.map(|key| (key.clone(), serde_json::from_str(&self.buckets.read("failures", &key).unwrap()).unwrap()))
            .collect()
    }

    /// From now on the aggregator is the aggregator, but for records whose event ids are `poison`: these end it.
    pub(super) fn with_aggregator(mut self, poison: &[usize]) -> Self {
        self.mend_aggregator(poison);
        self
    }

    pub(super) fn mend_aggregator(&mut self, poison: &[usize]) {
        let poison = poison.iter().map(|number| sequence_number(*number)).collect();
        self.lambda.handler = Some(aggregator(self.scores.clone(), self.world.clone(), poison));
    }

    /// Every score is a recount of the ratings, and every contribution is what its rating holds.
    #[track_caller]
    pub(super) fn check_scores(&self) {
        let ratings = self.scores.stored_ratings();
        let holds: BTreeMap<&RatingKey, Held> =
            ratings.iter().filter_map(|(rating, item)| Some((rating, held(item).ok()?))).collect();
        let mut recount: BTreeMap<ScoreKey, Histogram> = BTreeMap::new();
        for (rating, held) in &holds {
            for period in [Period::All, Period::Month(held.month)] {
                let key = ScoreKey { shop_id: rating.shop_id.clone(), period };
                recount.entry(key).or_default().add(held.stars);
            }
        }
        let scores = self.scores.stored_scores();
        let scores = scores.into_iter().filter(|(_, score)| score.histogram != Histogram::default());
        let scores: BTreeMap<ScoreKey, Histogram> = scores.map(|(key, score)| (key, score.histogram)).collect();
        assert!(scores == recount, "scores are not the recount:\n{scores:?}\n{recount:?}");
        let contributions = self.scores.stored_contributions();
        let contributions: BTreeMap<&RatingKey, Held> =
            contributions.iter().filter_map(|(rating, item)| Some((rating, item.held()?))).collect();
        assert!(contributions == holds, "contributions are not what ratings hold");
    }
}

/// The quarantine's queue.
struct InQueue<'a>(&'a QueueWorld);

impl Quarantine for InQueue<'_> {
    async fn send(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        let sent = records.iter().map(|Quarantined { body, reason, replayed, .. }| {
            let mut attributes = BTreeMap::from([
                ("reason".to_owned(), MessageAttribute::text(reason.code)),
                ("error".to_owned(), MessageAttribute::text(reason.error.clone())),
            ]);
            attributes
                .extend(replayed.iter().map(|mark| ("replayed".to_owned(), MessageAttribute::text(mark.to_string()))));
            self.0.put(&url("ratings-quarantine"), Content { body: body.clone(), attributes, trace_header: None });
            Ok(())
        });
        sent.collect()
    }
}

/// The aggregator; what comes before a poisonous record in its batch is done, and then it ends.
fn aggregator(scores: Arc<ScoreWorld>, queues: Arc<QueueWorld>, poison: BTreeSet<String>) -> Handler {
    Box::new(move |payload: Bytes| {
        let (scores, queues) = (scores.clone(), queues.clone());
        let mut event: Value = serde_json::from_slice(&payload).unwrap();
        let records = event["Records"].as_array_mut().unwrap();
        let is_poison =
            |record: &Value| poison.contains(record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default());
        let ends = records.iter().position(is_poison);
        records.truncate(ends.unwrap_or(records.len()));
        Box::pin(async move {
            let event: Box<RawValue> = serde_json::value::to_raw_value(&event).unwrap();
            let mut context = Context::default();
            context.deadline = u64::try_from(scores.now().as_millisecond() + 60_000).unwrap();
            let deps = Deps { store: &*scores, quarantine: &InQueue(&queues), clock: &*scores };
            let handled = handle(&deps, &event, &context).await;
            Ok(match (ends, handled) {
                (Some(_), _) => Answer::Failed { error: "Runtime.ExitError: signal: killed".to_owned() },
                (None, Ok(response)) => Answer::Returned(serde_json::to_vec(&response).unwrap().into()),
                (None, Err(error)) => Answer::Failed { error: error.to_string() },
            })
        })
    })
}
