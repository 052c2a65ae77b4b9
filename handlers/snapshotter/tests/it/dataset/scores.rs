//! Scores, written and read back.

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::{Month, Period};
use coffeeshop_core::score::{City, Score, ScoreKey};
use coffeeshop_snapshotter::dataset::{ParquetWriter, ROW_GROUP_BYTES_MAX, ROW_GROUP_ROWS_MAX};
use jiff::Timestamp;
use parquet::data_type::Decimal;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::FileReader as _;
use parquet::record::Field;
use proptest::prelude::*;

use super::{WATERMARK, file_of, integer, optional, reader, rows_of, schema_of, text, time, watermark};

/// What a row of a score must be.
fn row(score: &Score) -> Vec<Field> {
    let stars = |micros: u64| Field::Decimal(Decimal::from_i32(i32::try_from(micros).unwrap(), 7, 6));
    // The nearest float is what the decimal's text is read as.
    let double = |micros: u64| Field::Double(format!("{micros}e-6").parse().unwrap());
    let [n1, n2, n3, n4, n5] = score.histogram.counts();
    vec![
        text(&score.key.shop_id),
        text(score.key.period),
        optional(score.city.as_ref(), text),
        integer(score.count),
        integer(score.sum),
        integer(n1),
        integer(n2),
        integer(n3),
        integer(n4),
        integer(n5),
        optional(score.mean_micros, stars),
        stars(score.score_micros),
        optional(score.mean_micros, double),
        double(score.score_micros),
        text(&score.formula),
        integer(score.revision),
        time(score.updated_at),
        time(watermark()),
    ]
}

fn score(shop: &str, period: Period, counts: [u64; 5], city: Option<&str>) -> Score {
    let key = ScoreKey { shop_id: shop.parse().unwrap(), period };
    let updated_at = "2026-11-22T04:01:59.999999999Z".parse().unwrap();
    let city = city.map(|city| city.parse().unwrap());
    Score::new(key, counts.try_into().unwrap(), 1_795_000_000_000, city, updated_at)
}

#[track_caller]
fn check(scores: &[Score]) {
    let (read, written) = (rows_of(&file_of(scores)), scores.iter().map(row).collect::<Vec<_>>());
    assert_eq!(read, written);
}

const SCHEMA: &str = "\
message scores {
  REQUIRED BYTE_ARRAY shop_id (STRING);
  REQUIRED BYTE_ARRAY period (STRING);
  OPTIONAL BYTE_ARRAY city (STRING);
  REQUIRED INT64 count;
  REQUIRED INT64 sum;
  REQUIRED INT64 n1;
  REQUIRED INT64 n2;
  REQUIRED INT64 n3;
  REQUIRED INT64 n4;
  REQUIRED INT64 n5;
  OPTIONAL INT32 mean (DECIMAL(7,6));
  REQUIRED INT32 score (DECIMAL(7,6));
  OPTIONAL DOUBLE mean_double;
  REQUIRED DOUBLE score_double;
  REQUIRED BYTE_ARRAY formula (STRING);
  REQUIRED INT64 revision;
  REQUIRED INT64 updated_at (TIMESTAMP(MICROS,true));
  REQUIRED INT64 snapshot_at (TIMESTAMP(MICROS,true));
}
";

#[test]
fn every_column_is_in_every_file() {
    let without_ratings = score("quiet", Period::All, [0; 5], None);
    let with_ratings = score("busy", Period::All, [1, 2, 3, 4, 5], Some("Oslo"));
    let files =
        [vec![], vec![without_ratings.clone()], vec![with_ratings.clone()], vec![without_ratings, with_ratings]];
    for scores in files {
        let file = file_of(&scores);
        assert_eq!(schema_of(&file), SCHEMA);
        assert_eq!(reader(&file).metadata().file_metadata().num_rows(), i64::try_from(scores.len()).unwrap());
        check(&scores);
    }
}

#[test]
fn a_file_says_what_it_is() {
    let file = file_of::<Score>([]);
    let reader = reader(&file);
    let said = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let said: Vec<_> = said.iter().map(|said| (said.key.as_str(), said.value.as_deref().unwrap())).collect();
    let expected =
        [("coffeeshop.dataset", "scores"), ("coffeeshop.schema_version", "1"), ("coffeeshop.watermark", WATERMARK)];
    assert_eq!(said, expected);
}

#[test]
fn extremes_are_written_as_they_are() {
    let most = 200_000_000_000;
    let month = Period::Month(Month::new(2099, 12).unwrap());
    let longest = "ü".repeat(128);
    let mut five = score("-", Period::All, [0, 0, 0, 0, most], Some(&longest));
    (five.mean_micros, five.score_micros) = (Some(5_000_000), 5_000_000);
    let mut greatest = score(&"x".repeat(64), month, [most; 5], Some("東京 – Ẏ\u{10348}"));
    (greatest.count, greatest.sum, greatest.revision) = (i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs(), 1 << 62);
    (greatest.mean_micros, greatest.score_micros) = (Some(9_999_999), 9_999_999);
    greatest.updated_at = Timestamp::MAX;
    let mut least = score("A", Period::All, [0; 5], Some("𐌀"));
    (least.score_micros, least.revision, least.formula, least.updated_at) = (0, 0, String::new(), Timestamp::MIN);
    check(&[five, greatest, least]);
}

#[test]
fn rows_make_groups_of_bounded_size() {
    let group = i64::try_from(ROW_GROUP_ROWS_MAX).unwrap();
    for (more, groups) in [(-1, vec![group - 1]), (0, vec![group]), (1, vec![group, 1])] {
        let scores: Vec<_> = (0..group + more)
            .map(|n| {
                let n = u64::try_from(n).unwrap();
                score(&format!("shop-{}", n / 9), Period::All, [n, n % 7, 0, 1, n % 3], (n % 5 > 0).then_some("Oslo"))
            })
            .collect();
        let file = file_of(&scores);
        let sizes: Vec<_> = reader(&file).metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(sizes, groups);
        assert!(rows_of(&file).into_iter().rev().take(3).eq(scores.iter().rev().take(3).map(row)));
    }
}

#[test]
fn long_texts_make_smaller_groups() {
    let long = score(&"x".repeat(64), Period::All, [1; 5], Some(&"y".repeat(256)));
    let file = file_of(std::iter::repeat_n(&long, ROW_GROUP_ROWS_MAX));
    let reader = reader(&file);
    let first = usize::try_from(reader.metadata().row_group(0).num_rows()).unwrap();
    // Texts and thirteen numbers of eight bytes at least.
    let least_bytes = 64 + 256 + 13 * 8;
    assert!(first < ROW_GROUP_ROWS_MAX && first * least_bytes <= ROW_GROUP_BYTES_MAX, "{first} rows");
}

#[test]
fn statistics_let_readers_skip_groups() {
    let scores = [2, 7, 5].map(|n| score("shop", Period::All, [n, 0, 0, 0, 0], (n == 5).then_some("Oslo")));
    let file = file_of(&scores);
    let reader = reader(&file);
    let group = reader.metadata().row_group(0);
    for column in group.columns() {
        let statistics = column.statistics().unwrap();
        assert!(statistics.min_bytes_opt().is_some() && statistics.max_bytes_opt().is_some(), "{column:?}");
        assert_eq!(statistics.null_count_opt(), Some(if column.column_path().string() == "city" { 2 } else { 0 }));
    }
    let count = group.column(3).statistics().unwrap();
    assert_eq!(count.min_bytes_opt(), Some(2_i64.to_le_bytes().as_slice()));
    assert_eq!(count.max_bytes_opt(), Some(7_i64.to_le_bytes().as_slice()));
}

#[test]
fn a_writer_may_be_sent_to_another_thread() {
    fn check<T: Send>(_: T) {}
    check(ParquetWriter::<Score>::new(watermark()).unwrap());
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let count = prop_oneof![Just(0_u64), 0..100_u64, 0..100_000_000_000_u64];
    prop::array::uniform5(count).prop_map(|counts| counts.try_into().unwrap())
}

prop_compose! {
    /// Any item of the table that a file can hold, also one whose numbers do not follow from each other.
    fn any_score()(
        shop_id in "[A-Za-z0-9_-]{1,64}",
        month in prop::option::of((1990..2100_i16, 1..13_i8)),
        histogram in any_histogram(),
        numbers in (0..=i64::MAX.unsigned_abs(), 0..=i64::MAX.unsigned_abs(), 0..=i64::MAX.unsigned_abs()),
        stars in (prop::option::of(0..10_000_000_u64), 0..10_000_000_u64),
        formula in "\\PC{0,12}",
        city in prop::option::of("\\PC{1,64}"),
        updated_at in Timestamp::MIN.as_nanosecond()..Timestamp::MAX.as_nanosecond(),
    ) -> Score {
        let (count, sum, revision) = numbers;
        Score {
            key: ScoreKey {
                shop_id: shop_id.parse().unwrap(),
                period: month.map_or(Period::All, |(year, month)| Period::Month(Month::new(year, month).unwrap())),
            },
            count,
            sum,
            histogram,
            mean_micros: stars.0,
            score_micros: stars.1,
            formula,
            revision,
            // A name is at most 256 bytes, which is less than 64 characters may have.
            city: city.and_then(|city| city.parse::<City>().ok()),
            updated_at: Timestamp::from_nanosecond(updated_at).unwrap(),
            rank: None,
        }
    }
}

proptest! {
    #[test]
    fn what_is_read_back_is_what_was_pushed(scores in prop::collection::vec(any_score(), 0..50)) {
        prop_assert_eq!(rows_of(&file_of(&scores)), scores.iter().map(row).collect::<Vec<_>>());
    }
}
