//! The effects that handlers have on the world, as traits.
//!
//! Each trait's documentation is its contract: `testing::contract` and the modules `testing::*_contract` hold every
//! implementation to it. Every error is the world's fault, never the input's, and
//! so always a reason to try again.

mod boards;
mod functions;
mod notifications;
mod objects;
mod photo_records;
mod queues;
mod snapshots;
mod streams;

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

pub use boards::*;
use bytes::Bytes;
pub use functions::*;
use jiff::Timestamp;
pub use notifications::*;
pub use objects::*;
pub use photo_records::*;
pub use queues::*;
pub use snapshots::*;
pub use streams::*;

use crate::board::{Board, Page};
use crate::contribution::Contribution;
use crate::ids::{ShopId, UserId};
use crate::keys::{PhotoKey, RenditionKey};
use crate::ledger::{Transaction, View};
use crate::outcome::Outcome;
use crate::period::Period;
use crate::rating::{RatingItem, RatingKey};
use crate::replayed::Replayed;
use crate::score::{City, RankKey, Score, ScoreKey};

/// A call that did not work out: throttled, denied, down or misconfigured. It may or may not have had its effect.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed")]
pub struct PortError {
    /// Which call, such as `photos.put`.
    pub call: &'static str,
    /// Whether it was only too much at once: throttled, or in conflict with another call. Worth another try soon.
    pub busy: bool,
    /// What the implementation knows about it.
    #[source]
    pub cause: Box<dyn Error + Send + Sync>,
}

impl PortError {
    /// An error of `call`.
    pub fn new(call: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { call, busy: false, cause: cause.into() }
    }

    /// An error of `call`, which was too much at once.
    pub fn busy(call: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { busy: true, ..Self::new(call, cause) }
    }

    /// The same error for another who met it, with its causes in words.
    #[must_use]
    pub fn again(&self) -> Self {
        let first: &(dyn Error + 'static) = &*self.cause;
        let causes = std::iter::successors(Some(first), |error| (*error).source());
        let words = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self { call: self.call, busy: self.busy, cause: words.into() }
    }
}

/// The current version of an original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// S3's version id; `null` in a bucket without versions.
    pub version_id: String,
    /// S3's `ETag`, without its quotes.
    pub etag: String,
    /// Size in bytes.
    pub bytes: u64,
    /// The object's metadata `user-id`, unchecked.
    pub user_id: Option<String>,
    /// The bytes; `None` when there are more than [`SOURCE_BYTES_MAX`](crate::SOURCE_BYTES_MAX): those are not read.
    pub body: Option<Bytes>,
}

/// Originals, renditions and outcomes of photos. Every read sees every earlier write.
pub trait PhotoStore {
    /// The stored outcome.
    fn outcome(&self, photo: &PhotoKey) -> impl Future<Output = Result<Option<Outcome>, PortError>> + Send;

    /// Stores `outcome` if the stored revision is one less (0: if there is none), in one step.
    fn put_outcome(&self, outcome: &Outcome) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// All renditions of the photo, of every edition. Keys that are no rendition's are left out.
    fn renditions(&self, photo: &PhotoKey) -> impl Future<Output = Result<Vec<RenditionKey>, PortError>> + Send;

    /// Stores a JPEG; what lay there before is replaced.
    fn put_rendition(&self, key: &RenditionKey, jpeg: Bytes) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Deletes renditions; one that is not there is no error. An error when any of them may still be there.
    fn delete_renditions(&self, keys: &[RenditionKey]) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The current version of the original; `None` when there is none, or when a delete marker hides it.
    fn original(&self, photo: &PhotoKey) -> impl Future<Output = Result<Option<Original>, PortError>> + Send;
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is stored.
    Stored,
    /// Another writer was first, or is at it; nothing was stored.
    LostRace,
}

/// What was found of each key: nothing for what is not there; an error for an item that cannot be understood, since
/// that must neither be replaced nor hold up the others.
pub type Found<K, T> = HashMap<K, Result<T, PortError>>;

/// For how long some items of a transaction may be seen, and others not yet. DynamoDB promises plain reads no more than
/// that what they see is committed, [item by item][1]; the items of a transaction are written within milliseconds of each
/// other, after a failure within its recovery. A second is what is taken for enough here.
///
/// [1]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
pub const HALF_SEEN_MAX: Duration = Duration::from_secs(1);

/// What scores hold of ratings, the scores, and the shops' cities. Every read sees every earlier write.
pub trait ScoreStore {
    /// Contributions, however many. They need not be of one moment.
    fn contributions(
        &self,
        ratings: &[RatingKey],
    ) -> impl Future<Output = Result<Found<RatingKey, Contribution>, PortError>> + Send;

    /// Scores, however many. They need not be of one moment.
    fn scores(&self, keys: &[ScoreKey]) -> impl Future<Output = Result<Found<ScoreKey, Score>, PortError>> + Send;

    /// Contributions and scores as they were at one moment, together at most
    /// [`TRANSACTION_ITEMS_MAX`](crate::ledger::TRANSACTION_ITEMS_MAX). Without cities.
    fn one_moment(
        &self,
        ratings: &[RatingKey],
        scores: &[ScoreKey],
    ) -> impl Future<Output = Result<View, PortError>> + Send;

    /// The cities of those of the shops that are known, and have one.
    fn cities(&self, shops: &[ShopId]) -> impl Future<Output = Result<HashMap<ShopId, City>, PortError>> + Send;

    /// Stores all of the transaction, if each item still has the version or revision that it replaces, or none of it.
    ///
    /// Until it is through, no other transaction has any of its items; but a read other than
    /// [`one_moment`](Self::one_moment) may see some of them as they are now and others as they were, for at most
    /// [`HALF_SEEN_MAX`].
    fn commit(&self, transaction: &Transaction) -> impl Future<Output = Result<Put, PortError>> + Send;
}

/// Which users' items are read, of one shop: a part of the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// Only ids greater than this one.
    pub above: Option<UserId>,
    /// Only ids up to this one, itself included.
    pub up_to: Option<UserId>,
}

/// Some items of a shop, in the order of their users.
#[derive(Debug)]
pub struct UserPage<T> {
    /// The items; there may be none, and still more to come.
    pub items: Vec<(UserId, T)>,
    /// To be read on above this user; `None`: there are no more.
    pub next: Option<UserId>,
}

/// All that there is of a shop, for who counts it again. Every read sees every earlier write. Items whose keys are none
/// belong to nobody, and are left out.
pub trait ShopRecords {
    /// The first `limit` shops above `after`, in order, that have a rating, a contribution or a score.
    fn shops(
        &self,
        after: Option<&ShopId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<ShopId>, PortError>> + Send;

    /// Every score of the shop.
    fn scores_of(&self, shop_id: &ShopId) -> impl Future<Output = Result<Found<ScoreKey, Score>, PortError>> + Send;

    /// A page of the shop's contributions, as large as the implementation likes; an error for an item that cannot be
    /// understood.
    fn contributions_of(
        &self,
        shop_id: &ShopId,
        above: Option<&UserId>,
    ) -> impl Future<Output = Result<UserPage<Result<Contribution, PortError>>, PortError>> + Send;

    /// A page of the shop's ratings, as large as the implementation likes.
    fn ratings_of(
        &self,
        shop_id: &ShopId,
        users: &Users,
    ) -> impl Future<Output = Result<UserPage<RatingItem>, PortError>> + Send;

    /// Ratings, however many; nothing for what is not there.
    fn ratings(
        &self,
        keys: &[RatingKey],
    ) -> impl Future<Output = Result<HashMap<RatingKey, RatingItem>, PortError>> + Send;
}

/// Leaderboards, as they were a moment ago: they follow the scores within a second or so.
pub trait Leaderboard {
    /// The best `limit` entries, at least one, above `after` (`None`: of all), best first. A page by itself is ordered and has no shop
    /// twice. Between two pages the board may move: a shop may be on both, or on none.
    fn top(
        &self,
        board: &Board,
        period: Period,
        limit: usize,
        after: Option<&RankKey>,
    ) -> impl Future<Output = Result<Page, PortError>> + Send;

    /// How many entries are better than one with this key.
    fn better_than(
        &self,
        board: &Board,
        period: Period,
        rank_key: &RankKey,
    ) -> impl Future<Output = Result<u64, PortError>> + Send;
}

/// A record that is set aside, with everything that is needed to look into it, and to replay it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// A stream event with this record alone.
    pub body: String,
    /// The record's `eventID`.
    pub event_id: Option<String>,
    /// Why.
    pub reason: ParkReason,
    /// What marks it as replayed, if it was.
    pub replayed: Option<Replayed>,
}

/// Where records of ratings that make no sense are set aside.
pub trait Quarantine {
    /// Sends each, with the attributes `reason`, `error`, `event_id` and [`replayed`](crate::replayed::REPLAYED); how it
    /// went, in their order. `Ok`: it is there.
    fn send(&self, records: &[Quarantined]) -> impl Future<Output = Vec<Result<(), PortError>>> + Send;
}

/// A queue's handle of one receipt of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(pub String);

/// Why a part of the input is set aside, with the error in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkReason {
    /// For programs; a short code.
    pub code: &'static str,
    /// For people.
    pub error: String,
}

/// The longest error that is sent along, in characters.
pub const ERROR_CHARS_MAX: usize = 1000;

impl ParkReason {
    /// A reason whose error can be sent: without characters that a queue refuses, and at most [`ERROR_CHARS_MAX`] long.
    pub fn new(code: &'static str, error: &dyn ToString) -> Self {
        let error = error.to_string().chars().filter(|c| is_sendable(*c)).take(ERROR_CHARS_MAX).collect();
        Self { code, error }
    }
}

/// Whether a message may have this character: [what SQS takes][1].
///
/// [1]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
pub fn is_sendable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// The queue that a handler's messages come from, and where it sets aside what it can do nothing with.
pub trait SourceQueue {
    /// Deletes received messages. One that is gone, or that a later receipt holds by now, is no error; an error means
    /// that one of these receipts may still be the one that counts.
    fn delete(&self, receipts: &[Receipt]) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Lets a received message come again after `seconds`, instead of after its visibility timeout.
    fn postpone(&self, receipt: &Receipt, seconds: u32) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Sends `body` to the dead-letter queue, with the attributes `reason` and `error`, and
    /// [`replayed`](crate::replayed::REPLAYED) as the message had it, if it did. `Ok`: it is there.
    fn park(
        &self,
        body: &str,
        reason: &ParkReason,
        replayed: Option<&str>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Where time comes from.
pub trait Clock {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// Lets some time pass.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}
