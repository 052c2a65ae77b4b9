//! [`Quarantine`] over SQS.
//!
//! What is set aside, and why, is decided elsewhere.

use aws_sdk_sqs::Client;
use coffeeshop_core::ports::{PortError, Quarantine, Quarantined};
use coffeeshop_core::replayed::REPLAYED;

use crate::batches::{self, Message};

/// A queue that nobody consumes by itself.
#[derive(Debug, Clone)]
pub struct SqsQuarantine {
    client: Client,
    queue_url: String,
}

impl SqsQuarantine {
    /// The queue at `queue_url`. Nothing is called yet.
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }
}

impl Quarantine for SqsQuarantine {
    async fn send(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        let messages = records.iter().map(message).collect();
        batches::send_to_queue("quarantine.send", &self.client, &self.queue_url, messages).await
    }
}

fn message(record: &Quarantined) -> Message {
    let event_id = record.event_id.as_ref().map(|id| ("event_id", id.clone()));
    let reason = [("reason", record.reason.code.to_owned()), ("error", record.reason.error.clone())];
    let replayed = record.replayed.as_ref().map(|replayed| (REPLAYED, replayed.to_string()));
    Message { body: record.body.clone(), attributes: reason.into_iter().chain(event_id).chain(replayed).collect() }
}
