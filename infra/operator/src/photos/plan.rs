//! How far a run is with the photos of its plan, each known by its position.
//!
//! Photos are sent in the order of the plan, so that only those are remembered whose sending went wrong: what is held in
//! memory does not grow with the plan. The photos themselves are in the journal.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;

/// How far one is that was begun with, and is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    /// It may have been sent, and may not.
    InDoubt,
    /// It was certainly not sent.
    Failed,
}

/// How far all are.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    planned: u64,
    /// Every position before it was begun with.
    begun: u64,
    open: BTreeMap<u64, Open>,
    /// Those that were sent again after they may have been sent.
    doubled: BTreeSet<u64>,
}

/// How many photos are how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) planned: u64,
    pub(crate) sent: u64,
    pub(crate) not_begun: u64,
    pub(crate) failed: u64,
    pub(crate) in_doubt: u64,
}

impl Plan {
    /// What entries of the journal say, one after the other.
    pub(crate) fn hear_all(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.hear(entry);
        }
    }

    /// What an entry of the journal says.
    pub(crate) fn hear(&mut self, entry: &Entry) {
        match entry {
            Entry::Planned(_) => self.planned += 1,
            Entry::Sending { positions } => {
                for position in positions {
                    self.begin(*position);
                }
            }
            Entry::Sent { positions } => {
                for position in positions {
                    self.open.remove(position);
                }
            }
            Entry::NotSent { position, .. } => {
                self.open.insert(*position, Open::Failed);
            }
            Entry::Begun(_) | Entry::Ready { .. } | Entry::Resumed | Entry::Stopped { .. } | Entry::Ended { .. } => (),
        }
    }

    fn begin(&mut self, position: u64) {
        if self.open.insert(position, Open::InDoubt) == Some(Open::InDoubt) {
            self.doubled.insert(position);
        }
        self.begun = self.begun.max(position + 1);
    }

    /// Whether it still has to be sent.
    pub(crate) fn is_due(&self, position: u64) -> bool {
        position >= self.begun || self.open.contains_key(&position)
    }

    pub(crate) fn counts(&self) -> Counts {
        let of = |open: Open| self.open.values().filter(|it| **it == open).count() as u64;
        Counts {
            planned: self.planned,
            sent: self.begun - self.open.len() as u64,
            not_begun: self.planned - self.begun,
            failed: of(Open::Failed),
            in_doubt: of(Open::InDoubt),
        }
    }

    /// The positions of those that are so far.
    pub(crate) fn open(&self, which: Open) -> BTreeSet<u64> {
        self.open.iter().filter(|(_, open)| **open == which).map(|(position, _)| *position).collect()
    }

    /// The positions of those that may have been sent twice.
    pub(crate) fn doubled(&self) -> &BTreeSet<u64> {
        &self.doubled
    }
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::keys::PhotoKey;

    use super::*;

    fn plan(entries: &[Entry]) -> Plan {
        let mut plan = Plan::default();
        for i in 0..4 {
            plan.hear(&Entry::Planned(PhotoKey::from_original(&format!("uploads/s/{i}")).unwrap()));
        }
        plan.hear_all(entries);
        plan
    }

    #[test]
    fn what_is_not_sent_is_due() {
        let plan = plan(&[
            Entry::Sending { positions: vec![0, 1, 2] },
            Entry::Sent { positions: vec![0] },
            Entry::NotSent { position: 2, error: String::new() },
        ]);
        assert_eq!([0, 1, 2, 3].map(|position| plan.is_due(position)), [false, true, true, true]);
        let expected = Counts { planned: 4, sent: 1, not_begun: 1, failed: 1, in_doubt: 1 };
        assert_eq!(plan.counts(), expected);
        assert!(plan.doubled().is_empty());
    }

    #[test]
    fn only_what_may_have_been_sent_is_doubled() {
        let plan = plan(&[
            Entry::Sending { positions: vec![0, 1] },
            Entry::NotSent { position: 1, error: String::new() },
            Entry::Sending { positions: vec![0, 1] },
            Entry::Sent { positions: vec![0, 1] },
        ]);
        assert_eq!(plan.doubled().iter().collect::<Vec<_>>(), [&0]);
        assert_eq!(plan.counts().sent, 2);
    }
}
