//! What the pipeline says to the world: [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md),
//! structured JSON, one type of data each.
//!
//! The serde form of [`Event`] is what consumers read; `core/schemas` has a JSON Schema for each type, made from these.
//! A type that is published never changes but by an attribute more: anything else is a new version of it. When something
//! is said is decided in [`announce`](crate::announce).

mod id;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::id::escaped;
pub use self::id::{EVENT_ID_BYTES_MAX, EventId, EventIdError};
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
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^(photo|score|board)/[A-Za-z0-9_%-]+/[A-Za-z0-9_%-]+$")))]
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
            Data::PhotoReady(PhotoReady { photo, .. })
            | Data::PhotoRejected(PhotoRejected { photo, .. })
            | Data::PhotoRemoved(PhotoRemoved { photo }) => {
                let cause = photo.cause.as_str().to_owned();
                attributes.extend([("shop_id", photo.key.shop_id.to_string()), ("cause", cause)]);
            }
            Data::ScoreUpdated(ScoreUpdated { key, city, .. }) => {
                attributes.push(("shop_id", key.shop_id.to_string()));
                attributes.extend(city.as_ref().map(|city| ("city", city.to_string())));
            }
            Data::LeaderboardChanged(LeaderboardChanged { board: Board::City(city), .. }) => {
                attributes.push(("city", city.to_string()));
            }
            Data::LeaderboardChanged(LeaderboardChanged { board: Board::Global, .. }) => {}
        }
        attributes
    }
}
