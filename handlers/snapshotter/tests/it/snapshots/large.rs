//! A file that is larger than a part: it is sent while it grows, and whole in the end.

use std::collections::BTreeSet;

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ports::{PortError, Scan, ScanMark, ScanPage, Segment};
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_snapshotter::snapshot::hourly;
use fastrand::Rng;
use futures::executor::block_on;
use parquet::record::RowAccessor as _;

use super::bench::Bench;

/// Each of some 250 bytes that cannot be compressed: more than two parts of 8 MB.
const SCORES: usize = 150_000;

const PAGE_ITEMS: usize = 2_000;

/// A table whose items are all in one segment.
struct Generated;

fn score(number: usize) -> Score {
    let mut rng = Rng::with_seed(number as u64);
    let city: String = std::iter::repeat_with(|| rng.alphanumeric()).take(256).collect();
    let key = ScoreKey { shop_id: format!("shop-{number}").parse().unwrap(), period: "all".parse().unwrap() };
    let histogram = Histogram::try_from([0, 0, 0, 0, 1]).unwrap();
    Score::new(key, histogram, 1, Some(city.parse().unwrap()), "2026-11-22T08:00:00Z".parse().unwrap())
}

impl Scan<Score> for Generated {
    async fn page(&self, segment: Segment, after: Option<&ScanMark>) -> Result<ScanPage<Score>, PortError> {
        let first: usize = after.map_or(0, |after| after.sort.parse().unwrap());
        let end = if segment.number == 3 { first + PAGE_ITEMS } else { 0 };
        let mark = |next: usize| ScanMark { partition: String::new(), sort: next.to_string() };
        Ok(ScanPage {
            items: (first..end).map(|number| Ok(score(number))).collect(),
            next: (end > 0 && end < SCORES).then(|| mark(end)),
        })
    }
}

#[test]
fn a_file_of_several_parts_is_whole() {
    let bench = Bench::new(0);
    let manifest = block_on(hourly(&Generated, &bench.uploads, &bench.scores)).unwrap();
    let parts = bench.uploads.take_log().into_iter().filter(|call| *call == "uploads.put_part").count();
    assert!(parts >= 10, "eight files have {parts} parts");
    assert_eq!(manifest.rows, SCORES as u64);
    bench.assert_trusted();
    bench.assert_clean();
    let rows = bench.rows(&manifest.files[3].key);
    let shops: BTreeSet<String> = rows.iter().map(|row| row.get_string(0).unwrap().clone()).collect();
    assert_eq!(shops.len(), SCORES, "each of them once");
}
