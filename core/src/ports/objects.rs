//! Files that are kept for people.

use std::future::Future;
use std::path::Path;

use super::{PortError, Put};

/// Buckets that files are put into.
pub trait Objects {
    /// Puts a file where nothing may be yet: [`Put::LostRace`] when something is.
    fn put_new(&self, bucket: &str, key: &str, file: &Path) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// Puts a file in the place of what was there.
    fn replace(&self, bucket: &str, key: &str, file: &Path) -> impl Future<Output = Result<(), PortError>> + Send;
}
