//! What is in a file of a dataset, as the crate's own reader sees it.

mod photos;
mod rows;
mod scores;

use bytes::{Bytes, BytesMut};
use coffeeshop_snapshotter::dataset::{ParquetWriter, Record};
use jiff::Timestamp;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::printer::print_schema;

/// The watermark of all files here.
const WATERMARK: &str = "2026-11-22T04:02:00.123456Z";

fn watermark() -> Timestamp {
    WATERMARK.parse().unwrap()
}

/// The file that `records` make, taken in pieces as small as they come.
fn file_of<'a, R: Record + 'a>(records: impl IntoIterator<Item = &'a R>) -> Bytes {
    let (mut writer, mut file, mut rows) = (ParquetWriter::new(watermark()).unwrap(), BytesMut::new(), 0);
    for record in records {
        writer.push(record).unwrap();
        rows += 1;
        let ready = writer.ready();
        if ready > 0 {
            let taken = writer.take();
            assert_eq!((taken.len(), writer.ready()), (ready, 0));
            file.extend_from_slice(&taken);
        }
    }
    let (last, written) = writer.finish().unwrap();
    assert_eq!(written, rows);
    file.extend_from_slice(&last);
    file.freeze()
}

fn reader(file: &Bytes) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(file.clone()).unwrap()
}

/// All rows of a file, without the names of the columns.
fn rows_of(file: &Bytes) -> Vec<Vec<Field>> {
    let reader = reader(file);
    let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns());
    rows.map(|row| row.into_iter().map(|(_, field)| field).collect()).collect()
}

/// The columns of a file, as the format writes them.
fn schema_of(file: &Bytes) -> String {
    let mut text = Vec::new();
    print_schema(&mut text, reader(file).metadata().file_metadata().schema());
    String::from_utf8(text).unwrap()
}

fn optional<T>(value: Option<T>, field: impl FnOnce(T) -> Field) -> Field {
    value.map_or(Field::Null, field)
}

fn text(text: impl std::fmt::Display) -> Field {
    Field::Str(text.to_string())
}

fn integer(value: u64) -> Field {
    Field::Long(i64::try_from(value).unwrap())
}

fn time(time: Timestamp) -> Field {
    Field::TimestampMicros(time.as_microsecond())
}
