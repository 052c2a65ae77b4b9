//! Outcomes of photos as rows.
//!
//! Who uploaded a photo is not in it: the dataset says nothing about people.

use coffeeshop_core::outcome::{Answer, Format, Outcome};
use jiff::Timestamp;

use super::cell::ColumnType::{Integer, Text, Time};
use super::{Cell, Column, Record};

impl Record for Outcome {
    const DATASET: &'static str = "photos";

    const COLUMNS: &'static [Column] = &[
        Column::required("shop_id", Text, "", "the shop"),
        Column::required("photo_id", Text, "", "the photo, unique within its shop"),
        Column::required("status", Text, "", "what became of the upload: `ready`, `rejected` or `removed`"),
        Column::optional("reason", Text, "", "why it was rejected, such as `corrupt`; only when it was"),
        Column::optional("detected", Text, "media type", "what the bytes are, when that is why it was rejected"),
        Column::required(
            "cause",
            Text,
            "",
            "why it was answered: `event`, or `reprocess` when an operator had it made anew",
        ),
        Column::required("revision", Integer, "answers", "how often the photo was answered, this one included"),
        Column::required("edition", Text, "", "what the renditions of this answer lie under"),
        Column::required("pipeline", Text, "", "the version of the code that decided it"),
        Column::optional("source_bytes", Integer, "bytes", "size of the original; none when it is gone"),
        Column::optional("source_format", Text, "", "`jpeg`, `png`, `webp` or `gif`, when it was recognised"),
        Column::optional("source_width", Integer, "pixels", "of the original, upright, when it could be read"),
        Column::optional("source_height", Integer, "pixels", "of the original, upright, when it could be read"),
        Column::required("rendition_count", Integer, "renditions", "how many there are; 0 unless the photo is ready"),
        Column::required("rendition_bytes", Integer, "bytes", "all renditions together"),
        Column::required("processed_at", Time, "UTC", "when it was answered"),
        Column::required("snapshot_at", Time, "UTC", "the watermark: the row is as of then, or later"),
    ];

    fn key(&self) -> String {
        self.photo.to_string()
    }

    fn row(&self, snapshot_at: Timestamp, mut cell: impl FnMut(Cell<'_>)) {
        let (reason, detected) = match &self.answer {
            Answer::Rejected { reason, detected } => (Some(reason.as_str()), detected.as_deref()),
            Answer::Ready { .. } | Answer::Removed => (None, None),
        };
        let renditions = match &self.answer {
            Answer::Ready { renditions, .. } => renditions.as_slice(),
            Answer::Rejected { .. } | Answer::Removed => &[],
        };
        let source = self.source.as_ref();
        let edition = self.edition.to_string();
        let text = |text: Option<&'static str>| text.map_or(Cell::Null, Cell::Text);
        let pixels = |pixels: Option<u32>| pixels.map_or(Cell::Null, |pixels| Cell::Integer(pixels.into()));

        cell(Cell::Text(self.photo.shop_id.as_str()));
        cell(Cell::Text(self.photo.photo_id.as_str()));
        cell(Cell::Text(self.answer.status()));
        cell(text(reason));
        cell(detected.map_or(Cell::Null, Cell::Text));
        cell(Cell::Text(self.cause.as_str()));
        cell(Cell::Integer(self.revision.0));
        cell(Cell::Text(&edition));
        cell(Cell::Text(&self.pipeline));
        cell(source.map_or(Cell::Null, |source| Cell::Integer(source.bytes)));
        cell(text(source.and_then(|source| source.format).map(Format::as_str)));
        cell(pixels(source.and_then(|source| source.width)));
        cell(pixels(source.and_then(|source| source.height)));
        cell(Cell::Integer(renditions.len() as u64));
        // Sizes whose sum is beyond 64 bits are refused as too great.
        let bytes = renditions.iter().try_fold(0_u64, |sum, rendition| sum.checked_add(rendition.bytes));
        cell(Cell::Integer(bytes.unwrap_or(u64::MAX)));
        cell(Cell::Time(self.processed_at));
        cell(Cell::Time(snapshot_at));
    }
}
