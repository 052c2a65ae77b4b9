//! Sending messages in batches: what goes into a call, and what became of each message.
//!
//! What a message says, and whether it is sent again, is not known here.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use coffeeshop_core::ports::PortError;
use futures::stream::{self, StreamExt};

use crate::{failed, text_attribute};

/// The most messages that SQS and SNS take in one call.
pub(crate) const CALL_MESSAGES_MAX: usize = 10;

/// The most bytes that SQS takes in one call.
pub(crate) const QUEUE_CALL_BYTES_MAX: usize = 1 << 20;

/// How many calls of a queue are under way at once.
pub(crate) const QUEUE_CALLS_AT_ONCE: usize = 8;

/// A message to be sent.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: String,
    /// Names and texts.
    pub(crate) attributes: Vec<(&'static str, String)>,
}

impl Message {
    /// As [SQS][1] and [SNS][2] count: body, and names, types and values of attributes.
    ///
    /// [1]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html
    /// [2]: https://docs.aws.amazon.com/sns/latest/api/API_MessageAttributeValue.html
    fn bytes(&self) -> usize {
        let attribute = |(name, value): &(&str, String)| name.len() + "String".len() + value.len();
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

/// How messages are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most bytes that are taken in one call.
    pub(crate) call_bytes_max: usize,
    /// How many calls are under way at once.
    pub(crate) calls_at_once: usize,
}

/// What is said of the messages of one call, by their ids: their places in it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) successful: HashSet<String>,
    /// With what is said about it.
    pub(crate) failed: HashMap<String, String>,
}

/// Sends messages with as few calls as they fit into; what became of each, in their order.
pub(crate) async fn send<F>(
    call: &'static str,
    messages: Vec<Message>,
    limits: Limits,
    send_some: impl Fn(Vec<Message>) -> F,
) -> Vec<Result<(), PortError>>
where
    F: Future<Output = Result<Answer, PortError>>,
{
    let calls = cut(messages, Message::bytes, limits.call_bytes_max);
    side_by_side(calls, limits.calls_at_once, |some| {
        let count = some.len();
        let answer = send_some(some);
        async move {
            match answer.await {
                Ok(answer) => each(call, count, &answer),
                Err(error) => all_failed(count, &error),
            }
        }
    })
    .await
}

/// Takes calls side by side, at most so many; what became of each of their entries, in order.
pub(crate) async fn side_by_side<M, R, F>(
    calls: impl IntoIterator<Item = M>,
    at_once: usize,
    take: impl Fn(M) -> F,
) -> Vec<R>
where
    F: Future<Output = Vec<R>>,
{
    stream::iter(calls.into_iter().map(take)).buffered(at_once).flat_map(stream::iter).collect().await
}

/// Sends messages to a queue; what became of each, in their order.
pub(crate) async fn send_to_queue(
    call: &'static str,
    client: &Sqs,
    queue_url: &str,
    messages: Vec<Message>,
) -> Vec<Result<(), PortError>> {
    let limits = Limits { call_bytes_max: QUEUE_CALL_BYTES_MAX, calls_at_once: QUEUE_CALLS_AT_ONCE };
    send(call, messages, limits, |some| send_some_to_queue(call, client, queue_url, some)).await
}

async fn send_some_to_queue(
    call: &'static str,
    client: &Sqs,
    queue_url: &str,
    messages: Vec<Message>,
) -> Result<Answer, PortError> {
    let entry = |(i, message): (usize, Message)| {
        let mut entry = SendMessageBatchRequestEntry::builder().id(i.to_string()).message_body(message.body);
        for (name, value) in message.attributes {
            entry = entry.message_attributes(name, text_attribute(call, &value)?);
        }
        entry.build().map_err(failed(call))
    };
    let entries = messages.into_iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
    let request = client.send_message_batch().queue_url(queue_url).set_entries(Some(entries));
    let answer = request.send().await.map_err(failed(call))?;
    Ok(Answer {
        successful: answer.successful.into_iter().map(|sent| sent.id).collect(),
        failed: answer.failed.into_iter().map(|failed| (failed.id.clone(), format!("{failed:?}"))).collect(),
    })
}

/// The messages of each call. One that is too large even alone is sent alone: who gets it then says so.
pub(crate) fn cut<M>(messages: Vec<M>, bytes_of: impl Fn(&M) -> usize, bytes_max: usize) -> Vec<Vec<M>> {
    let mut calls: Vec<Vec<M>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let more = bytes_of(&message);
        bytes += more;
        match calls.last_mut() {
            Some(call) if call.len() < CALL_MESSAGES_MAX && bytes <= bytes_max => call.push(message),
            _ => {
                bytes = more;
                calls.push(vec![message]);
            }
        }
    }
    calls
}

/// None of them is sent.
pub(crate) fn all_failed(count: usize, error: &PortError) -> Vec<Result<(), PortError>> {
    (0..count).map(|_| Err(error.again())).collect()
}

/// What became of each message of one call. Each can fail alone: there is only what is said to be there.
fn each(call: &'static str, count: usize, answer: &Answer) -> Vec<Result<(), PortError>> {
    let one = |id: String| {
        if answer.successful.contains(&id) {
            return Ok(());
        }
        let why = answer.failed.get(&id).map_or("nothing is said about it", String::as_str);
        Err(PortError::new(call, format!("not sent: {why}")))
    };
    (0..count).map(|i| one(i.to_string())).collect()
}
