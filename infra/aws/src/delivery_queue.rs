//! [`DeliveryQueue`] over SQS.
//!
//! Who receives the messages, and what becomes of those that cannot be delivered, is not known here.

use aws_sdk_sqs::Client;
use coffeeshop_core::delivery::Delivery;
use coffeeshop_core::ports::{DeliveryQueue, PortError};

use crate::batches::{self, Message};
use crate::failed;

const CALL: &str = "deliveries.send";

/// A queue of deliveries.
#[derive(Debug, Clone)]
pub struct SqsDeliveries {
    client: Client,
    queue_url: String,
}

impl SqsDeliveries {
    /// The queue at `queue_url`. Nothing is called yet.
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }
}

impl DeliveryQueue for SqsDeliveries {
    async fn send(&self, deliveries: &[Delivery]) -> Vec<Result<(), PortError>> {
        let messages = deliveries.iter().map(|delivery| {
            let body = serde_json::to_string(delivery).map_err(failed(CALL))?;
            Ok(Message { body, attributes: Vec::new() })
        });
        match messages.collect() {
            Ok(messages) => batches::send_to_queue(CALL, &self.client, &self.queue_url, messages).await,
            Err(error) => batches::all_failed(deliveries.len(), &error),
        }
    }
}
