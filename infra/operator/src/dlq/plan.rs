//! The messages that a run works on, and how far it is with each.
//!
//! Nothing is done here; the journal says what was.

use std::collections::{BTreeSet, HashMap};

use coffeeshop_core::ports::{Message, MessageId};
use sha2::{Digest as _, Sha256};

use super::journal::Entry;

/// SHA-256 of a message's body.
type BodyHash = [u8; 32];

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing was done with it.
    Waiting,
    /// An earlier process may have sent it, and may not.
    InDoubt,
    /// This process is sending it, or does not know what became of that.
    Sending,
    /// It is elsewhere, in its target or in an archive, and still in the place.
    Sent,
    /// It is gone from the place.
    Done,
    /// It was not sent, for a reason of its own.
    Failed,
}

#[derive(Debug)]
struct Planned {
    body: BodyHash,
    state: State,
}

/// What a run works on.
#[derive(Debug)]
pub(crate) struct Plan {
    messages: HashMap<MessageId, Planned>,
    counts: Counts,
    /// How far messages are at first.
    at_first: State,
    /// What was sent again without knowing whether it had been sent.
    doubled: BTreeSet<MessageId>,
}

/// How many messages are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) waiting: u64,
    pub(crate) in_doubt: u64,
    pub(crate) sending: u64,
    pub(crate) sent: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
}

impl Counts {
    fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Waiting => &mut self.waiting,
            State::InDoubt => &mut self.in_doubt,
            State::Sending => &mut self.sending,
            State::Sent => &mut self.sent,
            State::Done => &mut self.done,
            State::Failed => &mut self.failed,
        }
    }
}

impl Plan {
    /// Of nothing yet. What is in an archive already is only to be deleted.
    pub(crate) fn new(is_archived: bool) -> Self {
        let at_first = if is_archived { State::Sent } else { State::Waiting };
        Self { messages: HashMap::new(), counts: Counts::default(), at_first, doubled: BTreeSet::new() }
    }

    /// Plans a message; what the journal says of it, or nothing when it is planned already.
    pub(crate) fn add(&mut self, message: &Message) -> Option<Entry> {
        let body = body_hash(&message.content.body);
        if self.messages.contains_key(&message.id) {
            return None;
        }
        self.insert(message.id.clone(), body);
        Some(Entry::Planned { id: message.id.clone(), sha256: hex::encode(body) })
    }

    /// What an earlier process said in the journal.
    pub(crate) fn hear(&mut self, entry: &Entry) {
        match entry {
            Entry::Planned { id, sha256 } => {
                let mut body = BodyHash::default();
                // A hash that makes no sense fits no body, and then the message is not touched.
                if hex::decode_to_slice(sha256, &mut body).is_err() {
                    body = BodyHash::default();
                }
                self.insert(id.clone(), body);
            }
            Entry::Sending { id } => self.sending(id, State::InDoubt),
            Entry::Sent { id, .. } => self.set(id, State::Sent),
            // Whoever goes on tries it again.
            Entry::NotSent { id, .. } => self.set(id, State::Waiting),
            Entry::Deleted { id } | Entry::Gone { id } => self.set(id, State::Done),
            _ => (),
        }
    }

    fn insert(&mut self, id: MessageId, body: BodyHash) {
        self.messages.insert(id, Planned { body, state: self.at_first });
        *self.counts.of(self.at_first) += 1;
    }

    /// The message is about to be sent; what the journal says of that.
    pub(crate) fn begin(&mut self, id: &MessageId) -> Entry {
        self.sending(id, State::Sending);
        Entry::Sending { id: id.clone() }
    }

    /// What may be there twice, in the order of their ids.
    pub(crate) fn doubled(&self) -> &BTreeSet<MessageId> {
        &self.doubled
    }

    fn sending(&mut self, id: &MessageId, state: State) {
        if self.messages.get(id).is_some_and(|planned| planned.state == State::InDoubt) {
            self.doubled.insert(id.clone());
        }
        self.set(id, state);
    }

    /// The message is so far now, if it is planned.
    pub(crate) fn set(&mut self, id: &MessageId, state: State) {
        let Some(planned) = self.messages.get_mut(id) else { return };
        let before = std::mem::replace(&mut planned.state, state);
        *self.counts.of(before) -= 1;
        *self.counts.of(state) += 1;
    }

    /// How far a message is that was received; `None` for one that is not planned, or not with this body.
    pub(crate) fn state(&self, message: &Message) -> Option<State> {
        let planned = self.messages.get(&message.id)?;
        (planned.body == body_hash(&message.content.body)).then_some(planned.state)
    }

    /// Whether the message is planned and gone.
    pub(crate) fn is_done(&self, id: &MessageId) -> bool {
        self.messages.get(id).is_some_and(|planned| planned.state == State::Done)
    }

    /// How many are gone.
    pub(crate) fn done(&self) -> u64 {
        self.counts.done
    }

    pub(crate) fn len(&self) -> u64 {
        self.messages.len() as u64
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// The messages that are so far, in the order of their ids.
    pub(crate) fn of(&self, state: State) -> Vec<&MessageId> {
        let mut ids: Vec<_> =
            self.messages.iter().filter(|(_, planned)| planned.state == state).map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    }
}

fn body_hash(body: &str) -> BodyHash {
    Sha256::digest(body).into()
}
