//! Snapshots: where they lie, when they are there, and what is in them.

mod bench;
mod ends;
mod large;

use coffeeshop_core::testing::Fault;
use coffeeshop_snapshotter::dataset::SCHEMA_VERSION;
use coffeeshop_snapshotter::snapshot::{FILES, daily, hourly};
use futures::executor::block_on;
use jiff::SignedDuration;

use self::bench::Bench;

#[test]
fn every_score_is_in_one_of_the_files() {
    let bench = Bench::new(50);
    let manifest = block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.dataset.as_str(), manifest.schema_version), ("scores", SCHEMA_VERSION));
    assert_eq!((manifest.rows, manifest.left_out), (100, 0), "two scores a shop");
    assert_eq!(manifest.files.len(), FILES as usize);
    assert!(manifest.files.iter().filter(|file| file.rows > 0).count() > 4, "they are spread");
    assert_eq!(manifest.files[7].key, "scores/dt=2026-11-22/hour=09/part-00007.parquet");
    bench.assert_trusted();
    bench.assert_clean();
    assert_eq!(bench.shops_of("scores/dt=2026-11-22/hour=09"), bench.stored_shops());
}

#[test]
fn nothing_makes_valid_files() {
    let bench = Bench::new(0);
    let manifest = block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.rows, manifest.files.len()), (0, FILES as usize));
    let manifest = block_on(daily(&bench.photos, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.rows, manifest.files.len()), (0, FILES as usize));
    bench.assert_trusted();
    bench.assert_clean();
}

#[test]
fn outcomes_of_photos_are_a_snapshot_a_day() {
    let bench = Bench::new(0);
    let spoilt = bench.answer(12);
    let manifest = block_on(daily(&bench.photos, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.dataset.as_str(), manifest.rows, manifest.left_out), ("photos", 12, 0));
    assert_eq!(manifest.files[0].key, "photos/dt=2026-11-22/part-00000.parquet");
    bench.photos.spoil(&spoilt);
    let manifest = block_on(daily(&bench.photos, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.rows, manifest.left_out), (11, 1));
    bench.assert_trusted();
    bench.assert_clean();
}

#[test]
fn what_cannot_be_understood_is_counted_and_holds_up_nothing() {
    let bench = Bench::new(10);
    bench.scores.spoil(bench.scores.stored_scores().into_keys().nth(7));
    let manifest = block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.rows, manifest.left_out), (19, 1));
    bench.assert_trusted();

    // This one is understood, and is no row all the same.
    let mut score = bench.scores.stored_scores().into_values().next().unwrap();
    score.revision = u64::MAX;
    bench.scores.put_score(score);
    let manifest = block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    assert_eq!((manifest.rows, manifest.left_out), (18, 2));
    bench.assert_trusted();
}

#[test]
fn the_newest_of_several_is_pointed_to() {
    let bench = Bench::new(3);
    for hours in 1..=30 {
        block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
        assert_eq!(bench.manifests().len(), hours);
        bench.assert_trusted();
        bench.assert_clean();
        bench.scores.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(bench.latest("scores").unwrap().manifest, "scores/dt=2026-11-23/hour=14/_manifest.json");
}

#[test]
fn a_second_run_of_an_hour_takes_its_place() {
    let bench = Bench::new(3);
    let first = block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    bench.open_shops(3..20);
    bench.scores.advance(SignedDuration::from_mins(20));
    let second = block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    let keys = |manifest: &coffeeshop_snapshotter::snapshot::Manifest| -> Vec<String> {
        manifest.files.iter().map(|file| file.key.clone()).collect()
    };
    assert_eq!(keys(&first), keys(&second));
    assert_eq!((first.rows, second.rows), (6, 40));
    assert_eq!(bench.manifests(), [second]);
    bench.assert_trusted();
    bench.assert_clean();
}

#[test]
fn a_manifest_that_nobody_understands_is_passed_over() {
    let bench = Bench::new(3);
    block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    bench.scores.advance(SignedDuration::from_hours(1));
    block_on(bench.put("scores/dt=2026-11-22/hour=10/_manifest.json", "{}"));
    bench.scores.advance(SignedDuration::from_hours(1));
    block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
    // Begin and one part of each file; then: read, point elsewhere (list, two manifests read, put), remove. Then it ends.
    bench.uploads.fail(FILES as usize * 2 + 6, Fault::Before);
    block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap_err();
    let log = bench.uploads.take_log();
    assert_eq!(log.iter().rev().find(|call| **call != "uploads.abort"), Some(&"uploads.complete"));
    assert_eq!(bench.latest("scores").unwrap().manifest, "scores/dt=2026-11-22/hour=09/_manifest.json");
}
