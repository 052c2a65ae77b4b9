//! From what a stream delivers to what there is to do: nothing behind this module looks at JSON again.
//!
//! Nothing is decided here but what a record *is*. Each record is read by itself, so that one which cannot be read
//! holds up no other.

use aws_lambda_events::dynamodb::{EventRecord, StreamRecord, StreamViewType};
use coffeeshop_core::fence::Fence;
use coffeeshop_core::ids::BatchItemId;
use coffeeshop_core::ledger::Change;
use coffeeshop_core::ports::{ParkReason, is_sendable};
use coffeeshop_core::rating::{Attribute, RatingItem, RatingKey, held};
use coffeeshop_core::replayed::Replayed;
use serde::Deserialize;
use serde_dynamo::{AttributeValue, Item};
use serde_json::value::RawValue;

/// One record of the stream.
#[derive(Debug)]
pub struct Record<'a> {
    /// What a partial batch response calls it; `None` when it says no such thing.
    pub id: Option<BatchItemId>,
    /// What its rating holds now; `None` when that cannot be known.
    pub change: Option<Change>,
    /// Why it makes no sense, if it does not.
    pub nonsense: Option<ParkReason>,
    /// Its globally unique `eventID`.
    pub event_id: Option<String>,
    /// What marks the batch as replayed, if it was: a record that is set aside keeps it.
    pub replayed: Option<Replayed>,
    /// The whole of it.
    pub raw: &'a RawValue,
}

/// Why a batch cannot be worked on at all: the stream or the mapping is not what the template says. No fault of the
/// records, so none of them is quarantined.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// Not a stream event.
    #[error("the event is not one of a DynamoDB stream")]
    NotAStreamEvent(#[source] serde_json::Error),
    /// Another table's record, such as one of the publisher's archives that was replayed into the wrong function.
    #[error("a record of {0} is not one of ratings")]
    NotOfRatings(String),
    /// A stream without images.
    #[error("a record of {0} has no new image: the stream's view type must be NEW_AND_OLD_IMAGES")]
    NoNewImage(String),
}

#[derive(Deserialize)]
struct StreamEvent<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
    /// What an operator has it handed over with.
    replayed: Option<String>,
}

/// Reads a batch.
pub fn parse(payload: &RawValue) -> Result<Vec<Record<'_>>, Misconfigured> {
    let event: StreamEvent<'_> = serde_json::from_str(payload.get()).map_err(Misconfigured::NotAStreamEvent)?;
    let replayed: Option<Replayed> =
        event.replayed.filter(|text| text.chars().all(is_sendable)).and_then(|text| text.parse().ok());
    event.records.into_iter().map(|raw| record(raw, replayed.clone())).collect()
}

fn record(raw: &RawValue, replayed: Option<Replayed>) -> Result<Record<'_>, Misconfigured> {
    let record: EventRecord = match serde_json::from_str(raw.get()) {
        Ok(record) => record,
        Err(error) => {
            let nonsense = Some(reason("unreadable_record", &error));
            return Ok(Record { id: sequence_number(raw), change: None, nonsense, event_id: None, replayed, raw });
        }
    };
    let EventRecord { event_name, event_id, event_source_arn, change: mut stream, .. } = record;
    if stream.keys.inner().keys().any(|name| name != "shop_id" && name != "user_id") {
        return Err(Misconfigured::NotOfRatings(event_source_arn.unwrap_or_default()));
    }
    let sequence_number = stream.sequence_number.take().unwrap_or_default();
    let unusable = |reason| (None, Some(reason));
    let (change, nonsense) = match (key(&mut stream), event_name.as_str()) {
        (Err(reason), _) => unusable(reason),
        (Ok(_), "INSERT" | "MODIFY") if stream.new_image.is_empty() => match stream.stream_view_type {
            // It was left out when the record was quarantined, because it was too large.
            Some(StreamViewType::NewAndOldImages) => unusable(reason("no_image", &"the record has no new image")),
            _ => return Err(Misconfigured::NoNewImage(event_source_arn.unwrap_or_default())),
        },
        (Ok(rating), "INSERT" | "MODIFY" | "REMOVE") => {
            match Fence::new(event_source_arn.as_deref().unwrap_or_default(), &sequence_number).map(Some) {
                Err(error) => unusable(reason("no_place_in_the_stream", &error)),
                Ok(fence) if event_name == "REMOVE" => (Some(Change { rating, fence, held: None }), None),
                Ok(fence) => match held(&item(&mut stream)) {
                    Ok(held) => (Some(Change { rating, fence, held: Some(held) }), None),
                    Err(error) => (Some(Change { rating, fence, held: None }), Some(reason(error.code(), &error))),
                },
            }
        }
        (Ok(_), other) => unusable(reason("unknown_event", &format!("{other:?} is no event of a stream"))),
    };
    Ok(Record { id: BatchItemId::new(sequence_number), change, nonsense, event_id: Some(event_id), replayed, raw })
}

/// What a record that cannot be read as a whole says of its place.
fn sequence_number(raw: &RawValue) -> Option<BatchItemId> {
    let value: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
    BatchItemId::new(value.pointer("/dynamodb/SequenceNumber")?.as_str()?.to_owned())
}

fn reason(code: &'static str, error: &dyn ToString) -> ParkReason {
    ParkReason { code, error: error.to_string() }
}

fn key(stream: &mut StreamRecord) -> Result<RatingKey, ParkReason> {
    let keys = &mut stream.keys;
    let text = |keys: &mut Item, name: &str| match keys.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(reason("unreadable_keys", &format!("the key has no string `{name}`"))),
    };
    let id = |name: &str, error| reason("unreadable_keys", &format!("`{name}`: {error}"));
    let (shop_id, user_id) = (text(keys, "shop_id")?, text(keys, "user_id")?);
    Ok(RatingKey {
        shop_id: shop_id.try_into().map_err(|error| id("shop_id", error))?,
        user_id: user_id.try_into().map_err(|error| id("user_id", error))?,
    })
}

fn item(stream: &mut StreamRecord) -> RatingItem {
    let mut attribute = |name| {
        stream.new_image.remove(name).map(|value| match value {
            AttributeValue::N(number) => Attribute::Number(number),
            AttributeValue::S(text) => Attribute::Text(text),
            _ => Attribute::Other,
        })
    };
    RatingItem { stars: attribute("stars"), rated_at: attribute("rated_at") }
}
