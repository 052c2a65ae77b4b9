//! [`Queues`] over SQS.
//!
//! Whose queues they are, and why a message goes from one to another, is not known here.

mod answer;
mod attempts;
mod message;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use coffeeshop_core::ports::{
    Content, Depth, MESSAGE_ATTRIBUTES_MAX, MESSAGE_BYTES_MAX, Message, MessageId, NotDeleted, NotSent, PortError,
    QueueUrl, Queues, RECEIVE_MESSAGES_MAX, Receipt,
};

use self::answer::{Said, for_each, left_nothing, no_longer_counts, refused, said, unable};
use self::attempts::Attempts;
use crate::batches::{CALL_MESSAGES_MAX, QUEUE_CALL_BYTES_MAX, QUEUE_CALLS_AT_ONCE, cut, side_by_side};
use crate::failed;

/// How long a queue looks for a message before it says that there is none: any time at all makes it look at all of its
/// servers.
const WAIT_SECONDS: i32 = 1;

const RECEIVE: &str = "queues.receive";
const GIVE_BACK: &str = "queues.give_back";
const SEND: &str = "queues.send";
const DELETE: &str = "queues.delete";
const DEPTH: &str = "queues.depth";

/// The queues of an account and a region.
#[derive(Debug, Clone)]
pub struct SqsQueues {
    client: Client,
}

impl SqsQueues {
    /// All that the client may use. Nothing is called yet.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn send_some(&self, queue: &QueueUrl, entries: Vec<Entry>) -> Vec<Result<MessageId, NotSent>> {
        let count = entries.len();
        let entries = entries.into_iter().enumerate().map(|(i, mut entry)| {
            entry.sent.id = i.to_string();
            entry.sent
        });
        let attempts = Attempts::default();
        let request = self.client.send_message_batch().queue_url(&queue.0).set_entries(Some(entries.collect()));
        match request.customize().interceptor(attempts.clone()).send().await {
            Ok(answer) => {
                let sent = answer.successful.into_iter().map(|sent| (sent.id, MessageId(sent.message_id.into())));
                let each = said(count, sent.collect(), answer.failed).map(|said| match said {
                    Said::Done(id) => Ok(id),
                    Said::Refused(entry) => {
                        let error = refused(SEND, &entry);
                        // What is the queue's own fault may have been done all the same.
                        let certain = attempts.left_nothing() && (entry.sender_fault || error.busy);
                        Err(NotSent { certain, error })
                    }
                    Said::Nothing => Err(NotSent { certain: false, error: unsaid(SEND) }),
                });
                each.collect()
            }
            Err(error) => {
                let certain = attempts.left_nothing() && left_nothing(&error);
                for_each(count, unable(SEND, error)).map(|error| Err(NotSent { certain, error })).collect()
            }
        }
    }

    async fn give_some_back(&self, queue: &QueueUrl, receipts: Vec<Receipt>) -> Vec<Result<(), PortError>> {
        let entry = |(i, receipt): (usize, Receipt)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(i.to_string());
            entry.receipt_handle(receipt.0).visibility_timeout(0).build().map_err(failed(GIVE_BACK))
        };
        let count = receipts.len();
        let answer = async {
            let entries = receipts.into_iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
            let request = self.client.change_message_visibility_batch().queue_url(&queue.0).set_entries(Some(entries));
            request.send().await.map_err(|error| unable(GIVE_BACK, error))
        };
        match answer.await {
            Ok(answer) => {
                let done = answer.successful.into_iter().map(|done| (done.id, ()));
                let each = said(count, done.collect(), answer.failed).map(|said| match said {
                    Said::Done(()) => Ok(()),
                    Said::Refused(entry) if no_longer_counts(&entry) => Ok(()),
                    Said::Refused(entry) => Err(refused(GIVE_BACK, &entry)),
                    Said::Nothing => Err(unsaid(GIVE_BACK)),
                });
                each.collect()
            }
            Err(error) => for_each(count, error).map(Err).collect(),
        }
    }

    async fn delete_some(&self, queue: &QueueUrl, receipts: Vec<Receipt>) -> Vec<Result<(), NotDeleted>> {
        let entry = |(i, receipt): (usize, Receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(i.to_string()).receipt_handle(receipt.0);
            entry.build().map_err(failed(DELETE))
        };
        let count = receipts.len();
        let answer = async {
            let entries = receipts.into_iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
            let request = self.client.delete_message_batch().queue_url(&queue.0).set_entries(Some(entries));
            request.send().await.map_err(|error| unable(DELETE, error))
        };
        match answer.await {
            Ok(answer) => {
                let done = answer.successful.into_iter().map(|done| (done.id, ()));
                let each = said(count, done.collect(), answer.failed).map(|said| match said {
                    Said::Done(()) => Ok(()),
                    Said::Refused(entry) if no_longer_counts(&entry) => Err(NotDeleted::Expired),
                    Said::Refused(entry) => Err(NotDeleted::Failed(refused(DELETE, &entry))),
                    Said::Nothing => Err(NotDeleted::Failed(unsaid(DELETE))),
                });
                each.collect()
            }
            Err(error) => for_each(count, error).map(|error| Err(NotDeleted::Failed(error))).collect(),
        }
    }
}

impl Queues for SqsQueues {
    async fn receive(&self, queue: &QueueUrl, max: usize, hidden: Duration) -> Result<Vec<Message>, PortError> {
        let max = i32::try_from(max.min(RECEIVE_MESSAGES_MAX)).map_err(failed(RECEIVE))?;
        if max == 0 {
            return Ok(Vec::new());
        }
        let request = self.client.receive_message().queue_url(&queue.0).max_number_of_messages(max);
        let received = request
            .visibility_timeout(i32::try_from(whole_seconds(hidden)).map_err(failed(RECEIVE))?)
            .wait_time_seconds(WAIT_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader)
            .send()
            .await
            .map_err(|error| unable(RECEIVE, error))?;
        let messages = received.messages.unwrap_or_default().into_iter().map(message::received);
        messages.collect::<Result<_, _>>().map_err(failed(RECEIVE))
    }

    async fn give_back(&self, queue: &QueueUrl, receipts: &[Receipt]) -> Vec<Result<(), PortError>> {
        let calls = receipts.chunks(CALL_MESSAGES_MAX).map(<[Receipt]>::to_vec);
        side_by_side(calls, QUEUE_CALLS_AT_ONCE, |some| self.give_some_back(queue, some)).await
    }

    async fn send(&self, queue: &QueueUrl, contents: &[Content]) -> Vec<Result<MessageId, NotSent>> {
        let (mut entries, mut refused) = (Vec::new(), HashMap::new());
        for (i, content) in contents.iter().enumerate() {
            match entry(content) {
                Ok(entry) => entries.push(entry),
                Err(error) => drop(refused.insert(i, NotSent { certain: true, error })),
            }
        }
        let calls = cut(entries, |entry| entry.bytes, QUEUE_CALL_BYTES_MAX);
        let results = side_by_side(calls, QUEUE_CALLS_AT_ONCE, |some| self.send_some(queue, some)).await;
        let mut results = results.into_iter();
        let one = |i| match refused.remove(&i) {
            Some(not_sent) => Err(not_sent),
            None => results.next().unwrap_or_else(|| Err(NotSent { certain: false, error: unsaid(SEND) })),
        };
        (0..contents.len()).map(one).collect()
    }

    async fn delete(&self, queue: &QueueUrl, receipts: &[Receipt]) -> Vec<Result<(), NotDeleted>> {
        let calls = receipts.chunks(CALL_MESSAGES_MAX).map(<[Receipt]>::to_vec);
        side_by_side(calls, QUEUE_CALLS_AT_ONCE, |some| self.delete_some(queue, some)).await
    }

    async fn depth(&self, queue: &QueueUrl) -> Result<Depth, PortError> {
        let request = self.client.get_queue_attributes().queue_url(&queue.0);
        let request = request
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
        let answer = request.send().await.map_err(|error| unable(DEPTH, error))?;
        let attributes: HashMap<_, _> = answer.attributes.unwrap_or_default();
        let number = |name: QueueAttributeName| {
            let number = attributes.get(&name).and_then(|number| number.parse().ok());
            number.ok_or_else(|| PortError::new(DEPTH, format!("no number {name}")))
        };
        Ok(Depth {
            visible: number(QueueAttributeName::ApproximateNumberOfMessages)?,
            hidden: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)?,
            delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed)?,
        })
    }
}

fn unsaid(call: &'static str) -> PortError {
    PortError::new(call, "nothing is said about it")
}

/// Never less than what was asked for.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A message to be sent.
#[derive(Debug)]
struct Entry {
    sent: SendMessageBatchRequestEntry,
    bytes: usize,
}

/// What is sent of a message; not one that no queue takes: SQS could refuse the others of the same call with it.
fn entry(content: &Content) -> Result<Entry, PortError> {
    let bytes = content.bytes();
    let refused = |why| Err(PortError::new(SEND, why));
    if content.body.is_empty() {
        return refused("the body is empty");
    }
    if bytes > MESSAGE_BYTES_MAX {
        return refused("it is too large");
    }
    if content.attributes.len() > MESSAGE_ATTRIBUTES_MAX {
        return refused("it has too many attributes");
    }
    Ok(Entry { sent: message::entry(content).map_err(failed(SEND))?, bytes })
}
