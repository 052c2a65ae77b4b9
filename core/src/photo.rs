//! What to do about one photo: the decisions of the protocol "late and double events never win".
//!
//! The effects, in their order, are the thumbnailer's; the proof that order and decisions hold together is its
//! simulation.

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
    /// Whether it is to be written, given the edition that the original as it is now is made into, and whether anything
    /// of the photo is there: an original, or a rendition that somebody made of one.
    ///
    /// An event is always news here. A reprocessed photo is when it would be made of another version, by another
    /// pipeline, or into other renditions than the stored outcome was; or when there is no outcome of what is there.
    pub fn is_news(&self, edition: &Edition, something_there: bool) -> bool {
        match (self.cause, &self.stored) {
            (Cause::Event, _) => true,
            (Cause::Reprocess, Some(stored)) => !stored.edition.made_as(edition),
            (Cause::Reprocess, None) => something_there,
        }
    }
}

/// Which of the listed renditions can never be named again, given an outcome that is, or was, the stored one.
///
/// Those of a greater revision may belong to an answer that is being written right now.
pub fn never_again(listed: Vec<RenditionKey>, outcome: &Outcome) -> Vec<RenditionKey> {
    listed.into_iter().filter(|key| key.edition.revision() <= outcome.revision && !outcome.names(key)).collect()
}
