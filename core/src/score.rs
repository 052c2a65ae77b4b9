//! A shop's score for a period, as the `scores` table holds it and leaderboards read it.
//!
//! The serde form of [`Score`] is the item, attribute by attribute. Which ratings it is of is decided in
//! [`ledger`](crate::ledger).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use sha2::{Digest as _, Sha256};

use crate::board::GLOBAL_BOARD;
use crate::histogram::{FORMULA, Histogram};
use crate::ids::ShopId;
use crate::period::Period;
use crate::ports::is_sendable;
use crate::rating::STARS_MAX;

/// Over how many partitions the board of a period is spread, since one takes 1,000 write units a second and a changed
/// score costs two of them.
pub const BOARD_PARTS: u8 = 8;

/// The longest name of a city, in bytes: with a period it is the key of an index, which has 2,048.
pub const CITY_BYTES_MAX: usize = 256;

/// The key of a score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScoreKey {
    /// The shop.
    pub shop_id: ShopId,
    /// `all`, or a month of UTC such as `2026-11`.
    pub period: Period,
}

impl fmt::Display for ScoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shop_id, self.period)
    }
}

/// A city, as `shops` names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("minLength" = 1, "maxLength" = CITY_BYTES_MAX)))]
pub struct City(String);

/// A text that is no city's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CityError {
    /// Too short, too long, or with a character that cannot be sent in a message.
    #[error("a city's name is 1 to {CITY_BYTES_MAX} bytes without control characters, this has {bytes}")]
    Text {
        /// How long it is.
        bytes: usize,
    },
    /// What the board of all shops is called.
    #[error("no city is called `{GLOBAL_BOARD}`: that is the leaderboard of all shops")]
    Global,
}

impl FromStr for City {
    type Err = CityError;

    fn from_str(text: &str) -> Result<Self, CityError> {
        if text == GLOBAL_BOARD {
            return Err(CityError::Global);
        }
        if text.is_empty() || text.len() > CITY_BYTES_MAX || text.chars().any(|c| c.is_control() || !is_sendable(c)) {
            return Err(CityError::Text { bytes: text.len() });
        }
        Ok(Self(text.to_owned()))
    }
}

impl City {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for City {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A shop's score for a period: one item of the `scores` table.
///
/// Everything but the key, the histogram, the revision, the city and the time follows from those, and is there for who
/// reads the table and its indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// `shop_id` and `period`.
    #[serde(flatten)]
    pub key: ScoreKey,
    /// How many ratings.
    pub count: u64,
    /// All their stars together.
    pub sum: u64,
    /// How many ratings have 1, 2, 3, 4 and 5 stars: a list.
    pub histogram: Histogram,
    /// The mean in millionths of a star; absent when there are no ratings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_micros: Option<u64>,
    /// What ranks the shop, in millionths of a star.
    pub score_micros: u64,
    /// By which formula.
    pub formula: String,
    /// Greater with each write, by whomever; the first is the time in milliseconds.
    pub revision: u64,
    /// The shop's city, once it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<City>,
    /// When it was written.
    pub updated_at: Timestamp,
    /// Where it stands on its boards; without ratings it stands on none.
    #[serde(flatten, default)]
    pub rank: Option<Rank>,
}

/// The keys of a score in the two indexes, by city and by period alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// The order within a board; ascending is best first.
    pub rank_key: RankKey,
    /// The board of the period, one of [`BOARD_PARTS`] parts of it: [`period_part`].
    pub period_part: String,
    /// The board of the city: [`city_period`]; absent while that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city_period: Option<String>,
}

/// The order of scores on a board: `{5,000,000 − score, 7 digits}#{10¹² − 1 − count, 12 digits}#{shop id}`.
///
/// Ascending is best first: by score, then by count, both descending, then by shop id. A board can be read from any
/// such key on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RankKey(String);

impl RankKey {
    fn new(score_micros: u64, count: u64, shop_id: &ShopId) -> Self {
        let score = (u64::from(STARS_MAX) * 1_000_000).saturating_sub(score_micros);
        let count = 999_999_999_999_u64.saturating_sub(count);
        Self(format!("{score:07}#{count:012}#{shop_id}"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Score {
    /// The score that `histogram` makes.
    pub fn new(key: ScoreKey, histogram: Histogram, revision: u64, city: Option<City>, updated_at: Timestamp) -> Self {
        let (count, score_micros) = (histogram.count(), histogram.score_micros());
        let rank = (count > 0).then(|| Rank {
            rank_key: RankKey::new(score_micros, count, &key.shop_id),
            period_part: period_part(key.period, board_part(&key.shop_id)),
            city_period: city.as_ref().map(|city| city_period(city, key.period)),
        });
        Self {
            count,
            sum: histogram.sum(),
            histogram,
            mean_micros: histogram.mean_micros(),
            score_micros,
            formula: FORMULA.to_owned(),
            revision,
            city,
            updated_at,
            rank,
            key,
        }
    }
}

/// Which part of a period's board the shop is on: the first byte of SHA-256 of its id, modulo [`BOARD_PARTS`].
pub fn board_part(shop_id: &ShopId) -> u8 {
    Sha256::digest(shop_id.as_str()).first().copied().unwrap_or_default() % BOARD_PARTS
}

/// What the index by period calls a part of a period's board: `{period}#{part}`.
pub fn period_part(period: Period, part: u8) -> String {
    format!("{period}#{part}")
}

/// What the index by city calls a city's board of a period: `{city}#{period}`.
pub fn city_period(city: &City, period: Period) -> String {
    format!("{city}#{period}")
}
