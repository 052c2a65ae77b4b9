//! The messages of a plan sent back, or only deleted: message by message, with the journal always ahead.
//!
//! `sending` is on disk before a message is sent, `sent` before it is deleted. So whenever this ends, it is known of each
//! message whether it still has to be sent, only to be deleted, or may have been sent. Which messages there are is decided
//! before, in `plan`.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use coffeeshop_core::place::Target;
use coffeeshop_core::ports::{
    Clock as _, Content, Message, MessageId, NotDeleted, NotSent, PortError, QueueUrl, Queues as _,
    RECEIVE_MESSAGES_MAX, Receipt,
};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;

use super::entry::Entry;
use super::outgoing::outgoing;
use super::plan::State;
use super::run::{Run, Work, in_words};
use super::sweep::HIDDEN;
use super::sweep::{give_back, is_hidden_long_enough};
use crate::attempts::{ATTEMPTS_MAX, Attempts};
use crate::cli::dlq::SLICE_MESSAGES_MAX;
use crate::failure::Why;
use crate::wiring::Wiring;

/// After how many batches of which nothing could be sent, or deleted, one after the other, it is no use to go on.
const BARREN_BATCHES_MAX: u32 = 3;

/// How often it is tried to delete what may have been deleted already.
const DELETIONS_MAX: u32 = 2;

/// How far a pass is.
#[derive(Debug)]
struct Pass<'a> {
    /// The queue that the messages are in.
    from: &'a QueueUrl,
    /// How many messages it may still begin to send.
    may_send: Cell<u64>,
    /// How many it has sent.
    sent: Cell<u64>,
    /// How many it is just deleting.
    deleting: Cell<u64>,
    /// Messages that it holds and that are not its own.
    others: RefCell<HashSet<u64>>,
    hasher: RandomState,
    /// What an earlier process may have deleted already, and was not seen yet.
    unseen: RefCell<HashSet<MessageId>>,
    /// Of messages that were handed out again while they are worked on: only the newest receipt deletes.
    newest: RefCell<HashMap<MessageId, Receipt>>,
    /// Whether everything that can be received was.
    is_drained: Cell<bool>,
    barren: Cell<u32>,
    has_failed: Cell<bool>,
}

/// A message that is only to be deleted.
type Deletion = (MessageId, Receipt);

impl<'a> Pass<'a> {
    fn new(from: &'a QueueUrl, may_send: u64) -> Self {
        Self {
            from,
            may_send: Cell::new(may_send),
            sent: Cell::default(),
            deleting: Cell::default(),
            others: RefCell::default(),
            hasher: RandomState::new(),
            unseen: RefCell::default(),
            newest: RefCell::default(),
            is_drained: Cell::default(),
            barren: Cell::default(),
            has_failed: Cell::default(),
        }
    }
}

impl<P: Wiring> Run<'_, P> {
    /// [`Run::pass`] on a queue: sends, deletes what is sent, and gives back what else was received.
    pub(super) async fn pass_queue(
        &self,
        from: &QueueUrl,
        limit: u64,
        mut progress: impl AsyncFnMut(u64) -> Result<(), Why>,
    ) -> Result<u64, Why> {
        let pass = Pass::new(from, limit);
        pass.unseen.replace(self.maybe_gone());
        // Who else holds messages now may hold some of those.
        let is_sure = pass.unseen.borrow().is_empty() || self.ports.queues.depth(from).await?.hidden == 0;
        let mut lanes: FuturesUnordered<_> = (0..self.limiter.lanes()).map(|_| self.batch(&pass)).collect();
        let mut failed = None;
        while let Some(batch) = lanes.next().await {
            let more = match batch {
                Ok(more) => {
                    let done = self.plan.borrow().done();
                    progress(done).await.map(|()| more)
                }
                Err(why) => Err(why),
            };
            match more {
                Ok(true) => lanes.push(self.batch(&pass)),
                Ok(false) => (),
                Err(why) => {
                    pass.has_failed.set(true);
                    failed.get_or_insert(why);
                }
            }
        }
        drop(lanes);
        let gone = |id: &MessageId| self.plan.borrow().is_done(id);
        let given_back = give_back(self.ports.queues, from, &self.spool, gone).await;
        self.hidden.set(self.hidden.get() + given_back.as_ref().copied().unwrap_or_default());
        if let Some(why) = failed {
            return Err(why);
        }
        given_back?;
        // What was not among all that could be received, and is not hidden either, is gone.
        let gone = pass.unseen.take();
        let is_sure = is_sure && pass.is_drained.get() && !self.stop.is_requested() && !gone.is_empty();
        if is_sure && self.ports.queues.depth(from).await?.hidden == 0 {
            self.note_gone(&gone)?;
        }
        Ok(pass.sent.get())
    }

    /// Whether nothing more is begun.
    fn is_over(&self, pass: &Pass<'_>) -> bool {
        let counts = self.plan.borrow().counts();
        let nothing_to_send = pass.may_send.get() == 0 || counts.waiting + counts.in_doubt == 0;
        let nothing_to_delete = counts.sent <= pass.deleting.get();
        let too_many = pass.others.borrow().len() as u64 >= SLICE_MESSAGES_MAX;
        self.is_stopped(pass) || too_many || (nothing_to_send && nothing_to_delete)
    }

    fn is_stopped(&self, pass: &Pass<'_>) -> bool {
        pass.has_failed.get() || self.stop.is_requested()
    }

    /// One batch; whether there may be more.
    async fn batch(&self, pass: &Pass<'_>) -> Result<bool, Why> {
        if self.is_over(pass) {
            return Ok(false);
        }
        let received_at = self.ports.clock.now();
        let messages = self.ports.queues.receive(pass.from, RECEIVE_MESSAGES_MAX, HIDDEN).await?;
        if messages.is_empty() {
            pass.is_drained.set(true);
            return Ok(false);
        }
        self.spool.hold(&messages).map_err(Why::Spool)?;
        let mut own = Vec::new();
        for message in messages {
            pass.unseen.borrow_mut().remove(&message.id);
            match self.plan.borrow().state(&message) {
                None | Some(State::Failed) => {
                    pass.others.borrow_mut().insert(pass.hasher.hash_one(&message.id));
                }
                Some(State::Sending) => drop(pass.newest.borrow_mut().insert(message.id, message.receipt)),
                Some(_) => own.push(message),
            }
        }
        while !own.is_empty() {
            let some: Vec<Message> = own.drain(..own.len().min(self.limiter.batch())).collect();
            self.limiter.pass(some.len()).await;
            // What was held for too long may have been handed out to others meanwhile.
            if self.is_stopped(pass) || !is_hidden_long_enough(received_at, self.ports.clock.now()) {
                break;
            }
            self.do_some(pass, some, received_at).await?;
        }
        Ok(true)
    }

    /// How far each is, is looked at now: another lane may have been given the same message.
    async fn do_some(&self, pass: &Pass<'_>, messages: Vec<Message>, received_at: Timestamp) -> Result<(), Why> {
        let (mut to_send, mut to_delete) = (Vec::new(), Vec::new());
        for message in messages {
            let state = self.plan.borrow().state(&message);
            match state {
                // Sent, or archived; or it was deleted with a receipt that did not count any more.
                Some(State::Sent | State::Done) => to_delete.push((message.id, message.receipt)),
                Some(State::Waiting | State::InDoubt) if take(&pass.may_send) => to_send.push(message),
                Some(State::Sending) => drop(pass.newest.borrow_mut().insert(message.id, message.receipt)),
                _ => (),
            }
        }
        let (mut error, begun) = (None, to_send.len() + to_delete.len());
        if let Work::Send { to, body } = &self.work {
            let sent = self.send(to, body.as_deref(), to_send, &mut error).await?;
            pass.sent.set(pass.sent.get() + sent.len() as u64);
            to_delete.extend(sent);
        }
        let deleting = to_delete.len() as u64;
        pass.deleting.set(pass.deleting.get() + deleting);
        for (id, receipt) in &mut to_delete {
            if let Some(newest) = pass.newest.borrow_mut().remove(id) {
                *receipt = newest;
            }
        }
        let deleted = self.delete(pass.from, to_delete, received_at, &mut error).await;
        pass.deleting.set(pass.deleting.get() - deleting);
        let deleted = deleted?;
        match error {
            Some(error) if deleted == 0 => {
                pass.barren.set(pass.barren.get() + 1);
                if pass.barren.get() >= BARREN_BATCHES_MAX {
                    return Err(error.into());
                }
            }
            _ if begun > 0 => pass.barren.set(0),
            _ => (),
        }
        Ok(())
    }

    /// Sends messages; those that are there, with their receipts.
    async fn send(
        &self,
        to: &Target,
        body: Option<&str>,
        messages: Vec<Message>,
        error: &mut Option<PortError>,
    ) -> Result<Vec<Deletion>, Why> {
        let (mut waiting, mut sent) = (Vec::new(), Vec::new());
        for Message { id, receipt, mut content, .. } in messages {
            if let Some(body) = body {
                body.clone_into(&mut content.body);
            }
            match outgoing(content, self.id) {
                Ok(content) => waiting.push((id, receipt, content)),
                Err(cannot) => self.note_not_sent(&id, cannot.to_string())?,
            }
        }
        self.note_sending(waiting.iter().map(|(id, ..)| id))?;
        let mut pauses = Attempts::new(self.ports.clock);
        for attempt in 1..=ATTEMPTS_MAX {
            if waiting.is_empty() {
                break;
            }
            pauses.pause_before(attempt - 1).await;
            let contents: Vec<Content> = waiting.iter().map(|(.., content)| content.clone()).collect();
            let results = self.deliver(to, &contents).await;
            let (mut entries, mut now_sent, mut again) = (Vec::new(), Vec::new(), Vec::new());
            for ((id, receipt, content), result) in waiting.into_iter().zip(results) {
                match result {
                    Ok(new_id) => {
                        entries.push(Entry::Sent { id: id.clone(), new_id });
                        now_sent.push((id, receipt));
                    }
                    Err(NotSent { certain: true, error }) if error.busy && attempt < ATTEMPTS_MAX => {
                        again.push((id, receipt, content));
                    }
                    Err(NotSent { certain, error: cause }) => {
                        let words = in_words(&cause);
                        if certain {
                            self.note_not_sent(&id, words)?;
                        } else {
                            self.note_failure(&id, format!("it may have been sent, and may not: {words}"));
                        }
                        error.get_or_insert(cause);
                    }
                }
            }
            self.note(entries, now_sent.iter().map(|(id, _)| id), State::Sent)?;
            sent.extend(now_sent);
            waiting = again;
        }
        Ok(sent)
    }

    /// Deletes messages; how many are gone.
    async fn delete(
        &self,
        from: &QueueUrl,
        mut waiting: Vec<Deletion>,
        received_at: Timestamp,
        error: &mut Option<PortError>,
    ) -> Result<usize, Why> {
        let mut gone = 0;
        let mut pauses = Attempts::new(self.ports.clock);
        for attempt in 1..=ATTEMPTS_MAX {
            if waiting.is_empty() {
                break;
            }
            pauses.pause_before(attempt - 1).await;
            let receipts: Vec<Receipt> = waiting.iter().map(|(_, receipt)| receipt.clone()).collect();
            let results = self.ports.queues.delete(from, &receipts).await;
            let was_alone = is_hidden_long_enough(received_at, self.ports.clock.now());
            let (mut deleted, mut again) = (Vec::new(), Vec::new());
            for ((id, receipt), result) in waiting.into_iter().zip(results) {
                match result {
                    Ok(()) => deleted.push(id),
                    // A call before this one deleted it, and its reply was lost: nobody else could have received it.
                    Err(NotDeleted::Expired) if attempt > 1 && was_alone => deleted.push(id),
                    // It is seen again, and deleted with that receipt.
                    Err(NotDeleted::Expired) => {
                        let words = "not deleted: its receipt does not count any more";
                        self.note_failure(&id, words.to_owned());
                        error.get_or_insert_with(|| PortError::new("queues.delete", words));
                    }
                    Err(NotDeleted::Failed(cause)) => {
                        self.note_failure(&id, format!("not deleted: {}", in_words(&cause)));
                        if cause.busy || attempt < DELETIONS_MAX {
                            again.push((id, receipt));
                        }
                        error.get_or_insert(cause);
                    }
                }
            }
            gone += deleted.len();
            let entries = deleted.iter().map(|id| Entry::Deleted { id: id.clone() });
            self.note(entries.collect(), deleted.iter(), State::Done)?;
            waiting = again;
        }
        Ok(gone)
    }
}

/// One less, if there is one.
fn take(left: &Cell<u64>) -> bool {
    let Some(less) = left.get().checked_sub(1) else { return false };
    left.set(less);
    true
}
