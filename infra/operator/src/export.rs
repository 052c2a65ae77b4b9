//! Scores as rows of the dataset: Parquet, CSV or JSON Lines.
//!
//! Which columns there are is decided in `coffeeshop-snapshotter`; where rows come from is not known here.

use std::io::{self, Write};

use coffeeshop_core::score::Score;
use coffeeshop_snapshotter::dataset::{ParquetWriter, Record as _, RowError, Value, WriteError, checked_row};
use csv::ByteRecord;
use jiff::Timestamp;

use crate::cli::export::Format;

/// From how many bytes of Parquet on they are written out.
const WRITE_BYTES: usize = 1 << 20;

/// A score that is in no file, or a file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// This score is none that the dataset can hold; others can follow.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Rows cannot be made a file.
    #[error(transparent)]
    Parquet(WriteError),
    /// Bytes cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<WriteError> for ExportError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Row { cause, .. } => Self::Row(cause),
            file @ WriteError::File { .. } => Self::Parquet(file),
        }
    }
}

/// Rows on their way to `W`.
pub struct Rows<W: Write> {
    snapshot_at: Timestamp,
    form: Form<W>,
}

enum Form<W: Write> {
    Parquet { rows: Box<ParquetWriter<Score>>, to: W },
    Csv { row: ByteRecord, cell: Vec<u8>, to: Box<csv::Writer<W>> },
    Jsonl { line: Vec<u8>, to: W },
}

impl<W: Write> Rows<W> {
    /// Nothing yet but what precedes the first row. `snapshot_at` is when reading begins.
    pub fn new(format: Format, snapshot_at: Timestamp, to: W) -> Result<Self, ExportError> {
        let form = match format {
            Format::Parquet => Form::Parquet { rows: Box::new(ParquetWriter::new(snapshot_at)?), to },
            Format::Csv => {
                let mut to = csv::Writer::from_writer(to);
                to.write_record(Score::COLUMNS.iter().map(|column| column.name)).map_err(io::Error::from)?;
                Form::Csv { row: ByteRecord::new(), cell: Vec::new(), to: Box::new(to) }
            }
            Format::Jsonl => Form::Jsonl { line: Vec::new(), to },
        };
        Ok(Self { snapshot_at, form })
    }

    /// Writes a score.
    pub fn push(&mut self, score: &Score) -> Result<(), ExportError> {
        let snapshot_at = self.snapshot_at;
        match &mut self.form {
            Form::Parquet { rows, to } => {
                rows.push(score)?;
                if rows.ready() >= WRITE_BYTES {
                    to.write_all(&rows.take())?;
                }
            }
            Form::Csv { row, cell, to } => {
                row.clear();
                checked_row(score, snapshot_at, |_, value| {
                    cell.clear();
                    if let Some(value) = value {
                        write_plain(cell, &value);
                    }
                    row.push_field(cell);
                })?;
                to.write_byte_record(row).map_err(io::Error::from)?;
            }
            Form::Jsonl { line, to } => {
                line.clear();
                checked_row(score, snapshot_at, |column, value| {
                    line.extend_from_slice(if line.is_empty() { b"{\"" } else { b",\"" });
                    line.extend_from_slice(column.name.as_bytes());
                    line.extend_from_slice(b"\":");
                    write_json(line, value.as_ref());
                })?;
                line.extend_from_slice(b"}\n");
                to.write_all(line)?;
            }
        }
        Ok(())
    }

    /// Everything is written.
    pub fn finish(self) -> Result<W, ExportError> {
        let mut to = match self.form {
            Form::Parquet { rows, mut to } => {
                let (rest, _) = rows.finish()?;
                to.write_all(&rest)?;
                to
            }
            Form::Csv { to, .. } => to.into_inner().map_err(csv::IntoInnerError::into_error)?,
            Form::Jsonl { to, .. } => to,
        };
        to.flush()?;
        Ok(to)
    }
}

/// A value as text: decimals with all their digits, times in RFC 3339.
fn write_plain(to: &mut Vec<u8>, value: &Value<'_>) {
    // Nothing can go wrong with a buffer in memory.
    let _infallible = match value {
        Value::Text(text) => to.write_all(text.as_bytes()),
        Value::Integer(integer) => write!(to, "{integer}"),
        Value::Stars(micros) => write!(to, "{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        Value::Double(double) => write!(to, "{double:?}"),
        Value::Time(micros) => match Timestamp::from_microsecond(*micros) {
            Ok(time) => write!(to, "{time}"),
            Err(_) => write!(to, "{micros}"),
        },
    };
}

fn write_json(to: &mut Vec<u8>, value: Option<&Value<'_>>) {
    match value {
        None => to.extend_from_slice(b"null"),
        Some(Value::Text(text)) => to.extend_from_slice(serde_json::Value::from(*text).to_string().as_bytes()),
        Some(value @ Value::Time(_)) => {
            to.push(b'"');
            write_plain(to, value);
            to.push(b'"');
        }
        Some(value) => write_plain(to, value),
    }
}
