//! A queue and its dead-letter queue in memory: visibility, receipts and redrive as SQS has them.
//!
//! Time is told by whoever calls.

use jiff::{SignedDuration, Timestamp};

use crate::ports::{ParkReason, Receipt};

/// A message that a consumer has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The handle of this receipt.
    pub receipt: Receipt,
    /// What it says.
    pub body: String,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// Its attribute `replayed`.
    pub replayed: Option<String>,
}

/// What lies in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// What was set aside.
    pub body: String,
    /// Its attribute `reason`.
    pub reason: String,
    /// Its attribute `error`.
    pub error: String,
    /// Its attribute `replayed`.
    pub replayed: Option<String>,
}

/// The visibility timeout.
const VISIBILITY: SignedDuration = SignedDuration::from_secs(720);

/// A queue.
#[derive(Debug)]
pub(super) struct MemoryQueue {
    receives_max: u32,
    messages: Vec<Queued>,
    receipts: u64,
    pub(super) dead: Vec<String>,
    pub(super) parked: Vec<Parked>,
}

#[derive(Debug)]
struct Queued {
    body: String,
    replayed: Option<String>,
    receipt: Option<Receipt>,
    receive_count: u32,
    visible_at: Timestamp,
}

impl MemoryQueue {
    /// One that gives a message up when it has been received so often.
    pub(super) fn new(receives_max: u32) -> Self {
        Self { receives_max, messages: Vec::new(), receipts: 0, dead: Vec::new(), parked: Vec::new() }
    }

    pub(super) fn send(&mut self, body: String, replayed: Option<String>, now: Timestamp) {
        self.messages.push(Queued { body, replayed, receipt: None, receive_count: 0, visible_at: now });
    }

    /// Receives up to `max` visible messages and hides them. One that has been received too often goes to the dead-letter
    /// queue instead.
    pub(super) fn receive(&mut self, max: usize, now: Timestamp) -> Vec<Message> {
        let Self { receives_max, messages, receipts, dead, .. } = self;
        let over = |message: &mut Queued| message.visible_at <= now && message.receive_count >= *receives_max;
        dead.extend(messages.extract_if(.., over).map(|message| message.body));
        let visible = messages.iter_mut().filter(|message| message.visible_at <= now);
        let receive = |message: &mut Queued| {
            *receipts += 1;
            let receipt = Receipt(format!("receipt-{receipts}"));
            message.receipt = Some(receipt.clone());
            message.receive_count += 1;
            message.visible_at = now + VISIBILITY;
            let (body, replayed) = (message.body.clone(), message.replayed.clone());
            Message { receipt, body, receive_count: message.receive_count, replayed }
        };
        visible.take(max).map(receive).collect()
    }

    /// How many messages there are, hidden ones included.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// When the first of its messages can be received.
    pub(super) fn next_visible_at(&self) -> Option<Timestamp> {
        self.messages.iter().map(|message| message.visible_at).min()
    }

    pub(super) fn delete(&mut self, receipts: &[Receipt]) {
        self.messages.retain(|message| message.receipt.as_ref().is_none_or(|receipt| !receipts.contains(receipt)));
    }

    pub(super) fn postpone(&mut self, receipt: &Receipt, seconds: u32, now: Timestamp) {
        for message in self.messages.iter_mut().filter(|message| message.receipt.as_ref() == Some(receipt)) {
            message.visible_at = now + SignedDuration::from_secs(seconds.into());
        }
    }

    pub(super) fn park(&mut self, body: &str, reason: &ParkReason, replayed: Option<&str>) {
        let (reason, error) = (reason.code.to_owned(), reason.error.clone());
        self.parked.push(Parked { body: body.to_owned(), reason, error, replayed: replayed.map(str::to_owned) });
    }
}
