//! The messages of a plan sent back, or only deleted: message by message, with the journal always ahead.
//!
//! `sending` is on disk before a message is sent, `sent` before it is deleted. So whenever this ends, it is known of each
//! message whether it still has to be sent, only to be deleted, or may have been sent. Which messages there are is decided
//! before, in `plan`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};

use coffeeshop_core::ports::{
    Clock, Content, Message, MessageId, NotDeleted, NotSent, PortError, QueueUrl, Queues, Receipt,
};
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::journal::{Entry, Journal, text};
use super::outgoing::outgoing;
use super::pace::Limiter;
use super::plan::{Plan, State};
use super::spool::Spool;
use super::stop::Stop;
use super::sweep::{HIDDEN, give_back};
use crate::attempts::{ATTEMPTS_MAX, Attempts};
use crate::cli::dlq::SLICE_MESSAGES_MAX;
use crate::cli::values::RunId;
use crate::failure::Why;

/// After how many batches of which nothing could be sent, or deleted, one after the other, it is no use to go on.
const BARREN_BATCHES_MAX: u32 = 3;

/// What is done with each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// It is sent there, then deleted.
    Send {
        to: QueueUrl,
        /// With this body instead of its own.
        body: Option<String>,
    },
    /// It is deleted.
    Delete,
}

/// A run, on the messages of its plan.
pub(crate) struct Run<'a, Q, C> {
    pub(crate) id: &'a RunId,
    pub(crate) queues: &'a Q,
    pub(crate) clock: &'a C,
    pub(crate) from: &'a QueueUrl,
    pub(crate) work: Work,
    /// Whether an earlier process worked on it.
    pub(crate) is_resumed: bool,
    pub(crate) limiter: Limiter<'a, C>,
    pub(crate) stop: &'a Stop,
    pub(crate) plan: RefCell<Plan>,
    pub(crate) journal: Journal,
    pub(crate) spool: Spool,
    /// What became of those that were not done, in words.
    pub(crate) failures: RefCell<BTreeMap<MessageId, String>>,
    /// What may have been sent before, and was sent again.
    pub(crate) doubled: RefCell<Vec<MessageId>>,
    /// How many messages could not be given back.
    pub(crate) hidden: Cell<u64>,
}

/// How far a pass is.
#[derive(Debug, Default)]
struct Pass {
    /// What an earlier process may have deleted already, and was not seen yet.
    unseen: RefCell<HashSet<MessageId>>,
    /// Whether everything that can be received was.
    is_drained: Cell<bool>,
    /// How many messages it may still begin with.
    left: Cell<u64>,
    /// How many it holds that are not its own.
    held: Cell<u64>,
    barren: Cell<u32>,
    ended: Cell<bool>,
}

impl<Q: Queues, C: Clock> Run<'_, Q, C> {
    /// Works on up to `limit` messages of the plan, and gives back what else was received. Ends when there are no more, when
    /// somebody wants to stop, or when it is no use. `progress` hears from time to time
    /// how many are done.
    pub(crate) async fn pass(
        &self,
        limit: u64,
        mut progress: impl AsyncFnMut(u64) -> Result<(), Why>,
    ) -> Result<(), Why> {
        let counts = self.plan.borrow().counts();
        let pass = Pass::default();
        if self.is_resumed {
            pass.unseen.replace(self.maybe_gone());
        }
        pass.left.set((counts.waiting + counts.in_doubt + counts.sent).min(limit));
        let mut lanes: FuturesUnordered<_> = (0..self.limiter.lanes()).map(|_| self.batch(&pass)).collect();
        let mut failed = None;
        while let Some(batch) = lanes.next().await {
            let more = match batch {
                Ok(more) => {
                    let done = self.plan.borrow().done();
                    let said = progress(done).await;
                    said.map(|()| more)
                }
                Err(why) => Err(why),
            };
            match more {
                Ok(true) => lanes.push(self.batch(&pass)),
                Ok(false) => (),
                Err(why) => {
                    pass.ended.set(true);
                    failed.get_or_insert(why);
                }
            }
        }
        let gone = |id: &MessageId| self.plan.borrow().is_done(id);
        let hidden = give_back(self.queues, self.from, &self.spool, gone).await?;
        self.hidden.set(self.hidden.get() + hidden);
        if let Some(why) = failed {
            return Err(why);
        }
        self.note_gone(&pass).await
    }

    /// What an earlier process may have deleted, before it could say so.
    fn maybe_gone(&self) -> HashSet<MessageId> {
        let plan = self.plan.borrow();
        let states = match self.work {
            Work::Send { .. } => &[State::Sent][..],
            Work::Delete => &[State::Waiting],
        };
        states.iter().flat_map(|state| plan.of(*state)).cloned().collect()
    }

    /// What was not among all that could be received, and is not hidden either, is gone.
    async fn note_gone(&self, pass: &Pass) -> Result<(), Why> {
        let gone = pass.unseen.take();
        let is_sure = pass.is_drained.get() && !self.stop.is_requested() && !gone.is_empty();
        if !is_sure || self.queues.depth(self.from).await?.hidden > 0 {
            return Ok(());
        }
        self.journal.write(self.clock.now(), gone.iter().map(|id| Entry::Gone { id: text(id) }))?;
        let mut plan = self.plan.borrow_mut();
        for id in &gone {
            plan.set(id, State::Done);
        }
        Ok(())
    }

    /// One batch; whether there may be more.
    async fn batch(&self, pass: &Pass) -> Result<bool, Why> {
        if pass.ended.get() || pass.left.get() == 0 || self.stop.is_requested() || pass.held.get() >= SLICE_MESSAGES_MAX
        {
            return Ok(false);
        }
        let messages = self.queues.receive(self.from, self.limiter.batch(), HIDDEN).await?;
        if messages.is_empty() {
            pass.is_drained.set(true);
            return Ok(false);
        }
        self.spool.hold(&messages).map_err(Why::Spool)?;
        let (mut to_send, mut to_delete) = (Vec::new(), Vec::new());
        for message in messages {
            pass.unseen.borrow_mut().remove(&message.id);
            let state = self.plan.borrow().state(&message);
            match (state, &self.work) {
                // It was deleted with a receipt that did not count any more.
                (Some(State::Done), _) => to_delete.push((message.id, message.receipt)),
                (Some(State::Sent), _) | (Some(State::Waiting | State::InDoubt), Work::Delete) if take(&pass.left) => {
                    to_delete.push((message.id, message.receipt));
                }
                (Some(State::Waiting | State::InDoubt), Work::Send { .. }) if take(&pass.left) => to_send.push(message),
                _ => pass.held.set(pass.held.get() + 1),
            }
        }
        let begun = to_send.len() + to_delete.len();
        self.limiter.pass(begun).await;
        if pass.ended.get() || self.stop.is_requested() {
            return Ok(false);
        }
        let mut error = None;
        if let Work::Send { to, body } = &self.work {
            to_delete.extend(self.send(to, body.as_deref(), to_send, &mut error).await?);
        }
        let deleted = self.delete(pass, to_delete, &mut error).await?;
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
        Ok(true)
    }

    /// Sends messages; those that are there, with their receipts.
    async fn send(
        &self,
        to: &QueueUrl,
        body: Option<&str>,
        messages: Vec<Message>,
        error: &mut Option<PortError>,
    ) -> Result<Vec<(MessageId, Receipt)>, Why> {
        let (mut waiting, mut sent) = (Vec::new(), Vec::new());
        for Message { id, receipt, mut content, .. } in messages {
            if let Some(body) = body {
                body.clone_into(&mut content.body);
            }
            match outgoing(content, self.id) {
                Ok(content) => waiting.push((id, receipt, content)),
                Err(cannot) => self.not_sent(&id, cannot.to_string())?,
            }
        }
        self.note_sending(waiting.iter().map(|(id, ..)| id))?;
        let mut pauses = Attempts::new(self.clock);
        for attempt in 0..ATTEMPTS_MAX {
            pauses.pause_before(attempt).await;
            let contents: Vec<Content> = waiting.iter().map(|(.., content)| content.clone()).collect();
            let results = if contents.is_empty() { Vec::new() } else { self.queues.send(to, &contents).await };
            let (mut entries, mut again) = (Vec::new(), Vec::new());
            for ((id, receipt, content), result) in waiting.into_iter().zip(results) {
                match result {
                    Ok(new_id) => {
                        entries.push(Entry::Sent { id: text(&id), new_id: text(&new_id) });
                        sent.push((id, receipt));
                    }
                    Err(NotSent { certain: true, error: busy }) if busy.busy && attempt + 1 < ATTEMPTS_MAX => {
                        error.get_or_insert(busy);
                        again.push((id, receipt, content));
                    }
                    Err(NotSent { certain, error: cause }) => {
                        let words = in_words(&cause);
                        if certain {
                            self.not_sent(&id, words)?;
                        } else {
                            let doubt = format!("it may have been sent, and may not: {words}");
                            self.failures.borrow_mut().insert(id, doubt);
                        }
                        error.get_or_insert(cause);
                    }
                }
            }
            self.note(entries, &sent, State::Sent)?;
            waiting = again;
            if waiting.is_empty() {
                break;
            }
        }
        Ok(sent)
    }

    fn note_sending<'i>(&self, ids: impl Iterator<Item = &'i MessageId>) -> Result<(), Why> {
        let mut plan = self.plan.borrow_mut();
        let mut entries = Vec::new();
        for id in ids {
            if plan.set(id, State::InDoubt) == Some(State::InDoubt) {
                self.doubled.borrow_mut().push(id.clone());
            }
            entries.push(Entry::Sending { id: text(id) });
        }
        if entries.is_empty() {
            return Ok(());
        }
        Ok(self.journal.flush(self.clock.now(), entries)?)
    }

    fn note(&self, entries: Vec<Entry>, messages: &[(MessageId, Receipt)], state: State) -> Result<(), Why> {
        if entries.is_empty() {
            return Ok(());
        }
        self.journal.flush(self.clock.now(), entries)?;
        let mut plan = self.plan.borrow_mut();
        for (id, _) in messages {
            plan.set(id, state);
        }
        Ok(())
    }

    fn not_sent(&self, id: &MessageId, error: String) -> Result<(), Why> {
        self.journal.write(self.clock.now(), [Entry::NotSent { id: text(id), error: error.clone() }])?;
        self.plan.borrow_mut().set(id, State::Failed);
        self.failures.borrow_mut().insert(id.clone(), error);
        Ok(())
    }

    /// Deletes messages; how many are gone.
    async fn delete(
        &self,
        pass: &Pass,
        mut waiting: Vec<(MessageId, Receipt)>,
        error: &mut Option<PortError>,
    ) -> Result<usize, Why> {
        let mut gone = 0;
        let mut pauses = Attempts::new(self.clock);
        for attempt in 0..ATTEMPTS_MAX {
            if waiting.is_empty() {
                break;
            }
            pauses.pause_before(attempt).await;
            let receipts: Vec<Receipt> = waiting.iter().map(|(_, receipt)| receipt.clone()).collect();
            let results = self.queues.delete(self.from, &receipts).await;
            let (mut deleted, mut again) = (Vec::new(), Vec::new());
            for ((id, receipt), result) in waiting.into_iter().zip(results) {
                match result {
                    Ok(()) => deleted.push((id, receipt)),
                    // A call before this one deleted it, and its reply was lost: nobody else could have received it so soon.
                    Err(NotDeleted::Expired) if attempt > 0 => deleted.push((id, receipt)),
                    // It is seen again, and deleted with that receipt.
                    Err(NotDeleted::Expired) => pass.left.set(pass.left.get() + 1),
                    Err(NotDeleted::Failed(cause)) => {
                        error.get_or_insert(cause);
                        again.push((id, receipt));
                    }
                }
            }
            gone += deleted.len();
            let entries = deleted.iter().map(|(id, _)| Entry::Deleted { id: text(id) });
            self.note(entries.collect(), &deleted, State::Done)?;
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

/// With its causes.
fn in_words(error: &PortError) -> String {
    format!("{}: {}", error, error.again().cause)
}
