//! Scores as rows.

use coffeeshop_core::score::Score;
use jiff::Timestamp;

use super::{Cell, Column, Record};

impl Record for Score {
    const DATASET: &'static str = "scores";
    const COLUMNS: &'static [Column] = &[];

    fn row(&self, _snapshot_at: Timestamp, _cell: impl FnMut(Cell<'_>)) {}
}
