//! What a score holds of one rating, as the `contributions` table remembers it.
//!
//! The serde form of [`Contribution`] is the item, attribute by attribute.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fence::Fence;
use crate::ledger::counter_after;
use crate::period::Month;
use crate::rating::{Held, RatingKey, Stars};

/// How long a contribution that holds nothing is kept, so that no older change of its rating can come back: longer
/// than anything older can (failed batches are kept for 90 days).
pub const TOMBSTONE_LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);

/// What the scores hold of one rating: one item of the `contributions` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// `shop_id` and `user_id`.
    #[serde(flatten)]
    pub rating: RatingKey,
    /// `stars` and `month`; both absent when it holds nothing.
    #[serde(flatten)]
    parts: Parts,
    /// The last change that it knows.
    pub fence: Fence,
    /// Greater with each write; every write is on condition of the one that was read.
    pub version: u64,
    /// When a contribution that holds nothing may go, in seconds since 1970: the table's TTL attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// `stars` and `month`: both, or neither. Half of it would hold nothing, and be added again without being taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Attributes", into = "Attributes")]
struct Parts(Option<Held>);

#[derive(Serialize, Deserialize)]
struct Attributes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stars: Option<Stars>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    month: Option<Month>,
}

impl TryFrom<Attributes> for Parts {
    type Error = &'static str;

    fn try_from(Attributes { stars, month }: Attributes) -> Result<Self, Self::Error> {
        match (stars, month) {
            (Some(stars), Some(month)) => Ok(Self(Some(Held { stars, month }))),
            (None, None) => Ok(Self(None)),
            _ => Err("a contribution has `stars` and `month`, or neither"),
        }
    }
}

impl From<Parts> for Attributes {
    fn from(Parts(held): Parts) -> Self {
        Self { stars: held.map(|held| held.stars), month: held.map(|held| held.month) }
    }
}

impl Contribution {
    /// What follows `before` (the contribution that was read, if there was one) when the change at `fence` leaves the
    /// rating holding `held`.
    ///
    /// The first version is the time in milliseconds: one that expired and came back is then never taken for the one
    /// before.
    pub fn after(before: Option<&Self>, rating: RatingKey, fence: Fence, held: Option<Held>, now: Timestamp) -> Self {
        let version = counter_after(before.map(|before| before.version), now);
        let expires_at = held.is_none().then(|| (now + TOMBSTONE_LIFE).as_second());
        Self { rating, parts: Parts(held), fence, version, expires_at }
    }

    /// What it holds.
    pub fn held(&self) -> Option<Held> {
        self.parts.0
    }
}
