//! Rows that are not yet in a file, column by column.

use bytes::Bytes;
use jiff::Timestamp;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};

use super::Record;
use super::cell::{Column, ColumnType, RowError, Value, checked_row};

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
        let (mut columns, mut bytes) = (self.columns.iter_mut(), 0);
        let checked = checked_row(record, snapshot_at, |_, value| {
            bytes += columns.next().map_or(0, |column| column.push(value));
        });
        if let Err(error) = checked {
            self.columns.iter_mut().for_each(|values| values.truncate(self.count));
            return Err(error);
        }
        self.count += 1;
        self.bytes += bytes;
        Ok(())
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

    /// Writes all values to the column of a row group.
    pub(super) fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let levels = self.column.nullable.then_some(self.levels.as_slice());
        match (&mut self.present, writer) {
            (Present::Texts { bytes, ends }, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                // The texts are slices of one buffer: none is copied.
                let bytes = Bytes::from(std::mem::take(bytes));
                let (mut texts, mut start) = (Vec::with_capacity(ends.len()), 0);
                for end in ends.iter().copied() {
                    texts.push(ByteArray::from(bytes.slice(start..end)));
                    start = end;
                }
                writer.write_batch(&texts, levels, None)
            }
            (Present::Stars(values), ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (Present::Integers(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (Present::Doubles(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            _ => return Err(ParquetError::General(format!("{} is of another type in the file", self.column.name))),
        }?;
        Ok(())
    }
}
