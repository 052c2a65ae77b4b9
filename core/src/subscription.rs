//! Who wants to hear of what, and how: one item of the `subscribers` table, which the app's own back end writes.
//!
//! The serde form of [`Subscription`] is the item, attribute by attribute; `CONTRACT.md` describes it to the app. Nothing
//! is sent here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::board::Board;
use crate::event::{Data, Event};
use crate::ids::{ChannelId, IdError, UserId};
use crate::score::CityError;

/// Who hears of an event: `user#{user id}`, or `board#{global, or a city}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub enum Subscriber {
    /// A person, of what they do.
    User(UserId),
    /// Whoever follows a leaderboard.
    Board(Board),
}

/// A text that is no subscriber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriberError {
    /// Neither of the two.
    #[error("{0:?} begins neither with user# nor with board#")]
    Kind(String),
    /// A user's id that is none.
    #[error("no user")]
    User(#[source] IdError),
    /// A board that is none.
    #[error("no board")]
    Board(#[source] CityError),
}

impl Subscriber {
    /// Who hears of `event`: of a photo that is ready or rejected, who uploaded it; of a leaderboard, who follows it.
    pub fn of(event: &Event) -> Option<Self> {
        match &event.data {
            Data::PhotoReady(_) | Data::PhotoRejected(_) => event.data.photo()?.user_id.clone().map(Self::User),
            Data::LeaderboardChanged(changed) => Some(Self::Board(changed.board.clone())),
            Data::PhotoRemoved(_) | Data::ScoreUpdated(_) => None,
        }
    }
}

impl fmt::Display for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user_id) => write!(f, "user#{user_id}"),
            Self::Board(board) => write!(f, "board#{board}"),
        }
    }
}

impl FromStr for Subscriber {
    type Err = SubscriberError;

    fn from_str(text: &str) -> Result<Self, SubscriberError> {
        match text.split_once('#') {
            Some(("user", id)) => id.parse().map(Self::User).map_err(SubscriberError::User),
            Some(("board", board)) => board.parse().map(Self::Board).map_err(SubscriberError::Board),
            _ => Err(SubscriberError::Kind(text.to_owned())),
        }
    }
}

/// One way in which a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Subscription {
    /// Who.
    pub subscriber: Subscriber,
    /// Which of their ways.
    pub channel_id: ChannelId,
    /// Whether it is used.
    pub enabled: bool,
    /// `kind` and what belongs to it.
    #[serde(flatten)]
    pub channel: Channel,
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    /// In the app.
    Inbox {
        /// Whose inbox; the item of a person's own subscription need not say so.
        user_id: UserId,
    },
    /// By an HTTP call, as [Standard Webhooks](https://www.standardwebhooks.com) has it.
    Webhook {
        /// Where to; often a password is a part of it.
        url: Secret,
        /// What it is signed with, `whsec_..`: each of them, so that they can be changed without a gap.
        secrets: Vec<Secret>,
    },
}

/// A subscription as it is written.
#[derive(Deserialize)]
struct Written {
    subscriber: Subscriber,
    channel_id: ChannelId,
    enabled: bool,
    #[serde(flatten)]
    channel: WrittenChannel,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum WrittenChannel {
    Inbox { user_id: Option<UserId> },
    Webhook { url: Secret, secrets: Vec<Secret> },
}

/// A subscription that does not say whose inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`user_id` is missing: whose inbox?")]
pub struct NoUser;

impl TryFrom<Written> for Subscription {
    type Error = NoUser;

    fn try_from(written: Written) -> Result<Self, NoUser> {
        let Written { subscriber, channel_id, enabled, channel } = written;
        let channel = match channel {
            WrittenChannel::Webhook { url, secrets } => Channel::Webhook { url, secrets },
            WrittenChannel::Inbox { user_id } => match (&subscriber, user_id) {
                (Subscriber::User(user_id), _) => Channel::Inbox { user_id: user_id.clone() },
                (Subscriber::Board(_), Some(user_id)) => Channel::Inbox { user_id },
                (Subscriber::Board(_), None) => return Err(NoUser),
            },
        };
        Ok(Self { subscriber, channel_id, enabled, channel })
    }
}

/// What a webhook's owner alone should know, as it was given. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// To sign with, or to call, and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
