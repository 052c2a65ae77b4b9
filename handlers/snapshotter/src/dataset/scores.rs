//! Scores as rows.

use coffeeshop_core::score::Score;
use jiff::Timestamp;

use super::cell::ColumnType::{Double, Integer, Stars, Text, Time};
use super::text::Short;
use super::{Cell, Column, Record, stars};

impl Record for Score {
    const DATASET: &'static str = "scores";

    const COLUMNS: &'static [Column] = &[
        Column::required("shop_id", Text, "The shop."),
        Column::required("period", Text, "`all`, or a month of UTC such as `2026-11`."),
        Column::optional("city", Text, "The shop's city; none while it is unknown."),
        Column::required("count", Integer, "How many ratings."),
        Column::required("sum", Integer, "All their stars together."),
        Column::required("n1", Integer, "How many ratings have 1 star."),
        Column::required("n2", Integer, "How many ratings have 2 stars."),
        Column::required("n3", Integer, "How many ratings have 3 stars."),
        Column::required("n4", Integer, "How many ratings have 4 stars."),
        Column::required("n5", Integer, "How many ratings have 5 stars."),
        Column::optional("mean", Stars, "The mean, in stars; none without ratings."),
        Column::required("score", Stars, "What ranks the shop, in stars: by `formula`; 2.047372 without ratings."),
        Column::optional("mean_double", Double, "`mean` for who cannot use decimals."),
        Column::required("score_double", Double, "`score` for who cannot use decimals."),
        Column::required("formula", Text, "By which formula `score` was made, such as `star-lcb/1`."),
        Column::required("revision", Integer, "Greater with each change of the shop's score of this period."),
        Column::required("updated_at", Time, "When the score was written."),
        Column::required("snapshot_at", Time, "The watermark: the row is as of then, or later."),
    ];

    fn key(&self) -> String {
        self.key.to_string()
    }

    fn row(&self, snapshot_at: Timestamp, mut cell: impl FnMut(Cell<'_>)) {
        cell(Cell::Text(self.key.shop_id.as_str()));
        cell(Cell::Text(Short::<7>::of(&self.key.period).as_str()));
        cell(self.city.as_ref().map_or(Cell::Null, |city| Cell::Text(city.as_str())));
        cell(Cell::Integer(self.count));
        cell(Cell::Integer(self.sum));
        for count in self.histogram.counts() {
            cell(Cell::Integer(count));
        }
        cell(self.mean_micros.map_or(Cell::Null, Cell::Stars));
        cell(Cell::Stars(self.score_micros));
        cell(self.mean_micros.map_or(Cell::Null, |mean| Cell::Double(stars(mean))));
        cell(Cell::Double(stars(self.score_micros)));
        cell(Cell::Text(&self.formula));
        cell(Cell::Integer(self.revision));
        cell(Cell::Time(self.updated_at));
        cell(Cell::Time(snapshot_at));
    }
}
