//! What a run on failures did, as its journal has it.
//!
//! What follows from it is `plan`'s.

use coffeeshop_core::ports::MessageId;
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::cli::dlq::{Pace, Selection};
use crate::cli::values::RunId;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A run began.
    Begun(Box<Begun>),
    /// It will work on this message, if it has still this body.
    Planned {
        id: MessageId,
        /// Of the body, hexadecimal.
        sha256: String,
    },
    /// It will leave this one alone.
    LeftAlone { id: MessageId, times_replayed: u32 },
    /// The plan is whole: from here on messages are touched.
    Ready { messages: u64 },
    /// It goes on after it was stopped.
    Resumed,
    /// This message is about to be sent.
    Sending { id: MessageId },
    /// The queue has it, under a new id; or the function is through with it.
    Sent {
        id: MessageId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new_id: Option<MessageId>,
    },
    /// What is left over of this archive is in these, and the rest is done.
    Parted { id: MessageId, parts: Vec<MessageId>, records: u64, error: String },
    /// It was certainly not sent.
    NotSent { id: MessageId, error: String },
    /// It is gone from the place.
    Deleted { id: MessageId },
    /// It was sent, or was to be discarded, and is not in the place any more.
    Gone { id: MessageId },
    /// The first messages came back, or may: nothing more is sent until it is resumed.
    CanaryFailed { came_back: u64 },
    /// It stopped before it was through.
    Stopped { why: String },
    /// It is through.
    Ended { done: u64, left: u64 },
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) run: RunId,
    /// As it is typed.
    pub(crate) target: String,
    pub(crate) place: String,
    pub(crate) from: String,
    #[serde(flatten)]
    pub(crate) action: Action,
    pub(crate) selection: Selection,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audit_bucket: Option<String>,
}

/// What is done with each message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(crate) enum Action {
    /// It is sent or handed to its target, then deleted.
    Replay { to: String, pace: Pace },
    /// The same, with another body.
    Edit { to: String, original: Record, body: String },
    /// It is deleted.
    Discard { archive: String },
}

impl Action {
    pub(crate) fn is_discard(&self) -> bool {
        matches!(self, Self::Discard { .. })
    }
}
