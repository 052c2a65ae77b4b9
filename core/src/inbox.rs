//! What a person reads in the app: one item of the `inbox` table.
//!
//! The serde form of [`InboxItem`] is the item, attribute by attribute; `CONTRACT.md` describes it to the app. The sentence
//! is made elsewhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::event::EventId;
use crate::ids::{PhotoId, ShopId, UserId};
use crate::period::Period;

/// For how long an item stays, in days.
pub const INBOX_DAYS: i64 = 90;

/// One item of an inbox; its key is user and event, so that one event is there once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxItem {
    /// Whose inbox.
    pub user_id: UserId,
    /// Which event.
    pub event_id: EventId,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// A sentence to read.
    pub text: String,
    /// Until the app says otherwise.
    pub unread: bool,
    /// The event's time.
    pub created_at: Timestamp,
    /// Seconds since 1970: when it may go.
    pub expires_at: i64,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
}

/// What an item of an inbox is about, for a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// A photo.
    Photo {
        /// Its shop.
        shop_id: ShopId,
        /// Which of the shop's.
        photo_id: PhotoId,
    },
    /// A leaderboard.
    Leaderboard {
        /// Which.
        board: Board,
        /// Of which period.
        period: Period,
    },
}
