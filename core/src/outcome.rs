//! The answer to an upload, as the `photos` table holds it and the app reads it.
//!
//! The serde form of [`Outcome`] is the item, attribute by attribute; `CONTRACT.md` describes it to the app.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::edition::{Edition, Revision};
use crate::ids::{RenditionName, UserId};
use crate::keys::{PhotoKey, RenditionKey};
use crate::sequencer::Sequencer;

/// The answer to an upload: one item of the `photos` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whose outcome it is: `shop_id` and `photo_id`.
    #[serde(flatten)]
    pub photo: PhotoKey,
    /// What became of it: `status` and what belongs to that.
    #[serde(flatten)]
    pub answer: Answer,
    /// The greatest S3 event that is answered; [`Sequencer::none`] when the photo was reprocessed before any was.
    pub sequencer: Sequencer,
    /// How often the photo has been answered, this one included.
    pub revision: Revision,
    /// What this answer's renditions lie under; every answer has one.
    pub edition: Edition,
    /// Who uploaded it, as the upload's signed metadata says; without it nobody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Why the photo was answered.
    pub cause: Cause,
    /// The version of the code that decided it.
    pub pipeline: String,
    /// The object that was answered; absent when there is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// When it was answered.
    pub processed_at: Timestamp,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Answer {
    /// All renditions can be read.
    Ready {
        /// In the order of the configuration.
        renditions: Vec<Rendition>,
        /// `ThumbHash` of the smallest rendition, base64: a placeholder of about 30 bytes.
        thumbhash: String,
    },
    /// The upload cannot be used, and trying it again will not help.
    Rejected {
        /// Why, for programs.
        reason: Reason,
        /// What the bytes are, as a media type, when that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detected: Option<String>,
    },
    /// The original is gone.
    Removed,
}

impl Answer {
    /// The value of `status`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Rejected { .. } => "rejected",
            Self::Removed => "removed",
        }
    }
}

/// Why an upload was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No bytes at all.
    Empty,
    /// More than 50 MiB.
    TooManyBytes,
    /// More than 100 million pixels.
    TooManyPixels,
    /// The bytes are not JPEG, PNG, WebP or GIF.
    UnsupportedFormat,
    /// The bytes begin like an image and cannot be decoded to the end.
    Corrupt,
}

/// A text that is not a reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a reason: one of {all}", all = Reason::ALL.map(Reason::as_str).join(", "))]
pub struct ReasonError(String);

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 5] =
        [Self::Empty, Self::TooManyBytes, Self::TooManyPixels, Self::UnsupportedFormat, Self::Corrupt];

    /// The value of `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooManyBytes => "too_many_bytes",
            Self::TooManyPixels => "too_many_pixels",
            Self::UnsupportedFormat => "unsupported_format",
            Self::Corrupt => "corrupt",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| ReasonError(text.to_owned()))
    }
}

/// Why a photo was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// S3 said that the original changed.
    Event,
    /// An operator had it made anew; nobody is notified.
    Reprocess,
}

impl Cause {
    /// The value of `cause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Reprocess => "reprocess",
        }
    }
}

/// A format that is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JPEG: baseline or progressive; grey, colour or CMYK.
    Jpeg,
    /// PNG; of an animated one the default image.
    Png,
    /// WebP; of an animated one the first frame.
    Webp,
    /// GIF; the first frame.
    Gif,
}

impl Format {
    /// The value of `format`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }
}

/// The object that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// S3's version id; `null` in a bucket without versions.
    pub version_id: String,
    /// S3's `ETag`, without its quotes.
    pub etag: String,
    /// Size of the object in bytes.
    pub bytes: u64,
    /// What the bytes are, when they were recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Width in pixels, upright, when the header could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, upright, when the header could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// A rendition that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rendition {
    /// What it is called.
    pub name: RenditionName,
    /// Where it lies in the bucket of renditions.
    pub key: RenditionKey,
    /// Its true width in pixels.
    pub width: u32,
    /// Its true height in pixels.
    pub height: u32,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Outcome {
    /// Whether this outcome names `key`.
    pub fn names(&self, key: &RenditionKey) -> bool {
        match &self.answer {
            Answer::Ready { renditions, .. } => renditions.iter().any(|rendition| rendition.key == *key),
            Answer::Rejected { .. } | Answer::Removed => false,
        }
    }
}
