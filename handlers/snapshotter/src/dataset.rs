//! Datasets: what a table's items become as rows of typed columns, and the rows as Parquet.
//!
//! The columns of a dataset are fixed: each is in every file, with its type, also when it has no value at all. Where files
//! lie, and when they can be seen, is decided in [`snapshot`](crate::snapshot).

mod cell;
mod photos;
mod rows;
mod scores;
mod text;
mod writer;

pub use cell::{Cell, Column, ColumnType, RowError, STARS_MICROS_MAX, Value, checked_row};
pub use writer::{ParquetWriter, ROW_GROUP_BYTES_MAX, ROW_GROUP_ROWS_MAX, WriteError};

use jiff::Timestamp;

/// The version of the schemas. It grows when a column changes its name, type or meaning, or goes; one more column is no change.
pub const SCHEMA_VERSION: u32 = 1;

/// A kind of items that a dataset is made of.
pub trait Record {
    /// What the dataset is called: the folder in the bucket.
    const DATASET: &'static str;

    /// The columns, in their order in each file.
    const COLUMNS: &'static [Column];

    /// The item's key, for who is told that it is left out.
    fn key(&self) -> String;

    /// The item's row: a cell for each column, in their order. `snapshot_at` is the watermark of the snapshot.
    fn row(&self, snapshot_at: Timestamp, cell: impl FnMut(Cell<'_>));
}

/// Millionths of a star as stars: the nearest float.
fn stars(micros: u64) -> f64 {
    // What does not fit is refused as a decimal, which is in the same row.
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1e6
}
