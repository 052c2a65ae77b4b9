//! From what SQS delivers to what there is to do: nothing behind this module looks at JSON again.
//!
//! A message is a notification of S3's, or an operator's [`ReprocessRequest`]. Nothing is decided here but what a record
//! *is*.

use aws_lambda_events::s3::S3EventRecord;
use aws_lambda_events::sqs::SqsMessage;
use coffeeshop_aws::sqs_batch::{MalformedBatch, Received, received};
use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::ids::BatchItemId;
use coffeeshop_core::keys::{KeyError, PhotoKey, decode_event_key};
use coffeeshop_core::photo::{PhotoChanged, Request};
use coffeeshop_core::ports::{ParkReason, Receipt};
use coffeeshop_core::reprocess::ReprocessRequest;
use coffeeshop_core::sequencer::Sequencer;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What a partial batch response calls it.
    pub id: BatchItemId,
    /// What the queue calls this receipt of it.
    pub receipt: Receipt,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// What marks it as replayed: each record that is parked keeps it.
    pub replayed: Option<String>,
    /// What it asks for, in its order.
    pub records: Vec<Inbound>,
}

/// What one record of a notification, or a message that is none, asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// A photo is to be looked at.
    Photo {
        /// Why.
        request: Request,
        /// When that was said, as far as it is known; else [`Timestamp::UNIX_EPOCH`].
        sent_at: Timestamp,
    },
    /// Nothing, on purpose; why.
    Ignored(&'static str),
    /// Nothing that can be understood: it is to be parked.
    Unusable {
        /// A notification with this record alone, or the message as it was, so that it can be replayed as it is.
        body: String,
        /// What is wrong with it.
        reason: ParkReason,
    },
}

#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(rename = "Records", borrow)]
    records: Option<Vec<&'a RawValue>>,
    #[serde(rename = "Event")]
    event: Option<String>,
    #[serde(borrow)]
    reprocess: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Alone<'a> {
    #[serde(rename = "Records")]
    records: [&'a RawValue; 1],
}

/// Reads a message about `originals_bucket`.
pub fn parse(message: SqsMessage, originals_bucket: &str) -> Result<Message, MalformedBatch> {
    let Received { id, receipt, receive_count, body, replayed } = received(message)?;
    Ok(Message { id, receipt, receive_count, replayed, records: inbound(body, originals_bucket) })
}

/// Whether every record of a message asks for something, or nothing on purpose; else what is wrong with the first that
/// does not.
pub fn check(body: &str, originals_bucket: &str) -> Result<(), ParkReason> {
    let unusable = inbound(body.to_owned(), originals_bucket).into_iter().find_map(|record| match record {
        Inbound::Unusable { reason, .. } => Some(reason),
        Inbound::Photo { .. } | Inbound::Ignored(_) => None,
    });
    unusable.map_or(Ok(()), Err)
}

fn inbound(body: String, originals_bucket: &str) -> Vec<Inbound> {
    match serde_json::from_str(&body) {
        Ok(Notification { reprocess: Some(_), .. }) => vec![reprocess(body)],
        Ok(Notification { records: Some(records), .. }) if records.is_empty() => {
            vec![Inbound::Ignored("a notification of nothing")]
        }
        Ok(Notification { records: Some(records), .. }) => {
            records.into_iter().map(|raw| record(raw, originals_bucket)).collect()
        }
        Ok(Notification { event: Some(event), .. }) if event == "s3:TestEvent" => {
            vec![Inbound::Ignored("S3's test of the notification")]
        }
        Ok(_) => vec![unusable(body, "not_a_notification", &"the message has neither Records nor reprocess")],
        Err(error) => vec![unusable(body, "not_a_notification", &error)],
    }
}

/// The whole message: one that is a notification too is not understood, and nothing of it is done.
fn reprocess(body: String) -> Inbound {
    match serde_json::from_str(&body) {
        Ok(ReprocessRequest { reprocess }) => {
            Inbound::Photo { request: Request::Reprocess(reprocess), sent_at: Timestamp::UNIX_EPOCH }
        }
        Err(error) => unusable(body, "bad_reprocess", &error),
    }
}

fn unusable(body: String, code: &'static str, error: &dyn ToString) -> Inbound {
    Inbound::Unusable { body, reason: ParkReason::new(code, error) }
}

fn record(raw: &RawValue, originals_bucket: &str) -> Inbound {
    let alone = || serde_json::to_string(&Alone { records: [raw] }).unwrap_or_else(|_| raw.get().to_owned());
    let record: S3EventRecord = match serde_json::from_str(raw.get()) {
        Ok(record) => record,
        Err(error) => return unusable(alone(), "not_a_notification", &error),
    };
    let event = record.event_name.unwrap_or_default();
    if !["ObjectCreated:", "ObjectRemoved:", "LifecycleExpiration:"].iter().any(|kind| event.starts_with(kind)) {
        return Inbound::Ignored("neither created nor removed an object");
    }
    let bucket = record.s3.bucket.name.unwrap_or_default();
    if bucket != originals_bucket {
        let error = format!("the bucket {bucket:?} is not {originals_bucket:?}");
        return unusable(alone(), "unexpected_bucket", &error);
    }
    let key = record.s3.object.key.unwrap_or_default();
    let photo = match decode_event_key(&key).and_then(|key| PhotoKey::from_original(&key)) {
        Ok(photo) => photo,
        Err(error) => return unusable(alone(), key_reason(&error), &with_cause(&error)),
    };
    let sent_at = Timestamp::from_second(record.event_time.timestamp()).unwrap_or_default();
    match record.s3.object.sequencer.unwrap_or_default().parse::<Sequencer>() {
        Ok(sequencer) => Inbound::Photo { request: Request::Changed(PhotoChanged { photo, sequencer }), sent_at },
        Err(error) => unusable(alone(), "bad_sequencer", &error),
    }
}

fn key_reason(error: &KeyError) -> &'static str {
    match error {
        KeyError::BrokenEscape(_) => "broken_escape",
        KeyError::NotUtf8(_) => "not_utf8",
        KeyError::Shape(_) | KeyError::Id { .. } => "unexpected_key",
    }
}
