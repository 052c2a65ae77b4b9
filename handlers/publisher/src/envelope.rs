//! From what a stream delivers to the items before and after each change: nothing behind this module looks at JSON
//! again.
//!
//! What a change says is not decided here. A record that cannot be read fails its whole batch, unlike in the
//! aggregator, whose records hold what somebody wrote. What is read here the pipeline itself wrote, so a record that
//! makes no sense is a fault of the pipeline, and nothing is set aside. It holds up nobody for long all the same: Lambda
//! bisects the batch until the record is alone, retries that, and archives it whole.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use coffeeshop_core::announce::Item;
use coffeeshop_core::board::LEASE;
use coffeeshop_core::ids::BatchItemId;
use serde::de::DeserializeOwned;
use serde_dynamo::AttributeValue;
use serde_json::value::RawValue;

/// The names of the tables whose changes are announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Of outcomes.
    pub photos: String,
    /// Of scores.
    pub scores: String,
    /// Of leaderboards.
    pub boards: String,
}

/// One record of a stream.
#[derive(Debug)]
pub struct Record {
    /// What a partial batch response calls it.
    pub id: BatchItemId,
    /// The item before the change; `None` when there was none, or none that can be understood.
    pub old: Option<Item>,
    /// The item after it; `None` when it was deleted, or is none that is announced.
    pub new: Option<Item>,
}

/// Why a batch cannot be worked on. `record` is a sequence number.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not a stream event, or with a record that is none.
    #[error("the event is not one of a DynamoDB stream")]
    NotAStreamEvent(#[source] serde_json::Error),
    /// A record that could never be given back.
    #[error("a record of {stream} has no sequence number")]
    NoSequenceNumber {
        /// The stream.
        stream: String,
    },
    /// The function is mapped to a stream that it does not know.
    #[error("record {record} is of {stream}, and announced are only photos, scores and boards")]
    UnknownTable {
        /// The record.
        record: String,
        /// The stream.
        stream: String,
    },
    /// A change of a kind that streams do not have.
    #[error("record {record} of {stream} has the event {event:?}, which streams do not have")]
    UnknownEvent {
        /// The record.
        record: String,
        /// The stream.
        stream: String,
        /// The kind.
        event: String,
    },
    /// A stream without images.
    #[error("record {record} of {stream} lacks an image: the stream's view type must be NEW_AND_OLD_IMAGES")]
    NoImage {
        /// The record.
        record: String,
        /// The stream.
        stream: String,
    },
    /// An item that the pipeline should not have written.
    #[error("the new image of record {record} of {stream} cannot be understood")]
    Item {
        /// The record.
        record: String,
        /// The stream.
        stream: String,
        /// What is wrong with it.
        #[source]
        cause: serde_dynamo::Error,
    },
}

/// Reads a batch.
pub fn parse(payload: &RawValue, tables: &Tables) -> Result<Vec<Record>, Unreadable> {
    let event: Event = serde_json::from_str(payload.get()).map_err(Unreadable::NotAStreamEvent)?;
    event.records.into_iter().map(|record| read(record, tables)).collect()
}

fn read(record: EventRecord, tables: &Tables) -> Result<Record, Unreadable> {
    let EventRecord { event_name, event_source_arn, change, .. } = record;
    let (stream, number) = (event_source_arn.unwrap_or_default(), change.sequence_number.unwrap_or_default());
    let Some(id) = BatchItemId::new(number.clone()) else { return Err(Unreadable::NoSequenceNumber { stream }) };
    let table = table_of(&stream);
    let item = match table {
        Some(name) if name == tables.photos => |image| understood(image, Item::Photo),
        Some(name) if name == tables.scores => |image| understood(image, Item::Score),
        Some(name) if name == tables.boards => |image| understood(image, Item::Board),
        _ => return Err(Unreadable::UnknownTable { record: number, stream }),
    };
    let is_lease = table == Some(tables.boards.as_str()) && is_lease(&change.keys);
    let images_missing = match event_name.as_str() {
        "INSERT" => change.new_image.is_empty(),
        "MODIFY" => change.new_image.is_empty() || change.old_image.is_empty(),
        "REMOVE" => return Ok(Record { id, old: None, new: None }),
        _ => return Err(Unreadable::UnknownEvent { record: number, stream, event: event_name }),
    };
    if images_missing {
        return Err(Unreadable::NoImage { record: number, stream });
    }
    if is_lease {
        return Ok(Record { id, old: None, new: None });
    }
    match item(change.new_image) {
        Ok(new) => Ok(Record { id, old: item(change.old_image).ok(), new: Some(new) }),
        Err(cause) => Err(Unreadable::Item { record: number, stream, cause }),
    }
}

/// A lease of a job lies beside the boards, and says nothing to the world. Whatever is in the item, its key says so.
fn is_lease(keys: &serde_dynamo::Item) -> bool {
    matches!(keys.get("period"), Some(AttributeValue::S(period)) if period == LEASE)
}

fn understood<T: DeserializeOwned>(image: serde_dynamo::Item, of: fn(T) -> Item) -> Result<Item, serde_dynamo::Error> {
    serde_dynamo::from_item(image).map(of)
}

/// The name in `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`.
fn table_of(stream: &str) -> Option<&str> {
    let resource = stream.splitn(6, ':').nth(5)?;
    resource.strip_prefix("table/")?.split_once("/stream/").map(|(name, _)| name)
}
