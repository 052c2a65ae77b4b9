//! What to do about one photo: the decisions of the protocol "late and double events never win".
//!
//! The effects, in their order, are the thumbnailer's; the proof that order and decisions hold together is its
//! simulation.

use jiff::{SignedDuration, Timestamp};

use crate::edition::{Edition, Revision};
use crate::keys::{PhotoKey, RenditionKey};
use crate::outcome::{Cause, Outcome};
use crate::sequencer::Sequencer;

/// S3 says that something about a photo changed. What it is now is for S3 to say when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoChanged {
    /// The photo.
    pub photo: PhotoKey,
    /// The place of this event among the photo's events.
    pub sequencer: Sequencer,
}

/// Why a photo is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Something about it changed.
    Changed(PhotoChanged),
    /// An operator asks whether it would be answered otherwise today.
    Reprocess(PhotoKey),
}

impl Request {
    /// Which photo.
    pub fn photo(&self) -> &PhotoKey {
        match self {
            Self::Changed(event) => &event.photo,
            Self::Reprocess(photo) => photo,
        }
    }

    /// What an outcome that answers it says of it.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Changed(_) => Cause::Event,
            Self::Reprocess(_) => Cause::Reprocess,
        }
    }
}

/// Whether a request may have been worked on before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Not in this message, nor in one that this was replayed from.
    First,
    /// It may have been, by who did not finish it.
    Again,
}

impl Delivery {
    /// A delivery of an event that S3 sent at `sent_at` in a message that was received so often, this time included, from a
    /// queue with this visibility timeout.
    ///
    /// Who moves a message out of a dead-letter queue sends a new one, with nothing received yet. By then its event is older
    /// than that timeout, which passes before a message can be there.
    pub fn new(receive_count: u32, sent_at: Timestamp, now: Timestamp, visibility_timeout: SignedDuration) -> Self {
        let fresh = now.duration_since(sent_at).abs() <= visibility_timeout;
        if fresh && receive_count == 1 { Self::First } else { Self::Again }
    }
}

/// Whether the photo's renditions need not be listed before it is answered, given the stored outcome: what lies there
/// that the answer will not name is for another message to sweep, one that is not finished yet.
///
/// That is so as long as this request makes renditions once. Who has lost a race must list.
pub fn sweep_is_anothers(request: &Request, delivery: Delivery, stored: Option<&Outcome>) -> bool {
    matches!((request, delivery, stored), (Request::Changed(_), Delivery::First, None))
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// This outcome already answers the event or a later one.
    Answered(Outcome),
    /// The photo as it is now is to be answered so, if [`Draft::is_news`].
    Answer(Draft),
}

/// What an answer says before the original has been looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// One more than the stored one.
    pub revision: Revision,
    /// The event's; when reprocessed, the stored one stays, and [`Sequencer::none`] stands for none.
    ///
    /// So a reprocessed photo hides no event: one that is still under way is greater, is answered after it, with its own
    /// cause, and only then are people notified.
    pub sequencer: Sequencer,
    /// Why it is answered.
    pub cause: Cause,
    /// The outcome that will be replaced.
    pub stored: Option<Outcome>,
}

/// Decides whether the photo is to be looked at, given the stored outcome.
pub fn decide(request: &Request, stored: Option<Outcome>) -> Decision {
    let sequencer = match (request, &stored) {
        (Request::Changed(event), Some(outcome)) if outcome.sequencer >= event.sequencer => {
            return Decision::Answered(outcome.clone());
        }
        (Request::Changed(event), _) => event.sequencer.clone(),
        (Request::Reprocess(_), Some(outcome)) => outcome.sequencer.clone(),
        (Request::Reprocess(_), None) => Sequencer::none(),
    };
    let read = stored.as_ref().map(|outcome| outcome.revision).unwrap_or_default();
    Decision::Answer(Draft { revision: read.next(), sequencer, cause: request.cause(), stored })
}

impl Draft {
    /// Whether it is to be written, given the edition that the original as it is now is made into, whether there is an
    /// original, and the renditions that were listed.
    ///
    /// An event is always news here. A reprocessed photo is when it would be made of another version, by another
    /// pipeline, or into other renditions than the stored outcome was; when there is no outcome of what is there; or
    /// when there are renditions of a greater revision: whoever made them may have died, as this request's own
    /// predecessor under another configuration, and only an outcome of that revision lets them be deleted.
    pub fn is_news(&self, edition: &Edition, original: bool, listed: &[RenditionKey]) -> bool {
        match (self.cause, &self.stored) {
            (Cause::Event, _) => true,
            (Cause::Reprocess, Some(stored)) => {
                let ahead = |key: &RenditionKey| key.edition.revision() > stored.revision;
                !stored.edition.made_as(edition) || listed.iter().any(ahead)
            }
            (Cause::Reprocess, None) => original || !listed.is_empty(),
        }
    }
}

/// Which of the listed renditions can never be named again, given an outcome that is, or was, the stored one.
///
/// Those of a greater revision may belong to an answer that is being written right now.
pub fn never_again(listed: Vec<RenditionKey>, outcome: &Outcome) -> Vec<RenditionKey> {
    listed.into_iter().filter(|key| key.edition.revision() <= outcome.revision && !outcome.names(key)).collect()
}
