//! A run on the messages of its plan: what it works on, and what it writes down of each.
//!
//! In which order things are done is `pass`'s.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};

use coffeeshop_core::ports::{Clock, MessageId, PortError, QueueUrl, Queues};

use super::journal::{Entry, Journal};
use super::pace::Limiter;
use super::plan::{Plan, State};
use super::spool::Spool;
use super::stop::Stop;
use crate::cli::values::RunId;
use crate::failure::Why;

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

/// A run.
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
    /// How many messages could not be given back.
    pub(crate) hidden: Cell<u64>,
}

impl<Q: Queues, C: Clock> Run<'_, Q, C> {
    /// These are about to be sent.
    pub(super) fn note_sending<'i>(&self, ids: impl Iterator<Item = &'i MessageId>) -> Result<(), Why> {
        let mut plan = self.plan.borrow_mut();
        let entries: Vec<Entry> = ids.map(|id| plan.begin(id)).collect();
        if entries.is_empty() { Ok(()) } else { Ok(self.journal.flush(self.clock.now(), entries)?) }
    }

    /// These are so far now; the entries say it.
    pub(super) fn note<'i>(
        &self,
        entries: Vec<Entry>,
        ids: impl Iterator<Item = &'i MessageId>,
        state: State,
    ) -> Result<(), Why> {
        if entries.is_empty() {
            return Ok(());
        }
        self.journal.flush(self.clock.now(), entries)?;
        let (mut plan, mut failures) = (self.plan.borrow_mut(), self.failures.borrow_mut());
        for id in ids {
            plan.set(id, state);
            failures.remove(id);
        }
        Ok(())
    }

    /// This one was certainly not sent.
    pub(super) fn note_not_sent(&self, id: &MessageId, error: String) -> Result<(), Why> {
        self.journal.write(self.clock.now(), [Entry::NotSent { id: id.clone(), error: error.clone() }])?;
        self.plan.borrow_mut().set(id, State::Failed);
        self.note_failure(id, error);
        Ok(())
    }

    /// Something is to be said of this one in the end.
    pub(super) fn note_failure(&self, id: &MessageId, words: String) {
        self.failures.borrow_mut().insert(id.clone(), words);
    }

    /// What an earlier process may have deleted, before it could say so.
    pub(super) fn maybe_gone(&self) -> HashSet<MessageId> {
        let plan = self.plan.borrow();
        let ids = if self.is_resumed { plan.of(State::Sent) } else { Vec::new() };
        ids.into_iter().cloned().collect()
    }

    /// These are not in the place any more.
    pub(super) fn note_gone(&self, ids: &HashSet<MessageId>) -> Result<(), Why> {
        self.note(ids.iter().map(|id| Entry::Gone { id: id.clone() }).collect(), ids.iter(), State::Done)
    }
}

/// With its causes.
pub(super) fn in_words(error: &PortError) -> String {
    format!("{}: {}", error, error.again().cause)
}
