//! Rows as Parquet, in pieces that can be sent away while more come.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};

use super::cell::{Column, ColumnType, RowError};
use super::rows::Rows;
use super::{Record, SCHEMA_VERSION};

/// The most rows of a row group.
pub const ROW_GROUP_ROWS_MAX: usize = 65_536;

/// From how many bytes on, as values in memory, a row group is written: rows with long texts make smaller ones.
pub const ROW_GROUP_BYTES_MAX: usize = 12 << 20;

/// How many values are encoded at a time.
const BATCH_ROWS: usize = 2048;

/// What cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// This row; it is not in the file, and others can follow.
    #[error("{key} cannot be a row of {dataset}")]
    Row {
        /// Of which dataset.
        dataset: &'static str,
        /// The item's key.
        key: String,
        /// What is wrong with it.
        #[source]
        cause: RowError,
    },
    /// The file: what there is of it is of no use.
    #[error("a file of {dataset} cannot be written")]
    File {
        /// Of which dataset.
        dataset: &'static str,
        /// What is wrong with it.
        #[source]
        cause: ParquetError,
    },
}

/// One file. What is written, and not taken, is kept in memory.
///
/// Rows are gathered until they make a row group; so what can be taken comes in pieces of at most
/// [`ROW_GROUP_BYTES_MAX`], and much less when it is compressed.
pub struct ParquetWriter<R> {
    snapshot_at: Timestamp,
    file: SerializedFileWriter<Vec<u8>>,
    /// Not yet in the file.
    rows: Rows,
    /// How many rows are in it.
    written: u64,
    records: PhantomData<fn(R)>,
}

impl<R: Record> ParquetWriter<R> {
    /// An empty file of a snapshot with this watermark.
    pub fn new(snapshot_at: Timestamp) -> Result<Self, WriteError> {
        let file = schema::<R>()
            .and_then(|schema| {
                SerializedFileWriter::new(Vec::new(), schema.into(), properties::<R>(snapshot_at).into())
            })
            .map_err(failed::<R>)?;
        Ok(Self { snapshot_at, file, rows: Rows::new(R::COLUMNS), written: 0, records: PhantomData })
    }

    /// Writes the item's row.
    pub fn push(&mut self, record: &R) -> Result<(), WriteError> {
        let pushed = self.rows.push(record, self.snapshot_at);
        pushed.map_err(|cause| WriteError::Row { dataset: R::DATASET, key: record.key(), cause })?;
        if self.rows.count() >= ROW_GROUP_ROWS_MAX || self.rows.bytes() >= ROW_GROUP_BYTES_MAX {
            self.write_group().map_err(failed::<R>)?;
        }
        Ok(())
    }

    /// How many bytes can be taken.
    pub fn ready(&self) -> usize {
        self.file.inner().len()
    }

    /// Takes all bytes that were written since the last time.
    pub fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(self.file.inner_mut()))
    }

    /// The last bytes of the file, and how many rows it has.
    pub fn finish(mut self) -> Result<(Bytes, u64), WriteError> {
        if self.rows.count() > 0 {
            self.write_group().map_err(failed::<R>)?;
        }
        let bytes = self.file.into_inner().map_err(failed::<R>)?;
        Ok((Bytes::from(bytes), self.written))
    }

    /// Makes the gathered rows a row group.
    fn write_group(&mut self) -> ParquetResult<()> {
        let mut group = self.file.next_row_group()?;
        for values in self.rows.columns() {
            values.write(&mut group)?;
        }
        group.close()?;
        // There is a small buffer in between.
        self.file.flush()?;
        self.written += self.rows.count() as u64;
        self.rows.clear();
        Ok(())
    }
}

fn failed<R: Record>(cause: ParquetError) -> WriteError {
    WriteError::File { dataset: R::DATASET, cause }
}

fn schema<R: Record>() -> ParquetResult<Type> {
    let columns = R::COLUMNS.iter().map(|column| field(column).map(Arc::new));
    Type::group_type_builder(R::DATASET).with_fields(columns.collect::<ParquetResult<_>>()?).build()
}

fn field(column: &Column) -> ParquetResult<Type> {
    let (physical, logical) = match column.kind {
        ColumnType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Integer => (Physical::INT64, None),
        ColumnType::Stars => (Physical::INT32, Some(LogicalType::decimal(6, 7))),
        ColumnType::Double => (Physical::DOUBLE, None),
        ColumnType::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    };
    let field = Type::primitive_type_builder(column.name, physical).with_logical_type(logical);
    let field = if column.kind == ColumnType::Stars { field.with_precision(7).with_scale(6) } else { field };
    field.with_repetition(if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED }).build()
}

fn properties<R: Record>(snapshot_at: Timestamp) -> WriterProperties {
    let metadata = [
        ("coffeeshop.dataset", R::DATASET.to_owned()),
        ("coffeeshop.schema_version", SCHEMA_VERSION.to_string()),
        ("coffeeshop.watermark", snapshot_at.to_string()),
    ];
    let metadata = metadata.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(metadata))
        // A column of a row group is one page, so that an index of pages would say what the statistics say.
        .set_data_page_row_count_limit(ROW_GROUP_ROWS_MAX)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_write_batch_size(BATCH_ROWS);
    for column in R::COLUMNS {
        // Dictionaries of numbers are worth their time where the same come again and again, as stars do; the others are
        // written as differences, in as many bits as they need.
        if matches!(column.kind, ColumnType::Integer | ColumnType::Time) {
            let path = ColumnPath::from(column.name);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}
