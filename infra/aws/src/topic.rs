//! [`EventTopic`] over SNS.
//!
//! Who subscribes, and by which filters, is the template's business. A call that SNS refuses because of one of its entries
//! fails all of them: who publishes tries them again in other company.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use coffeeshop_core::event::Event;
use coffeeshop_core::ports::{EventTopic, PortError};

use crate::batches::{self, Answer, Limits, Message};
use crate::failed;

/// The most bytes that [SNS takes in one call][1], unless the topic's `MaximumMessageSize` says otherwise.
///
/// [1]: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
const CALL_BYTES_MAX: usize = 262_144;

/// All calls go out at once, as the port promises: who publishes decides how many they are.
const LIMITS: Limits = Limits { call_bytes_max: CALL_BYTES_MAX, calls_at_once: usize::MAX };

const CALL: &str = "topic.publish";

/// A topic.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: Client,
    topic_arn: String,
}

impl SnsTopic {
    /// The topic of this ARN. Nothing is called yet.
    pub fn new(client: Client, topic_arn: String) -> Self {
        Self { client, topic_arn }
    }

    async fn publish_some(&self, messages: Vec<Message>) -> Result<Answer, PortError> {
        let entries = messages.into_iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.publish_batch().topic_arn(&self.topic_arn);
        let answer = request.set_publish_batch_request_entries(Some(entries)).send().await.map_err(failed(CALL))?;
        let (successful, failed) = (answer.successful.unwrap_or_default(), answer.failed.unwrap_or_default());
        Ok(Answer {
            successful: successful.into_iter().filter_map(|sent| sent.id).collect(),
            failed: failed.into_iter().map(|failed| (failed.id.clone(), format!("{failed:?}"))).collect(),
        })
    }
}

impl EventTopic for SnsTopic {
    async fn publish(&self, events: &[&Event]) -> Vec<Result<(), PortError>> {
        let messages = events.iter().map(|event| {
            let body = serde_json::to_string(event).map_err(failed(CALL))?;
            Ok(Message { body, attributes: event.attributes() })
        });
        match messages.collect() {
            Ok(messages) => batches::send(CALL, messages, LIMITS, |some| self.publish_some(some)).await,
            Err(error) => batches::all_failed(events.len(), &error),
        }
    }
}

fn entry((i, message): (usize, Message)) -> Result<PublishBatchRequestEntry, PortError> {
    let mut entry = PublishBatchRequestEntry::builder().id(i.to_string()).message(message.body);
    for (name, value) in message.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value);
        entry = entry.message_attributes(name, value.build().map_err(failed(CALL))?);
    }
    entry.build().map_err(failed(CALL))
}
