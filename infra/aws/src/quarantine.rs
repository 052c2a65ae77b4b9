//! [`Quarantine`] over SQS.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use coffeeshop_core::ports::{PortError, Quarantine, Quarantined};

use crate::{failed, text_attribute};

/// The most messages that SQS takes in one call.
const SEND_MESSAGES_MAX: usize = 10;

/// The most bytes that SQS takes in one call.
const SEND_BYTES_MAX: usize = 1 << 20;

const CALL: &str = "quarantine.send";

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

    /// Sends what fits into one call.
    async fn send_some(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        let all_failed = |error: PortError| {
            let text = format!("{error}: {}", error.cause);
            records.iter().map(|_| Err(PortError::new(CALL, text.clone()))).collect()
        };
        let entries = records.iter().enumerate().map(|(i, record)| entry(i, record)).collect::<Result<Vec<_>, _>>();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return all_failed(error),
        };
        let request = self.client.send_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
        match request.send().await {
            Err(error) => all_failed(PortError::new(CALL, error)),
            // Each can fail alone: there is only what is said to be there.
            Ok(answer) => (0..records.len())
                .map(|i| {
                    let id = i.to_string();
                    if answer.successful().iter().any(|sent| sent.id() == id) {
                        return Ok(());
                    }
                    let why = answer.failed().iter().find(|failed| failed.id() == id);
                    Err(PortError::new(CALL, format!("not sent: {why:?}")))
                })
                .collect(),
        }
    }
}

impl Quarantine for SqsQuarantine {
    async fn send(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        let (mut sent, mut left) = (Vec::new(), records);
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = |record: &&Quarantined| {
                bytes += size(record);
                bytes <= SEND_BYTES_MAX
            };
            let fitting = left.iter().take(SEND_MESSAGES_MAX).take_while(fits).count();
            // One that is too large even alone is sent alone: SQS then says so.
            let (some, rest) = left.split_at(fitting.max(1));
            sent.extend(self.send_some(some).await);
            left = rest;
        }
        sent
    }
}

fn attributes(record: &Quarantined) -> impl Iterator<Item = (&'static str, &str)> {
    let event_id = record.event_id.as_deref().map(|id| ("event_id", id));
    [("reason", record.reason.code), ("error", record.reason.error.as_str())].into_iter().chain(event_id)
}

/// As SQS counts: body, and names, types and values of attributes.
fn size(record: &Quarantined) -> usize {
    let attribute = |(name, value): (&str, &str)| name.len() + "String".len() + value.len();
    record.body.len() + attributes(record).map(attribute).sum::<usize>()
}

fn entry(i: usize, record: &Quarantined) -> Result<SendMessageBatchRequestEntry, PortError> {
    let mut entry = SendMessageBatchRequestEntry::builder().id(i.to_string()).message_body(&record.body);
    for (name, value) in attributes(record) {
        entry = entry.message_attributes(name, text_attribute(CALL, value)?);
    }
    entry.build().map_err(failed(CALL))
}
