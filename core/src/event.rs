//! What the pipeline says to the world: [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md),
//! structured JSON, one type of data each.
//!
//! The serde form of [`Event`] is what consumers read; `core/schemas` has a JSON Schema for each type, made from these.
//! A type that is published never changes but by an attribute more: anything else is a new version of it. When something
//! is said is decided in [`announce`](crate::announce).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::board::{Board, BoardEntry, Moved, Placed};
use crate::edition::Revision;
use crate::histogram::Histogram;
use crate::ids::UserId;
use crate::keys::PhotoKey;
use crate::outcome::{Cause, Reason, Rendition};
use crate::score::{City, ScoreKey};

/// The attribute `type` of a photo whose renditions can be read.
pub const PHOTO_READY: &str = "coffeeshop.photo.ready.v1";
/// The attribute `type` of a photo that cannot be used.
pub const PHOTO_REJECTED: &str = "coffeeshop.photo.rejected.v1";
/// The attribute `type` of a photo whose original is gone.
pub const PHOTO_REMOVED: &str = "coffeeshop.photo.removed.v1";
/// The attribute `type` of a score that was written.
pub const SCORE_UPDATED: &str = "coffeeshop.score.updated.v1";
/// The attribute `type` of a leaderboard that was written.
pub const LEADERBOARD_CHANGED: &str = "coffeeshop.leaderboard.changed.v1";

/// Every type that is published.
pub const TYPES: [&str; 5] = [PHOTO_READY, PHOTO_REJECTED, PHOTO_REMOVED, SCORE_UPDATED, LEADERBOARD_CHANGED];

/// The longest id of an event, in bytes: it is a part of the keys of tables, of which the shorter kind has 1,024.
pub const EVENT_ID_BYTES_MAX: usize = 900;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// The version of `CloudEvents`.
    pub specversion: SpecVersion,
    /// The item's key and revision: one id has one content. Of two events with one `subject`, the one whose data has the
    /// greater revision (or version) counts; revisions have gaps.
    pub id: EventId,
    /// Who says it.
    pub source: Source,
    /// The item that it is about: the id without the revision.
    pub subject: String,
    /// The item's own time: when it was answered or written. RFC 3339, UTC.
    pub time: Timestamp,
    /// What `data` is.
    pub datacontenttype: ContentType,
    /// `type` and `data`.
    #[serde(flatten)]
    pub data: Data,
}

/// The version of `CloudEvents`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum SpecVersion {
    /// 1.0.
    #[serde(rename = "1.0")]
    V1,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Source {
    /// This pipeline.
    #[serde(rename = "/coffeeshop")]
    Pipeline,
}

/// What `data` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum ContentType {
    /// JSON.
    #[serde(rename = "application/json")]
    Json,
}

/// `type` and `data` of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(tag = "type", content = "data")]
pub enum Data {
    /// All renditions of a photo can be read.
    #[serde(rename = "coffeeshop.photo.ready.v1")]
    PhotoReady(PhotoReady),
    /// An upload cannot be used, and trying it again will not help.
    #[serde(rename = "coffeeshop.photo.rejected.v1")]
    PhotoRejected(PhotoRejected),
    /// The original of a photo is gone, and its renditions with it.
    #[serde(rename = "coffeeshop.photo.removed.v1")]
    PhotoRemoved(PhotoRemoved),
    /// A shop's score of a period was written.
    #[serde(rename = "coffeeshop.score.updated.v1")]
    ScoreUpdated(ScoreUpdated),
    /// A leaderboard was written.
    #[serde(rename = "coffeeshop.leaderboard.changed.v1")]
    LeaderboardChanged(LeaderboardChanged),
}

/// What every answer to an upload says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Photo {
    /// `shop_id` and `photo_id`.
    #[serde(flatten)]
    pub key: PhotoKey,
    /// How often the photo has been answered: the greatest counts.
    pub revision: Revision,
    /// Who uploaded it; absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Why it was answered.
    pub cause: Cause,
}

/// All renditions of a photo can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct PhotoReady {
    /// Whose, and which answer.
    #[serde(flatten)]
    pub photo: Photo,
    /// In the order of the configuration.
    pub renditions: Vec<Rendition>,
    /// `ThumbHash` of the smallest rendition, base64.
    pub thumbhash: String,
}

/// An upload cannot be used, and trying it again will not help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct PhotoRejected {
    /// Whose, and which answer.
    #[serde(flatten)]
    pub photo: Photo,
    /// Why, for programs.
    pub reason: Reason,
    /// What the bytes are, as a media type, when that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
}

/// The original of a photo is gone, and its renditions with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct PhotoRemoved {
    /// Whose, and which answer.
    #[serde(flatten)]
    pub photo: Photo,
}

/// A shop's score of a period was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct ScoreUpdated {
    /// `shop_id` and `period`.
    #[serde(flatten)]
    pub key: ScoreKey,
    /// The greatest counts.
    pub revision: u64,
    /// How many ratings.
    pub count: u64,
    /// All their stars together.
    pub sum: u64,
    /// How many ratings have 1, 2, 3, 4 and 5 stars.
    pub histogram: Histogram,
    /// The mean in millionths of a star; absent when there are no ratings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_micros: Option<u64>,
    /// What ranks the shop, in millionths of a star.
    pub score_micros: u64,
    /// By which formula.
    pub formula: String,
    /// The shop's city, once it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<City>,
}

/// A leaderboard was written: all of it, and what is not as it was in the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct LeaderboardChanged {
    /// `global`, or the name of a city.
    pub board: Board,
    /// `all`, or a month of UTC such as `2026-11`.
    pub period: crate::period::Period,
    /// The greatest counts.
    pub version: u64,
    /// The best shops, the best first.
    pub entries: Vec<BoardEntry>,
    /// Shops that were not on it; their places now, from 1.
    pub entered: Vec<Placed>,
    /// Shops that are no more on it; the places that they had.
    pub left: Vec<Placed>,
    /// Shops whose place is another.
    pub moved: Vec<Moved>,
}

impl Data {
    /// The event's attribute `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PhotoReady(_) => PHOTO_READY,
            Self::PhotoRejected(_) => PHOTO_REJECTED,
            Self::PhotoRemoved(_) => PHOTO_REMOVED,
            Self::ScoreUpdated(_) => SCORE_UPDATED,
            Self::LeaderboardChanged(_) => LEADERBOARD_CHANGED,
        }
    }

    /// The photo, if it is about one.
    pub fn photo(&self) -> Option<&Photo> {
        match self {
            Self::PhotoReady(PhotoReady { photo, .. })
            | Self::PhotoRejected(PhotoRejected { photo, .. })
            | Self::PhotoRemoved(PhotoRemoved { photo }) => Some(photo),
            Self::ScoreUpdated(_) | Self::LeaderboardChanged(_) => None,
        }
    }
}

impl Event {
    /// The message attributes that subscriptions filter by.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = vec![("type", self.data.kind().to_owned())];
        match &self.data {
            Data::ScoreUpdated(score) => {
                attributes.push(("shop_id", score.key.shop_id.to_string()));
                attributes.extend(score.city.as_ref().map(|city| ("city", city.to_string())));
            }
            Data::LeaderboardChanged(LeaderboardChanged { board: Board::City(city), .. }) => {
                attributes.push(("city", city.to_string()));
            }
            Data::LeaderboardChanged(_) => {}
            Data::PhotoReady(_) | Data::PhotoRejected(_) | Data::PhotoRemoved(_) => {
                attributes.extend(self.data.photo().into_iter().flat_map(|photo| {
                    [("shop_id", photo.key.shop_id.to_string()), ("cause", photo.cause.as_str().to_owned())]
                }));
            }
        }
        attributes
    }
}

/// The id of an event, such as `photo/SHOP/PHOTO/3`: letters, digits and `-_/%`, so that it can stand in a header, in a
/// key, and between dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[A-Za-z0-9_%/-]{1,900}$")))]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

/// A text that is no event's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is 1 to {EVENT_ID_BYTES_MAX} of A-Z a-z 0-9 - _ / %, this is {0:?}")]
pub struct EventIdError(String);

impl EventId {
    /// The id of a revision of `subject`, whose parts are escaped.
    pub(crate) fn of(subject: &str, revision: u64) -> Self {
        Self(format!("{subject}/{revision}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '%');
        if text.is_empty() || text.len() > EVENT_ID_BYTES_MAX || !text.chars().all(plain) {
            return Err(EventIdError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for EventId {
    type Error = EventIdError;

    fn try_from(text: String) -> Result<Self, EventIdError> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> String {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
