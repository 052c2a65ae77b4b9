//! A batch of a stream that was given up, as Lambda archived it ([the form of such a record][1]).
//!
//! What becomes of its records is not decided here.
//!
//! [1]: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-batch-failure-destinations.html

use std::collections::BTreeSet;

use coffeeshop_core::ports::StreamRange;
use coffeeshop_core::rating::RatingKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// How long a stream keeps a record.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How many characters of a hash are in the name of a part.
const HASH_CHARS: usize = 16;

/// What separates it from the name of the whole.
const OF_PART: char = '_';

/// A batch that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Batch {
    #[serde(rename = "requestContext")]
    request: RequestContext,
    #[serde(rename = "responseContext")]
    response: Option<ResponseContext>,
    #[serde(rename = "DDBStreamBatchInfo")]
    info: Info,
    /// The event that the function was invoked with; `None`: only where it is in the stream.
    pub(crate) payload: Option<String>,
    /// How often it was replayed, and by which run.
    pub(crate) replayed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    condition: String,
    #[serde(default)]
    approximate_invoke_count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    function_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    shard_id: String,
    start_sequence_number: String,
    end_sequence_number: String,
    approximate_arrival_of_first_record: Option<Timestamp>,
    batch_size: u64,
    stream_arn: String,
}

impl Batch {
    /// What an object says; else what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("not a batch of a stream that was given up: {error}"))
    }

    /// Why it was given up.
    pub(crate) fn condition(&self) -> &str {
        &self.request.condition
    }

    /// How often the function was invoked with it, about.
    pub(crate) fn invocations(&self) -> u32 {
        self.request.approximate_invoke_count
    }

    /// How the last invocation ended.
    pub(crate) fn ending(&self) -> String {
        match self.response.as_ref().and_then(|response| response.function_error.as_ref()) {
            _ if self.request.approximate_invoke_count == 0 => "too old before the function saw it".to_owned(),
            Some(error) => format!("the function failed ({error})"),
            None => "the function gave it back".to_owned(),
        }
    }

    /// The name of the table.
    pub(crate) fn table(&self) -> &str {
        let table = self.info.stream_arn.split_once(":table/").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
        table.unwrap_or(&self.info.stream_arn)
    }

    /// How many records it has, as it says.
    pub(crate) fn size(&self) -> u64 {
        self.info.batch_size
    }

    /// Where its records are in the stream.
    pub(crate) fn range(&self) -> StreamRange {
        let Info { shard_id, start_sequence_number, end_sequence_number, stream_arn, .. } = self.info.clone();
        StreamRange { stream_arn, shard_id, first: start_sequence_number, last: end_sequence_number }
    }

    /// What sorts batches as their records are in the stream.
    pub(crate) fn position(&self) -> (String, String, String) {
        let Info { shard_id, start_sequence_number, stream_arn, .. } = &self.info;
        (stream_arn.clone(), shard_id.clone(), format!("{start_sequence_number:0>40}"))
    }

    /// Until when the stream has all of it, about.
    pub(crate) fn kept_until(&self) -> Option<Timestamp> {
        self.info.approximate_arrival_of_first_record?.checked_add(KEPT).ok()
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Box<RawValue>>,
}

/// The records of an event, as they are.
pub(crate) fn records(payload: &str) -> Result<Vec<Box<RawValue>>, String> {
    let event: Event = serde_json::from_str(payload).map_err(|error| format!("not an event of a stream: {error}"))?;
    Ok(event.records)
}

#[derive(Serialize)]
struct Part<'a> {
    #[serde(rename = "Records")]
    records: &'a [Box<RawValue>],
    replayed: &'a str,
}

/// An event with these records, and the mark of a replay, which the function leaves on what it sets aside.
pub(crate) fn event(records: &[Box<RawValue>], replayed: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Part { records, replayed })
}

/// How many bytes an event has beside its records, and the commas between them.
pub(crate) fn event_bytes(replayed: &str) -> usize {
    event(&[], replayed).map_or(usize::MAX, |empty| empty.len())
}

/// The archive of a part of a batch: what it is called, and what it says.
pub(crate) fn part(
    key: &str,
    text: &str,
    records: &[Box<RawValue>],
    replayed: &str,
) -> Result<(String, String), serde_json::Error> {
    #[derive(Serialize)]
    struct Records<'a> {
        #[serde(rename = "Records")]
        records: &'a [Box<RawValue>],
    }
    let mut archive: Map<String, Value> = serde_json::from_str(text)?;
    let payload = serde_json::to_string(&Records { records })?;
    let mut hash = hex::encode(Sha256::digest(&payload));
    hash.truncate(HASH_CHARS);
    if let Some(Value::Object(info)) = archive.get_mut("DDBStreamBatchInfo") {
        let ends = [("startSequenceNumber", records.first()), ("endSequenceNumber", records.last())];
        for (name, record) in ends {
            let number = record.and_then(|record| Some(Record::of(record)?.dynamodb.sequence_number?.into()));
            info.extend(number.map(|number| (name.to_owned(), number)));
        }
        info.insert("batchSize".to_owned(), records.len().into());
    }
    archive.insert("payload".to_owned(), payload.into());
    archive.insert("replayed".to_owned(), replayed.into());
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    let whole = name.split_once(OF_PART).map_or(name, |(whole, _)| whole);
    Ok((format!("{folder}/{whole}{OF_PART}{hash}"), serde_json::to_string(&archive)?))
}

/// What an operator needs to know of a record; it may be any JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) dynamodb: Change,
}

/// What changed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Change {
    pub(crate) sequence_number: Option<String>,
    #[serde(default)]
    keys: Keys,
}

#[derive(Debug, Default, Deserialize)]
struct Keys {
    shop_id: Option<Text>,
    user_id: Option<Text>,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl Record {
    pub(crate) fn of(record: &RawValue) -> Option<Self> {
        serde_json::from_str(record.get()).ok()
    }

    /// The rating that it is of, if it is one of a rating.
    pub(crate) fn rating(&self) -> Option<RatingKey> {
        let Keys { shop_id, user_id } = &self.dynamodb.keys;
        Some(RatingKey { shop_id: shop_id.as_ref()?.text.parse().ok()?, user_id: user_id.as_ref()?.text.parse().ok()? })
    }
}

/// The ratings that records name.
pub(crate) fn ratings(records: &[Box<RawValue>]) -> BTreeSet<RatingKey> {
    records.iter().filter_map(|record| Record::of(record)?.rating()).collect()
}
