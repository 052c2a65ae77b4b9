//! What is in the queues of the world in memory, and what becomes of it.
//!
//! Which calls go wrong is not decided here.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::calls::Fault;
use super::{DELETE, RECEIVE, SEND};
use crate::ports::{
    Content, MESSAGE_ATTRIBUTES_MAX, MESSAGE_BYTES_MAX, Message, MessageId, NotDeleted, NotSent, PortError, QueueUrl,
    RECEIVE_MESSAGES_MAX, Receipt,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queues: BTreeMap<QueueUrl, Vec<Queued>>,
    /// Messages and receipts that there have been.
    made: u64,
    pub(super) entry_faults: Vec<EntryFaults>,
    pub(super) now: Timestamp,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) id: MessageId,
    pub(super) content: Content,
    sent_at: Timestamp,
    /// Of its last receipt, if that counts.
    pub(super) receipt: Option<Receipt>,
    receive_count: u32,
    pub(super) visible_at: Timestamp,
    /// Whether it is handed out once more before it is hidden.
    pub(super) once_more: bool,
    /// Receipts that do not count any more, and that a deletion takes without a word.
    old_receipts: Vec<Receipt>,
}

/// How entries of one call go wrong.
#[derive(Debug)]
pub(super) struct EntryFaults {
    pub(super) call: &'static str,
    pub(super) entries: Vec<usize>,
    pub(super) fault: Fault,
}

impl Queued {
    pub(super) fn is_visible(&self, now: Timestamp) -> bool {
        self.visible_at <= now
    }
}

impl State {
    pub(super) fn queue(&mut self, call: &'static str, queue: &QueueUrl) -> Result<&mut Vec<Queued>, PortError> {
        self.queues.get_mut(queue).ok_or_else(|| PortError::new(call, format!("there is no queue {}", queue.0)))
    }

    fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn queued(&mut self, id: Option<MessageId>, content: Content, sent_at: Timestamp) -> Queued {
        let id = id.unwrap_or_else(|| MessageId(format!("message-{}", self.number()).into()));
        let (visible_at, old_receipts) = (self.now, Vec::new());
        Queued { id, content, sent_at, receipt: None, receive_count: 0, visible_at, once_more: false, old_receipts }
    }

    pub(super) fn take_entry_faults(&mut self, call: &str) -> Option<EntryFaults> {
        let first = self.entry_faults.iter().position(|faults| faults.call == call)?;
        Some(self.entry_faults.remove(first))
    }

    pub(super) fn receive(
        &mut self,
        queue: &QueueUrl,
        max: usize,
        hidden: Duration,
    ) -> Result<Vec<Message>, PortError> {
        let (now, first) = (self.now, self.made);
        let receive = |(number, queued): (u64, &mut Queued)| {
            let receipt = Receipt(format!("receipt-{number}"));
            queued.receipt = Some(receipt.clone());
            queued.receive_count += 1;
            if std::mem::take(&mut queued.once_more) {
                queued.old_receipts.push(receipt.clone());
            } else {
                queued.visible_at = now + SignedDuration::try_from(hidden).unwrap();
            }
            let Queued { id, content, sent_at, receive_count, .. } = queued;
            let (id, content) = (id.clone(), content.clone());
            Message { id, receipt, content, sent_at: *sent_at, receive_count: *receive_count }
        };
        let visible = self.queue(RECEIVE, queue)?.iter_mut().filter(|queued| queued.is_visible(now));
        let numbered = (first + 1..).zip(visible.take(max.min(RECEIVE_MESSAGES_MAX)));
        let received: Vec<Message> = numbered.map(receive).collect();
        self.made += received.len() as u64;
        Ok(received)
    }

    pub(super) fn send(&mut self, queue: &QueueUrl, content: &Content) -> Result<MessageId, NotSent> {
        let refused = |why| NotSent { certain: true, error: PortError::new(SEND, why) };
        if content.body.is_empty() {
            return Err(refused("the body is empty"));
        }
        if content.bytes() > MESSAGE_BYTES_MAX {
            return Err(refused("it is too large"));
        }
        if content.attributes.len() > MESSAGE_ATTRIBUTES_MAX {
            return Err(refused("it has too many attributes"));
        }
        let queued = self.queued(None, content.clone(), self.now);
        let id = queued.id.clone();
        self.queue(SEND, queue).map_err(|error| NotSent { certain: true, error })?.push(queued);
        Ok(id)
    }

    pub(super) fn delete(&mut self, queue: &QueueUrl, receipt: &Receipt) -> Result<(), NotDeleted> {
        let queued = self.queue(DELETE, queue).map_err(NotDeleted::Failed)?;
        let is_old =
            |queued: &Queued| queued.receipt.as_ref() != Some(receipt) && queued.old_receipts.contains(receipt);
        if queued.iter().any(is_old) {
            return Ok(());
        }
        let place = queued.iter().position(|queued| queued.receipt.as_ref() == Some(receipt));
        place.map(|place| drop(queued.remove(place))).ok_or(NotDeleted::Expired)
    }
}
