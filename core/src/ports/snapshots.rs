//! What snapshots are made with: whole tables read in segments, objects that are there only when they are complete, and the
//! right to be the only one at it.

use std::future::Future;

use bytes::Bytes;
use jiff::Timestamp;

use super::{PortError, Put};

/// One of the parts in which a table can be read side by side: each item is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Which, from 0.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// Where a page of a segment ended: the key of an item, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanMark {
    /// The partition key.
    pub partition: String,
    /// The sort key.
    pub sort: String,
}

/// Some items of a segment.
#[derive(Debug)]
pub struct ScanPage<T> {
    /// An error for an item that cannot be understood; there may be none, and still more to come.
    pub items: Vec<Result<T, PortError>>,
    /// To be read on after this mark; `None`: there are no more.
    pub next: Option<ScanMark>,
}

/// A table of which all is read.
pub trait Scan<T> {
    /// A page of a segment, as large as the implementation likes. Whatever is there from the first page of a segment to its
    /// last is on one of them, once; one item is as it was at one moment, and every read sees every earlier write.
    fn page(
        &self,
        segment: Segment,
        after: Option<&ScanMark>,
    ) -> impl Future<Output = Result<ScanPage<T>, PortError>> + Send;
}

/// The least bytes of a part of an upload that is not its last: S3's limit.
pub const PART_BYTES_MIN: usize = 5 << 20;

/// An upload that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What the object will be called.
    pub key: String,
    /// The implementation's name of the upload.
    pub id: String,
}

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedPart {
    /// Which, from 1.
    pub number: u32,
    /// What S3 says that it holds.
    pub etag: String,
    /// The CRC-32 that it was checked by, in base64, where there is one.
    pub checksum: Option<String>,
}

/// How an object is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its `Cache-Control`.
    pub cache_control: &'static str,
}

/// Objects of one bucket that are written in parts, and small ones that are written whole.
pub trait Uploads {
    /// Begins an upload. Nothing of it can be seen before it is completed.
    fn begin(&self, key: &str, served: Served) -> impl Future<Output = Result<Upload, PortError>> + Send;

    /// Puts a part, of at least [`PART_BYTES_MIN`] unless it is the last.
    fn put_part(
        &self,
        upload: &Upload,
        number: u32,
        body: Bytes,
    ) -> impl Future<Output = Result<UploadedPart, PortError>> + Send;

    /// Makes the parts, at least one, an object, in place of what was there.
    fn complete(&self, upload: &Upload, parts: &[UploadedPart]) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Gives an upload up. One that is not there any more is no error.
    fn abort(&self, upload: &Upload) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Puts an object whole, in place of what was there.
    fn put(&self, key: &str, body: Bytes, served: Served) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The keys that begin with `prefix`, in order, by bytes of UTF-8.
    fn keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, PortError>> + Send;

    /// All of an object; `None` when it is not there.
    fn read(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, PortError>> + Send;

    /// Deletes an object. One that is not there is no error.
    fn remove(&self, key: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// The right to be the only one at a job, until some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLease {
    /// Which job.
    pub job: &'static str,
    /// Who holds it: another for each run.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

/// Leases of jobs.
pub trait JobLeases {
    /// Takes a lease, if nobody holds one of the job whose time is not over at `now`. Who holds it may take it again.
    fn take(&self, lease: &JobLease, now: Timestamp) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// Gives a lease back, if it is still held by its owner; else nothing happens.
    fn give_back(&self, lease: &JobLease) -> impl Future<Output = Result<(), PortError>> + Send;
}
