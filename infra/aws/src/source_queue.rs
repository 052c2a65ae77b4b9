//! [`SourceQueue`] over SQS. Receiving is Lambda's business.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use coffeeshop_core::ports::{ParkReason, PortError, Receipt, SourceQueue};
use coffeeshop_core::replayed::REPLAYED;

use crate::{failed, text_attribute};

/// The most messages that SQS deletes in one call.
const DELETE_MESSAGES_MAX: usize = 10;

/// A queue and its dead-letter queue.
#[derive(Debug, Clone)]
pub struct SqsSource {
    client: Client,
    queue_url: String,
    dlq_url: String,
}

impl SqsSource {
    /// The queue at `queue_url`, which parks at `dlq_url`. Nothing is called yet.
    pub fn new(client: Client, queue_url: String, dlq_url: String) -> Self {
        Self { client, queue_url, dlq_url }
    }
}

impl SourceQueue for SqsSource {
    async fn delete(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        const CALL: &str = "queue.delete";
        for some in receipts.chunks(DELETE_MESSAGES_MAX) {
            let entry = |(i, receipt): (usize, &Receipt)| {
                DeleteMessageBatchRequestEntry::builder().id(i.to_string()).receipt_handle(&receipt.0).build()
            };
            let entries = some.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>().map_err(failed(CALL))?;
            let request = self.client.delete_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
            let answer = request.send().await.map_err(failed(CALL))?;
            // A handle that is invalid is of a message that is gone, or that another receipt holds by now.
            let remain = answer.failed().iter().filter(|failed| failed.code() != "ReceiptHandleIsInvalid");
            let remain: Vec<_> = remain.collect();
            if let [first, ..] = remain.as_slice() {
                return Err(PortError::new(CALL, format!("{} messages remain: {first:?}", remain.len())));
            }
        }
        Ok(())
    }

    async fn postpone(&self, receipt: &Receipt, seconds: u32) -> Result<(), PortError> {
        const CALL: &str = "queue.postpone";
        let seconds = i32::try_from(seconds).map_err(failed(CALL))?;
        let request = self.client.change_message_visibility().queue_url(&self.queue_url).receipt_handle(&receipt.0);
        request.visibility_timeout(seconds).send().await.map_err(failed(CALL))?;
        Ok(())
    }

    async fn park(&self, body: &str, reason: &ParkReason, replayed: Option<&str>) -> Result<(), PortError> {
        const CALL: &str = "queue.park";
        let mut request = self.client.send_message().queue_url(&self.dlq_url).message_body(body);
        let attributes = [("reason", Some(reason.code)), ("error", Some(reason.error.as_str())), (REPLAYED, replayed)];
        for (name, value) in attributes {
            if let Some(value) = value {
                request = request.message_attributes(name, text_attribute(CALL, value)?);
            }
        }
        request.send().await.map_err(failed(CALL))?;
        Ok(())
    }
}
