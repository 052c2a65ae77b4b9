//! Queues as an operator works on them: by hand, message by message.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PortError, Receipt};

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueUrl(pub String);

/// What a queue calls a message: the same whenever it is received, another when the message is sent again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub Box<str>);

/// The most messages that are received in one call.
pub const RECEIVE_MESSAGES_MAX: usize = 10;

/// The most bytes of a message: body, and names, types and values of attributes ([SQS][1]).
///
/// [1]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The most attributes of a message.
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its type: `String`, `Number` or `Binary`, and what somebody put behind that.
    pub data_type: String,
    /// What it says.
    pub value: AttributeValue,
}

/// What an attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Of a `String` or a `Number`.
    Text(String),
    /// Of a `Binary`.
    Binary(Bytes),
}

impl Attribute {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), value: AttributeValue::Text(text.into()) }
    }

    /// What it says, if that is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Binary(_) => None,
        }
    }
}

/// What a message says, and what of it survives when it is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Text of any kind, never empty.
    pub body: String,
    /// What somebody sent with it.
    pub attributes: BTreeMap<String, Attribute>,
    /// X-Ray's `AWSTraceHeader`.
    pub trace_header: Option<String>,
}

impl Content {
    /// [As SQS counts][1], without the trace header, which does not count.
    ///
    /// [1]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html
    pub fn bytes(&self) -> usize {
        let attribute = |(name, attribute): (&String, &Attribute)| {
            let value = match &attribute.value {
                AttributeValue::Text(text) => text.len(),
                AttributeValue::Binary(bytes) => bytes.len(),
            };
            name.len() + attribute.data_type.len() + value
        };
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// The text of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_text()
    }
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What the queue calls it.
    pub id: MessageId,
    /// Of this receipt.
    pub receipt: Receipt,
    /// What it says.
    pub content: Content,
    /// When it was first sent: it is kept when a queue gives a message up.
    pub sent_at: Timestamp,
    /// How often it has been received, this time included.
    pub receive_count: u32,
}

/// How many messages a queue has, about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Can be received.
    pub visible: u64,
    /// Were received, and are hidden for a while.
    pub hidden: u64,
    /// Cannot be received yet.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    pub fn total(self) -> u64 {
        self.visible + self.hidden + self.delayed
    }
}

/// A message that was not sent, as far as is known.
#[derive(Debug, thiserror::Error)]
#[error("not sent")]
pub struct NotSent {
    /// Whether it is certain that the queue has not got it; otherwise the reply may only have been lost.
    pub certain: bool,
    /// Why.
    #[source]
    pub error: PortError,
}

/// A message that was not deleted, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum NotDeleted {
    /// The receipt does not count any more: the message can be received again, or another receipt holds it, or it is
    /// gone.
    #[error("the receipt does not count any more")]
    Expired,
    /// The call did not work out.
    #[error("not deleted")]
    Failed(#[source] PortError),
}

/// Queues whose messages are looked at, sent elsewhere and deleted by hand.
///
/// Whatever takes several calls takes them side by side.
pub trait Queues {
    /// Receives up to `max` messages, at most [`RECEIVE_MESSAGES_MAX`], and hides them for so long. Some may be handed
    /// out twice. Nothing means that no message could be received for a moment; it is waited for one.
    fn receive(
        &self,
        queue: &QueueUrl,
        max: usize,
        hidden: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, PortError>> + Send;

    /// Lets received messages be received again at once; how it went, in their order. A receipt that does not count any
    /// more is no error.
    fn give_back(
        &self,
        queue: &QueueUrl,
        receipts: &[Receipt],
    ) -> impl Future<Output = Vec<Result<(), PortError>>> + Send;

    /// Sends each; what it is called from then on, in their order. Only what is `Ok` is certainly there.
    fn send(
        &self,
        queue: &QueueUrl,
        contents: &[Content],
    ) -> impl Future<Output = Vec<Result<MessageId, NotSent>>> + Send;

    /// Deletes received messages; how it went, in their order. `Ok` for a receipt that was not the last of its message
    /// may mean nothing.
    fn delete(
        &self,
        queue: &QueueUrl,
        receipts: &[Receipt],
    ) -> impl Future<Output = Vec<Result<(), NotDeleted>>> + Send;

    /// How many messages there are, as of some moments ago.
    fn depth(&self, queue: &QueueUrl) -> impl Future<Output = Result<Depth, PortError>> + Send;
}
