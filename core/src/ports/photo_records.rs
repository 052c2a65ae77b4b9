//! All that there is of photos, as an operator looks at it: outcomes in pages, and what a bucket remembers of an original.

use std::future::Future;

use jiff::Timestamp;

use super::{Found, PortError};
use crate::ids::ShopId;
use crate::keys::PhotoKey;
use crate::outcome::Outcome;

/// Where a page of outcomes ended: the key of an item, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutcomeMark {
    /// Of the item.
    pub shop_id: String,
    /// Of the item.
    pub photo_id: String,
}

/// Some outcomes.
#[derive(Debug, Default)]
pub struct OutcomePage {
    /// An error for an item that cannot be understood; there may be none, and still more to come.
    pub outcomes: Vec<Result<Outcome, PortError>>,
    /// To be read on after this mark; `None`: there are no more.
    pub next: Option<OutcomeMark>,
}

/// A version of an original, or the marker that hides those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalVersion {
    /// S3's version id; `null` in a bucket without versions.
    pub version_id: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// Size in bytes; `None`: it is a delete marker.
    pub bytes: Option<u64>,
    /// Whether it is what a reader of the key gets; of a delete marker: nothing.
    pub is_latest: bool,
}

/// Outcomes, however many, and the versions of originals. Every read sees every earlier write.
pub trait PhotoRecords {
    /// A page, as large as the implementation likes, of the outcomes of a shop, or of all. Whatever is there from the first
    /// page to the last is on one of them, once. The order is the implementation's; of one shop it is that of the photos' ids.
    fn outcomes(
        &self,
        shop_id: Option<&ShopId>,
        after: Option<&OutcomeMark>,
    ) -> impl Future<Output = Result<OutcomePage, PortError>> + Send;

    /// The outcomes of photos, however many photos.
    fn outcomes_of(
        &self,
        photos: &[PhotoKey],
    ) -> impl Future<Output = Result<Found<PhotoKey, Outcome>, PortError>> + Send;

    /// Every version of the original that there is, the latest first, then by the second in which they were written, newest first.
    fn versions(&self, photo: &PhotoKey) -> impl Future<Output = Result<Vec<OriginalVersion>, PortError>> + Send;
}
