//! Objects in buckets, as an operator works on them.

use std::future::Future;
use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;

use super::{PortError, Put};

/// An object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is called.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub written_at: Timestamp,
}

/// Some objects, in the order of their keys, by bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectPage {
    /// At most a thousand.
    pub objects: Vec<Object>,
    /// To be read on after this key; `None`: there are no more.
    pub next: Option<String>,
}

/// Buckets.
pub trait Objects {
    /// Puts a file where nothing may be yet: [`Put::LostRace`] when something is.
    fn put_new(&self, bucket: &str, key: &str, file: &Path) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// Puts a file in the place of what was there.
    fn replace(&self, bucket: &str, key: &str, file: &Path) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The objects whose keys begin with `prefix`, of those after the key `after`.
    fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Future<Output = Result<ObjectPage, PortError>> + Send;

    /// All of an object; `None` when it is not there.
    fn get(&self, bucket: &str, key: &str) -> impl Future<Output = Result<Option<Bytes>, PortError>> + Send;

    /// Deletes an object. One that is not there is no error.
    fn delete(&self, bucket: &str, key: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}
