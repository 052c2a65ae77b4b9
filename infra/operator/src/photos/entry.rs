//! What a run on photos did, as its journal has it.
//!
//! What follows from it is `plan`'s.

use coffeeshop_core::keys::PhotoKey;
use serde::{Deserialize, Serialize};

use crate::cli::photos::Selection;
use crate::cli::values::{Rate, RunId};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A run began.
    Begun(Box<Begun>),
    /// It will ask for this photo. The position of a photo is how many of these lines are before its own.
    Planned(PhotoKey),
    /// The plan is whole: from here on requests are sent.
    Ready {
        photos: u64,
        /// How many outcomes cannot be understood, and are not among them.
        unreadable: u64,
    },
    /// It goes on after it was stopped.
    Resumed,
    /// Requests for the photos of these positions are about to be sent.
    Sending { positions: Vec<u64> },
    /// The queue has them.
    Sent { positions: Vec<u64> },
    /// It was certainly not sent.
    NotSent { position: u64, error: String },
    /// It stopped before it was through.
    Stopped { why: String },
    /// It is through.
    Ended { sent: u64, left: u64 },
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) run: RunId,
    /// As it is typed.
    pub(crate) target: String,
    pub(crate) verb: Verb,
    /// Where requests are sent.
    pub(crate) queue: String,
    pub(crate) selection: Selection,
    pub(crate) rate: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<u64>,
}

/// What a run does with each photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    /// It asks that the photo be made anew.
    Reprocess,
}
