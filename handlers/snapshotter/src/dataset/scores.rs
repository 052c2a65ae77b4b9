//! Scores as rows.

use coffeeshop_core::score::Score;
use jiff::Timestamp;

use super::cell::ColumnType::{Double, Integer, Stars, Text, Time};
use super::text::Short;
use super::{Cell, Column, Record, stars};

impl Record for Score {
    const DATASET: &'static str = "scores";

    const COLUMNS: &'static [Column] = &[
        Column::required("shop_id", Text, "", "the shop"),
        Column::required(
            "period",
            Text,
            "month of UTC",
            "of which ratings: `all`, or those of a month such as `2026-11`",
        ),
        Column::optional("city", Text, "", "the shop's city, once it is known"),
        Column::required("count", Integer, "ratings", "how many"),
        Column::required("sum", Integer, "stars", "all ratings together"),
        Column::required("n1", Integer, "ratings", "how many have 1 star"),
        Column::required("n2", Integer, "ratings", "how many have 2 stars"),
        Column::required("n3", Integer, "ratings", "how many have 3 stars"),
        Column::required("n4", Integer, "ratings", "how many have 4 stars"),
        Column::required("n5", Integer, "ratings", "how many have 5 stars"),
        Column::optional("mean", Stars, "stars", "`sum / count` to six digits; none without ratings"),
        Column::required("score", Stars, "stars", "what ranks the shop, see \"The score\"; without ratings 2.047372"),
        Column::optional("mean_double", Double, "stars", "`mean`, for who has no decimals"),
        Column::required("score_double", Double, "stars", "`score`, for who has no decimals"),
        Column::required("formula", Text, "", "by which formula `score` was made, such as `star-lcb/1`"),
        Column::required("revision", Integer, "", "greater with each change of this shop and period"),
        Column::required("updated_at", Time, "UTC", "when the score was written"),
        Column::required("snapshot_at", Time, "UTC", "the watermark: the row is as of then, or later"),
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
