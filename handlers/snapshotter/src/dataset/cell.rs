//! Columns, and what is in one of a row.

use std::slice;

use jiff::Timestamp;

use super::{Record, Row};

/// The type of a column: in Parquet, and for who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text in UTF-8.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A decimal of seven digits, six of them behind the point: stars, exactly.
    Stars,
    /// A 64-bit float.
    Double,
    /// Microseconds of UTC.
    Time,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it is called.
    pub name: &'static str,
    /// What is in it.
    pub kind: ColumnType,
    /// Whether a row may have no value.
    pub nullable: bool,
    /// In what a value is counted or written; empty when there is nothing to say.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
}

impl Column {
    /// A column with a value in each row.
    pub const fn required(name: &'static str, kind: ColumnType, unit: &'static str, about: &'static str) -> Self {
        Self { name, kind, nullable: false, unit, about }
    }

    /// A column that may have no value.
    pub const fn optional(name: &'static str, kind: ColumnType, unit: &'static str, about: &'static str) -> Self {
        Self { name, kind, nullable: true, unit, about }
    }
}

/// What is in a column of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// Of a column of [`ColumnType::Text`].
    Text(&'a str),
    /// Of a column of [`ColumnType::Integer`]; at most [`i64::MAX`].
    Integer(u64),
    /// Of a column of [`ColumnType::Stars`], in millionths; at most [`STARS_MICROS_MAX`].
    Stars(u64),
    /// Of a column of [`ColumnType::Double`].
    Double(f64),
    /// Of a column of [`ColumnType::Time`]; what is finer than a microsecond is cut off.
    Time(Timestamp),
}

/// The most millionths that a column of [`ColumnType::Stars`] can hold.
pub const STARS_MICROS_MAX: u64 = 9_999_999;

/// Why a row is none of its dataset's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// A value that is not of the column's type.
    #[error("{column} holds another type")]
    Type {
        /// Of which column.
        column: &'static str,
    },
    /// No value in a column that must have one.
    #[error("{column} has no value")]
    Missing {
        /// Which column.
        column: &'static str,
    },
    /// A number that is too great for its column.
    #[error("{value} is too great for {column}, which holds at most {max}")]
    TooGreat {
        /// Which column.
        column: &'static str,
        /// The number.
        value: u64,
        /// The greatest that it can hold.
        max: u64,
    },
    /// More or fewer cells than there are columns.
    #[error("the row does not have as many cells as there are columns")]
    Width,
}

/// What is in a column, checked: nothing else can be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Of a column of [`ColumnType::Text`].
    Text(&'a str),
    /// Of a column of [`ColumnType::Integer`].
    Integer(i64),
    /// Of a column of [`ColumnType::Stars`], in millionths.
    Stars(i32),
    /// Of a column of [`ColumnType::Double`].
    Double(f64),
    /// Of a column of [`ColumnType::Time`], in microseconds since 1970.
    Time(i64),
}

impl Column {
    /// The cell as a value of this column; `None`: it has none, and may have none.
    #[expect(clippy::inline_always, reason = "called for every value: `cargo xtask bench snapshot` shows it")]
    #[inline(always)]
    pub fn check<'a>(&self, cell: Cell<'a>) -> Result<Option<Value<'a>>, RowError> {
        let column = self.name;
        Ok(Some(match (self.kind, cell) {
            (_, Cell::Null) if self.nullable => return Ok(None),
            (_, Cell::Null) => return Err(RowError::Missing { column }),
            (ColumnType::Text, Cell::Text(text)) => Value::Text(text),
            (ColumnType::Integer, Cell::Integer(value)) => {
                let integer = i64::try_from(value);
                Value::Integer(integer.map_err(|_| RowError::TooGreat {
                    column,
                    value,
                    max: i64::MAX.unsigned_abs(),
                })?)
            }
            (ColumnType::Stars, Cell::Stars(value)) => {
                let stars = i32::try_from(value).ok().filter(|_| value <= STARS_MICROS_MAX);
                Value::Stars(stars.ok_or(RowError::TooGreat { column, value, max: STARS_MICROS_MAX })?)
            }
            (ColumnType::Double, Cell::Double(value)) => Value::Double(value),
            (ColumnType::Time, Cell::Time(time)) => Value::Time(time.as_microsecond()),
            _ => return Err(RowError::Type { column }),
        }))
    }
}

/// The record's row, each value checked against its column; `None`: the column has none. When something is wrong, some
/// columns may have been handed over.
pub fn checked_row<R: Record>(
    record: &R,
    snapshot_at: Timestamp,
    value: impl FnMut(&'static Column, Option<Value<'_>>),
) -> Result<(), RowError> {
    let mut row = Checked { columns: R::COLUMNS.iter(), value, wrong: None };
    record.row(snapshot_at, &mut row);
    let is_short = row.columns.next().is_some();
    row.wrong.or(is_short.then_some(RowError::Width)).map_or(Ok(()), Err)
}

struct Checked<F> {
    columns: slice::Iter<'static, Column>,
    value: F,
    /// What was wrong first.
    wrong: Option<RowError>,
}

impl<F: FnMut(&'static Column, Option<Value<'_>>)> Row for Checked<F> {
    #[inline]
    fn cell(&mut self, cell: Cell<'_>) {
        let checked = self.columns.next().ok_or(RowError::Width).and_then(|column| Ok((column, column.check(cell)?)));
        match checked {
            Ok((column, value)) => (self.value)(column, value),
            Err(error) => _ = self.wrong.get_or_insert(error),
        }
    }
}
