//! Stream records as DynamoDB writes them, and invocations as Lambda makes them.

use aws_lambda_events::streams::DynamoDbEventResponse;
use coffeeshop_aggregator::batch::{Deps, handle};
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::testing::ScoreWorld;
use lambda_runtime::{Context, Error};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Seconds that one invocation may take, as in the template.
pub(crate) const TIMEOUT_SECONDS: i64 = 60;

/// A change of an item of `ratings`.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) label: &'static str,
    pub(crate) number: u64,
    pub(crate) event_name: &'static str,
    pub(crate) rating: RatingKey,
    pub(crate) old: Option<Value>,
    pub(crate) new: Option<Value>,
    pub(crate) by_ttl: bool,
}

pub(crate) const LABEL: &str = "2026-11-21T10:00:00.000";

pub(crate) fn rating(shop: &str, user: &str) -> RatingKey {
    RatingKey { shop_id: shop.parse().unwrap(), user_id: user.parse().unwrap() }
}

/// The attributes of a rating beside its key, in DynamoDB's JSON.
pub(crate) fn stars(stars: &str, rated_at: &str) -> Value {
    json!({ "stars": { "N": stars }, "rated_at": { "S": rated_at }, "comment": { "S": "crème brûlée latte" } })
}

/// An insert of a rating.
pub(crate) fn insert(number: u64, rating: RatingKey, new: Value) -> Written {
    Written { label: LABEL, number, event_name: "INSERT", rating, old: None, new: Some(new), by_ttl: false }
}

/// A deletion of one.
pub(crate) fn remove(number: u64, rating: RatingKey) -> Written {
    Written { label: LABEL, number, event_name: "REMOVE", rating, old: None, new: None, by_ttl: false }
}

impl Written {
    pub(crate) fn sequence_number(&self) -> String {
        format!("{:021}", 100_000_000_000_000_000_000_u128 + u128::from(self.number))
    }

    pub(crate) fn event_id(&self) -> String {
        format!("{}-{}", self.label, self.number)
    }

    /// The record as Lambda delivers it.
    pub(crate) fn json(&self) -> Value {
        let keys = json!({ "shop_id": { "S": self.rating.shop_id }, "user_id": { "S": self.rating.user_id } });
        let image = |attributes: &Value| {
            let mut image = keys.clone();
            image.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
            image
        };
        let mut change = json!({
            "ApproximateCreationDateTime": 1_795_255_200,
            "Keys": keys,
            "SequenceNumber": self.sequence_number(),
            "SizeBytes": 120,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (name, state) in [("NewImage", &self.new), ("OldImage", &self.old)] {
            if let Some(state) = state {
                change[name] = image(state);
            }
        }
        let mut record = json!({
            "eventID": self.event_id(),
            "eventName": self.event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": change,
            "eventSourceARN":
                format!("arn:aws:dynamodb:eu-central-1:000000000000:table/ratings/stream/{}", self.label),
        });
        if self.by_ttl {
            record["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
        }
        record
    }
}

/// The event of some records.
pub(crate) fn event(records: &[Value]) -> Box<RawValue> {
    serde_json::value::to_raw_value(&json!({ "Records": records })).unwrap()
}

/// One invocation of the function.
pub(crate) async fn invoke(world: &ScoreWorld, event: &RawValue, request: u64) -> Result<DynamoDbEventResponse, Error> {
    let mut context = Context::default();
    context.deadline = u64::try_from(world.now().as_millisecond() + TIMEOUT_SECONDS * 1000).unwrap();
    context.request_id = request.to_string();
    handle(&Deps { store: world, quarantine: world, clock: world }, event, &context).await
}

/// What the response gives back from.
pub(crate) fn given_back(response: &DynamoDbEventResponse) -> Option<String> {
    assert!(response.batch_item_failures.len() <= 1, "{response:?}");
    let id = response.batch_item_failures.first()?.item_identifier.clone();
    assert!(id.as_ref().is_some_and(|id| !id.is_empty()), "an empty id means the whole batch");
    id
}
