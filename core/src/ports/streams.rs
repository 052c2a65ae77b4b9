//! Streams of tables, as an operator reads them.

use std::future::Future;

use super::PortError;

/// A part of one shard of a table's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRange {
    /// The stream.
    pub stream_arn: String,
    /// The shard.
    pub shard_id: String,
    /// The sequence number of the first record.
    pub first: String,
    /// The sequence number of the last record, which is in it too.
    pub last: String,
}

/// Why records cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum NotReadBack {
    /// The stream has them no more: it keeps records for 24 hours.
    #[error("the stream does not have these records any more")]
    Trimmed,
    /// The call did not work out.
    #[error("the records could not be read")]
    Failed(#[source] PortError),
}

/// Streams of tables.
pub trait Streams {
    /// Every record of the range, in order, each as the JSON that Lambda hands to functions.
    fn read(&self, range: &StreamRange) -> impl Future<Output = Result<Vec<String>, NotReadBack>> + Send;
}
