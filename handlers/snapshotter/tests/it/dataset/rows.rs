//! Rows that are none of their dataset's: they are refused, and leave the file as it was.

use coffeeshop_core::period::Period;
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_snapshotter::dataset::{Cell, Column, ColumnType, ParquetWriter, Record, RowError, WriteError};
use jiff::Timestamp;
use parquet::record::Field;

use super::{integer, rows_of, text, watermark};

/// A row as it is given.
struct Raw(&'static [Cell<'static>]);

impl Record for Raw {
    const DATASET: &'static str = "raw";
    const COLUMNS: &'static [Column] = &[
        Column::optional("name", ColumnType::Text, "", ""),
        Column::required("size", ColumnType::Integer, "", ""),
        Column::optional("stars", ColumnType::Stars, "", ""),
    ];

    fn key(&self) -> String {
        format!("{:?}", self.0)
    }

    fn row(&self, _snapshot_at: Timestamp, cell: impl FnMut(Cell<'_>)) {
        self.0.iter().copied().for_each(cell);
    }
}

#[test]
fn a_row_of_another_shape_is_refused_and_leaves_no_trace() {
    let missing = RowError::Missing { column: "size" };
    let cases: [(&'static [Cell<'static>], RowError); 9] = [
        (&[], RowError::Width),
        (&[Cell::Text("a"), Cell::Integer(1)], RowError::Width),
        (&[Cell::Text("a"), Cell::Integer(1), Cell::Null, Cell::Null], RowError::Width),
        (&[Cell::Text("a"), Cell::Null, Cell::Null], missing),
        (&[Cell::Integer(1), Cell::Integer(1), Cell::Null], RowError::Type { column: "name" }),
        (&[Cell::Text("a"), Cell::Double(1.0), Cell::Null], RowError::Type { column: "size" }),
        (&[Cell::Text("a"), Cell::Integer(1), Cell::Time(Timestamp::UNIX_EPOCH)], RowError::Type { column: "stars" }),
        (
            &[Cell::Null, Cell::Integer(1 << 63), Cell::Null],
            RowError::TooGreat { column: "size", value: 1 << 63, max: (1 << 63) - 1 },
        ),
        (
            &[Cell::Text("a"), Cell::Integer(1), Cell::Stars(10_000_000)],
            RowError::TooGreat { column: "stars", value: 10_000_000, max: 9_999_999 },
        ),
    ];
    let mut writer = ParquetWriter::new(watermark()).unwrap();
    for (cells, expected) in cases {
        writer.push(&Raw(&[Cell::Text("good"), Cell::Integer(7), Cell::Null])).unwrap();
        match writer.push(&Raw(cells)) {
            Err(WriteError::Row { dataset: "raw", key, cause }) => {
                assert_eq!((key, cause), (format!("{cells:?}"), expected));
            }
            other => panic!("{cells:?}: {other:?}"),
        }
        writer.push(&Raw(&[Cell::Null, Cell::Integer(8), Cell::Null])).unwrap();
    }
    let (file, rows) = writer.finish().unwrap();
    let pair = [vec![text("good"), integer(7), Field::Null], vec![Field::Null, integer(8), Field::Null]];
    assert_eq!((rows_of(&file), rows), (vec![pair; 9].concat(), 18));
}

#[test]
fn a_score_that_cannot_be_is_refused() {
    let key = ScoreKey { shop_id: "shop".parse().unwrap(), period: Period::All };
    let good = Score::new(key, [1, 0, 0, 0, 0].try_into().unwrap(), 1, None, Timestamp::UNIX_EPOCH);
    let refused = |change: fn(&mut Score)| {
        let mut score = good.clone();
        change(&mut score);
        match ParquetWriter::new(watermark()).unwrap().push(&score) {
            Err(WriteError::Row { cause: RowError::TooGreat { column, .. }, .. }) => column,
            other => panic!("{score:?}: {other:?}"),
        }
    };
    assert_eq!(refused(|score| score.count = u64::MAX), "count");
    assert_eq!(refused(|score| score.sum = u64::MAX), "sum");
    assert_eq!(refused(|score| score.revision = u64::MAX), "revision");
    assert_eq!(refused(|score| score.mean_micros = Some(10_000_000)), "mean");
    assert_eq!(refused(|score| score.score_micros = 5_000_000_000), "score");
}
