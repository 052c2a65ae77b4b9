//! What to do about an event of one photo: the decisions of the protocol "late and double events never win".
//!
//! The effects, in their order, are the thumbnailer's; the proof that order and decisions hold together is its
//! simulation.

use crate::edition::Revision;
use crate::keys::{PhotoKey, RenditionKey};
use crate::outcome::Outcome;
use crate::sequencer::Sequencer;

/// S3 says that something about a photo changed. What it is now is for S3 to say when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoChanged {
    /// The photo.
    pub photo: PhotoKey,
    /// The place of this event among the photo's events.
    pub sequencer: Sequencer,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// This outcome already answers the event or a later one.
    Answered(Outcome),
    /// The photo as it is now is to be answered, with this revision.
    Answer {
        /// One more than the stored one.
        revision: Revision,
        /// The outcome that will be replaced.
        stored: Option<Outcome>,
    },
}

/// Decides whether an event is news, given the stored outcome.
pub fn decide(event: &PhotoChanged, stored: Option<Outcome>) -> Decision {
    match stored {
        Some(outcome) if outcome.sequencer >= event.sequencer => Decision::Answered(outcome),
        stored => {
            let read = stored.as_ref().map(|outcome| outcome.revision).unwrap_or_default();
            Decision::Answer { revision: read.next(), stored }
        }
    }
}

/// Which of the listed renditions can never be named again, given an outcome that is, or was, the stored one.
///
/// Those of a greater revision may belong to an answer that is being written right now.
pub fn never_again(listed: Vec<RenditionKey>, outcome: &Outcome) -> Vec<RenditionKey> {
    listed.into_iter().filter(|key| key.edition.revision() <= outcome.revision && !outcome.names(key)).collect()
}
