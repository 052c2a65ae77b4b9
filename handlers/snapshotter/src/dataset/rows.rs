//! Rows that are not yet in a file, column by column.

use std::io::Write;
use std::slice;

use bytes::Bytes;
use jiff::Timestamp;
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;

use super::cell::{Cell, Column, ColumnType, RowError, Value};
use super::{Record, Row};

/// How many texts are handed over at a time: what they take beside their bytes stays in the cache.
const TEXTS_AT_ONCE: usize = 512;

/// Rows, column by column.
pub(super) struct Rows {
    columns: Vec<Values>,
    /// How many whole rows there are.
    count: usize,
    /// What their values take in memory, but for what vectors have in reserve.
    bytes: usize,
}

impl Rows {
    pub(super) fn new(columns: &'static [Column]) -> Self {
        Self { columns: columns.iter().map(Values::new).collect(), count: 0, bytes: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn columns(&mut self) -> impl Iterator<Item = &mut Values> {
        self.columns.iter_mut()
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.columns.iter_mut().for_each(|values| values.truncate(0));
        (self.count, self.bytes) = (0, 0);
    }

    /// Adds a record's row. One that is none of its dataset's leaves everything as it was.
    pub(super) fn push<R: Record>(&mut self, record: &R, snapshot_at: Timestamp) -> std::result::Result<(), RowError> {
        let mut row = Pushed { columns: self.columns.iter_mut(), bytes: 0, wrong: None };
        record.row(snapshot_at, &mut row);
        let (bytes, is_short) = (row.bytes, row.columns.next().is_some());
        if let Some(wrong) = row.wrong.or(is_short.then_some(RowError::Width)) {
            self.columns.iter_mut().for_each(|values| values.truncate(self.count));
            return Err(wrong);
        }
        self.count += 1;
        self.bytes += bytes;
        Ok(())
    }
}

/// A row on its way.
struct Pushed<'a> {
    columns: slice::IterMut<'a, Values>,
    bytes: usize,
    /// What was wrong first.
    wrong: Option<RowError>,
}

impl Row for Pushed<'_> {
    #[expect(clippy::inline_always, reason = "called for every value: `cargo xtask bench snapshot` shows it")]
    #[inline(always)]
    fn cell(&mut self, cell: Cell<'_>) {
        let Some(values) = self.columns.next() else {
            self.wrong.get_or_insert(RowError::Width);
            return;
        };
        match values.column.check(cell) {
            Ok(value) => self.bytes += values.push(value),
            Err(error) => _ = self.wrong.get_or_insert(error),
        }
    }
}

/// The values of a column.
pub(super) struct Values {
    column: &'static Column,
    /// For each row of a column that may have no value: 1 if it has one, else 0.
    levels: Vec<i16>,
    present: Present,
}

/// The values that there are.
enum Present {
    Texts {
        bytes: Vec<u8>,
        ends: Vec<usize>,
    },
    Stars(Vec<i32>),
    /// Integers and times.
    Integers(Vec<i64>),
    Doubles(Vec<f64>),
}

impl Values {
    fn new(column: &'static Column) -> Self {
        let present = match column.kind {
            ColumnType::Text => Present::Texts { bytes: Vec::new(), ends: Vec::new() },
            ColumnType::Stars => Present::Stars(Vec::new()),
            ColumnType::Integer | ColumnType::Time => Present::Integers(Vec::new()),
            ColumnType::Double => Present::Doubles(Vec::new()),
        };
        Self { column, levels: Vec::new(), present }
    }

    /// Adds what is in a row, and says how many bytes that takes. The value is of this column.
    #[expect(clippy::inline_always, reason = "called for every value: `cargo xtask bench snapshot` shows it")]
    #[inline(always)]
    fn push(&mut self, value: Option<Value<'_>>) -> usize {
        let level = if self.column.nullable {
            self.levels.push(i16::from(value.is_some()));
            size_of::<i16>()
        } else {
            0
        };
        level
            + match (&mut self.present, value) {
                (Present::Texts { bytes, ends }, Some(Value::Text(text))) => {
                    bytes.extend_from_slice(text.as_bytes());
                    ends.push(bytes.len());
                    text.len() + size_of::<usize>()
                }
                (Present::Stars(values), Some(Value::Stars(value))) => {
                    values.push(value);
                    size_of::<i32>()
                }
                (Present::Integers(values), Some(Value::Integer(value) | Value::Time(value))) => {
                    values.push(value);
                    size_of::<i64>()
                }
                (Present::Doubles(values), Some(Value::Double(value))) => {
                    values.push(value);
                    size_of::<f64>()
                }
                _ => 0,
            }
    }

    /// Forgets what is beyond the first `rows` rows.
    fn truncate(&mut self, rows: usize) {
        self.levels.truncate(rows);
        let values = if self.column.nullable { self.levels.iter().filter(|level| **level == 1).count() } else { rows };
        match &mut self.present {
            Present::Texts { bytes, ends } => {
                ends.truncate(values);
                bytes.truncate(ends.last().copied().unwrap_or_default());
            }
            Present::Stars(present) => present.truncate(values),
            Present::Integers(present) => present.truncate(values),
            Present::Doubles(present) => present.truncate(values),
        }
    }

    /// Writes all values to the next column of a row group.
    pub(super) fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        let mismatch = || ParquetError::General(format!("{} is not so in the file", self.column.name));
        let mut column = group.next_column()?.ok_or_else(mismatch)?;
        let levels = self.column.nullable.then_some(self.levels.as_slice());
        match (&mut self.present, column.untyped()) {
            (Present::Texts { bytes, ends }, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let texts = Bytes::from(std::mem::take(bytes));
                write_texts(writer, &texts, ends, levels)?;
                column.close()?;
                // The dictionary is gone, so that nobody else has the buffer: it is used again.
                *bytes = texts.try_into_mut().map(Vec::from).unwrap_or_default();
                return Ok(());
            }
            (Present::Stars(values), ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)?;
            }
            (Present::Integers(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)?;
            }
            (Present::Doubles(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)?;
            }
            _ => return Err(mismatch()),
        }
        column.close()
    }
}

/// Writes the texts that end at `ends` in one buffer, some at a time; none is copied.
fn write_texts(
    writer: &mut ColumnWriterImpl<'_, ByteArrayType>,
    texts: &Bytes,
    ends: &[usize],
    levels: Option<&[i16]>,
) -> Result<()> {
    let (mut start, mut slices) = (0, Vec::with_capacity(TEXTS_AT_ONCE));
    let mut write = |ends: &[usize], levels: Option<&[i16]>| {
        slices.clear();
        slices.extend(ends.iter().map(|end| ByteArray::from(texts.slice(std::mem::replace(&mut start, *end)..*end))));
        writer.write_batch(&slices, levels, None).map(|_| ())
    };
    let Some(levels) = levels else {
        return ends.chunks(TEXTS_AT_ONCE).try_for_each(|ends| write(ends, None));
    };
    let mut left = ends;
    levels.chunks(TEXTS_AT_ONCE).try_for_each(|levels| {
        let present = levels.iter().filter(|level| **level == 1).count();
        let (now, later) = left.split_at_checked(present).unwrap_or((left, &[]));
        left = later;
        write(now, Some(levels))
    })
}
