//! Columns, and what is in one of a row.

use jiff::Timestamp;

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
    /// What it means, with its unit.
    pub about: &'static str,
}

/// What is in a column of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// Of a column of [`ColumnType::Text`].
    Text(&'a str),
    /// Of a column of [`ColumnType::Integer`].
    Integer(i64),
    /// Of a column of [`ColumnType::Stars`], in millionths.
    Stars(i32),
    /// Of a column of [`ColumnType::Double`].
    Double(f64),
    /// Of a column of [`ColumnType::Time`].
    Time(Timestamp),
}
