//! Outcomes of photos as rows.

use coffeeshop_core::outcome::Outcome;
use jiff::Timestamp;

use super::{Cell, Column, Record};

impl Record for Outcome {
    const DATASET: &'static str = "photos";
    const COLUMNS: &'static [Column] = &[];

    fn row(&self, _snapshot_at: Timestamp, _cell: impl FnMut(Cell<'_>)) {}
}
