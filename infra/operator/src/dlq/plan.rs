//! The messages that a run works on, and how far it is with each.
//!
//! Nothing is done here; the journal says what was.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coffeeshop_core::ports::{Message, MessageId};
use sha2::{Digest as _, Sha256};

use super::entry::Entry;
use crate::table::counted;

/// SHA-256 of a message's body.
pub(crate) type BodyHash = [u8; 32];

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
    /// It is gone, and what is left over of it is in archives of its own.
    Parted,
}

#[derive(Debug)]
struct Planned {
    body: BodyHash,
    state: State,
    /// Which of the plan it is.
    position: u32,
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
    /// What is left over of archives, in words.
    parted: BTreeMap<MessageId, String>,
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
    pub(crate) parted: u64,
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
            State::Parted => &mut self.parted,
        }
    }
}

impl Plan {
    /// Of nothing yet. What is in an archive already is only to be deleted.
    pub(crate) fn new(is_archived: bool) -> Self {
        let at_first = if is_archived { State::Sent } else { State::Waiting };
        let (messages, counts) = (HashMap::new(), Counts::default());
        Self { messages, counts, at_first, doubled: BTreeSet::new(), parted: BTreeMap::new() }
    }

    /// Plans a message; what the journal says of it, or nothing when it is planned already.
    pub(crate) fn add(&mut self, message: &Message) -> Option<Entry> {
        self.add_hashed(message.id.clone(), body_hash(&message.content.body))
    }

    /// The same, of a body with this hash.
    pub(crate) fn add_hashed(&mut self, id: MessageId, body: BodyHash) -> Option<Entry> {
        if self.messages.contains_key(&id) {
            return None;
        }
        self.insert(id.clone(), body);
        Some(Entry::Planned { id, sha256: hex::encode(body) })
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
            Entry::Parted { id, parts, records, error } => self.part(id, parts, *records, error),
            Entry::Deleted { id } | Entry::Gone { id } => self.set(id, State::Done),
            _ => (),
        }
    }

    fn insert(&mut self, id: MessageId, body: BodyHash) {
        let position = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        self.messages.insert(id, Planned { body, state: self.at_first, position });
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

    /// What is left over of the archive is in these, so many records: it is only to be deleted.
    pub(crate) fn part(&mut self, id: &MessageId, parts: &[MessageId], records: u64, error: &str) {
        let parts = parts.iter().map(|part| &*part.0).collect::<Vec<_>>().join(", ");
        self.parted.insert(id.clone(), format!("{} in {parts}: {error}", counted(records, "record")));
        self.set(id, State::Sent);
    }

    /// What is left over of which archives, in words, in the order of their ids.
    pub(crate) fn parted(&self) -> &BTreeMap<MessageId, String> {
        &self.parted
    }

    /// The message is so far now, if it is planned.
    pub(crate) fn set(&mut self, id: &MessageId, state: State) {
        let is_in_parts = state == State::Done && self.parted.contains_key(id);
        let state = if is_in_parts { State::Parted } else { state };
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

    /// How far a message is; `None` for one that is not planned.
    pub(crate) fn state_of(&self, id: &MessageId) -> Option<State> {
        self.messages.get(id).map(|planned| planned.state)
    }

    /// Whether the message is planned with this body.
    pub(crate) fn is_as_planned(&self, id: &MessageId, body: &str) -> bool {
        self.messages.get(id).is_some_and(|planned| planned.body == body_hash(body))
    }

    /// All messages, in the order of the plan.
    pub(crate) fn in_order(&self) -> Vec<MessageId> {
        let mut ids: Vec<_> = self.messages.iter().map(|(id, planned)| (planned.position, id)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id.clone()).collect()
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

pub(crate) fn body_hash(body: &str) -> BodyHash {
    Sha256::digest(body).into()
}
