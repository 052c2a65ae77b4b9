//! A whole table as a dataset in the bucket, which is there when its manifest is.
//!
//! A table is read in segments side by side, and each becomes a file, uploaded in parts as it grows: a few megabytes of it are
//! in memory. No upload is completed before every one has all its parts. Then the manifest is put, and `latest.json`
//! points to it. So what ends before leaves at most files that no manifest names; the next run deletes them.
//!
//! A second run of the same hour or day gives its files the same names. Before it replaces the first of them, it takes
//! the manifest away: while there are files of both, nothing names them.

mod commit;
mod file;
mod folder;

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{Clock, PortError, Scan, Segment, Uploads};
use coffeeshop_core::score::Score;
use futures::future::join_all;
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use self::commit::Snapshot;
use self::file::{Written, abort, write};
pub use self::folder::Folder;
use crate::dataset::{Record, SCHEMA_VERSION, WriteError};
use crate::report;

/// How many files a snapshot has, and in how many segments its table is read, side by side.
pub const FILES: u32 = 8;

/// What is in a snapshot: the object `_manifest.json` in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of which dataset.
    pub dataset: String,
    /// The version of its columns.
    pub schema_version: u32,
    /// When its scan began: each row is as its item was then, or later.
    pub watermark: Timestamp,
    /// How many rows all files have together.
    pub rows: u64,
    /// How many bytes all files have together.
    pub bytes: u64,
    /// How many items could not be understood, and are in no file.
    pub left_out: u64,
    /// The files.
    pub files: Vec<ManifestFile>,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its key in the bucket.
    pub key: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Which snapshot is the newest: the object `latest.json` of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// The key of its manifest.
    pub manifest: String,
    /// Its watermark.
    pub watermark: Timestamp,
}

/// There is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A call failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A row cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What is said of the snapshot cannot be written.
    #[error("{key} cannot be written")]
    Json {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

/// A snapshot of all scores, in the place of this hour's.
pub async fn hourly(
    scan: &impl Scan<Score>,
    uploads: &impl Uploads,
    clock: &impl Clock,
) -> Result<Manifest, SnapshotError> {
    let watermark = watermark(clock);
    take(scan, uploads, watermark, Folder::of_hour(Score::DATASET, watermark)).await
}

/// A snapshot of all photos' outcomes, in the place of this day's.
pub async fn daily(
    scan: &impl Scan<Outcome>,
    uploads: &impl Uploads,
    clock: &impl Clock,
) -> Result<Manifest, SnapshotError> {
    let watermark = watermark(clock);
    take(scan, uploads, watermark, Folder::of_day(Outcome::DATASET, watermark)).await
}

/// The present time in microseconds, which is what files hold; never later than it is.
pub fn watermark(clock: &impl Clock) -> Timestamp {
    let now = clock.now();
    let round = jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Floor);
    now.round(round).unwrap_or(now)
}

async fn take<R: Record>(
    scan: &impl Scan<R>,
    uploads: &impl Uploads,
    watermark: Timestamp,
    folder: Folder,
) -> Result<Manifest, SnapshotError> {
    let segment = |number| Segment { number, of: FILES };
    let files = (0..FILES).map(|number| write(scan, uploads, folder.file(number), segment(number), watermark));
    // All of them to their ends, so that none leaves an upload behind.
    let (mut written, mut failed) = (Vec::new(), None);
    for file in join_all(files).await {
        match file {
            Ok(file) => written.push(file),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed {
        abandon(uploads, &written).await;
        return Err(error);
    }
    let manifest = Manifest {
        dataset: R::DATASET.to_owned(),
        schema_version: SCHEMA_VERSION,
        watermark,
        rows: written.iter().map(|file| file.entry.rows).sum(),
        bytes: written.iter().map(|file| file.entry.bytes).sum(),
        left_out: written.iter().map(|file| file.left_out).sum(),
        files: written.iter().map(|file| file.entry.clone()).collect(),
    };
    let snapshot = Snapshot { uploads, folder: &folder, manifest: &manifest };
    if let Err(error) = snapshot.commit(&written).await {
        abandon(uploads, &written).await;
        return Err(error);
    }
    if let Err(error) = snapshot.sweep().await {
        // The next run does it.
        tracing::warn!(error = with_cause(&error), "files of runs that did not end were not deleted");
    }
    report::complete(&manifest);
    Ok(manifest)
}

/// Gives up what is not complete; what is stays, and is named by nobody.
async fn abandon(uploads: &impl Uploads, files: &[Written]) {
    join_all(files.iter().map(|file| abort(uploads, &file.upload))).await;
}
