//! A run on the messages of its plan: what it works on, and what it writes down of each.
//!
//! In which order things are done is `pass`'s.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};

use coffeeshop_core::place::{Resting, Target};
use coffeeshop_core::ports::{Clock as _, MessageId, PortError};

use super::entry::Entry;
use super::pace::Limiter;
use super::plan::{Plan, State};
use super::spool::Spool;
use super::stop::Stop;
use crate::cli::values::RunId;
use crate::failure::Why;
use crate::journal::Journal;
use crate::wiring::{Ports, Wiring};

/// What is done with each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// It is done again there, then deleted.
    Send {
        to: Target,
        /// With this body instead of its own.
        body: Option<String>,
    },
    /// It is deleted.
    Delete,
}

/// A run.
pub(crate) struct Run<'a, P: Wiring> {
    pub(crate) id: &'a RunId,
    pub(crate) ports: &'a Ports<'a, P>,
    pub(crate) from: &'a Resting,
    pub(crate) work: Work,
    /// Whether an earlier process worked on it.
    pub(crate) is_resumed: bool,
    pub(crate) limiter: Limiter<'a, P::Clock>,
    pub(crate) stop: &'a Stop,
    pub(crate) plan: RefCell<Plan>,
    pub(crate) journal: Journal,
    pub(crate) spool: Spool,
    /// What became of those that were not done, in words.
    pub(crate) failures: RefCell<BTreeMap<MessageId, String>>,
    /// How many messages could not be given back.
    pub(crate) hidden: Cell<u64>,
    /// How many records of archives are done.
    pub(crate) records_done: Cell<u64>,
    /// How many ratings were held against what scores hold of them, and how many of these were set right.
    pub(crate) held: Cell<u64>,
    pub(crate) repaired: Cell<u64>,
    /// What helps when a stream has records no more.
    pub(crate) if_trimmed: String,
}

impl<P: Wiring> Run<'_, P> {
    /// Does up to `limit` messages of the plan again, or deletes them; how many were done again. Ends when there are no
    /// more, when somebody wants to stop, or when it is no use. `progress` hears from time to time how many are done.
    pub(crate) async fn pass(&self, limit: u64, progress: impl AsyncFnMut(u64) -> Result<(), Why>) -> Result<u64, Why> {
        match self.from {
            Resting::Queue { queue, .. } => self.pass_queue(queue, limit, progress).await,
            Resting::Archives(archives) => self.pass_archives(archives, limit, progress).await,
        }
    }

    /// These are about to be sent.
    pub(super) fn note_sending<'i>(&self, ids: impl Iterator<Item = &'i MessageId>) -> Result<(), Why> {
        let mut plan = self.plan.borrow_mut();
        let entries: Vec<Entry> = ids.map(|id| plan.begin(id)).collect();
        if entries.is_empty() { Ok(()) } else { Ok(self.journal.flush(self.ports.clock.now(), entries)?) }
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
        self.journal.flush(self.ports.clock.now(), entries)?;
        let (mut plan, mut failures) = (self.plan.borrow_mut(), self.failures.borrow_mut());
        for id in ids {
            plan.set(id, state);
            failures.remove(id);
        }
        Ok(())
    }

    /// This one was certainly not sent.
    pub(super) fn note_not_sent(&self, id: &MessageId, error: String) -> Result<(), Why> {
        self.journal.write(self.ports.clock.now(), [Entry::NotSent { id: id.clone(), error: error.clone() }])?;
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
pub(crate) fn in_words(error: &PortError) -> String {
    format!("{}: {}", error, error.again().cause)
}
