//! A run that ends anywhere, or whose calls fail: nothing half can be seen, and the next run is clean.

use std::task::{Context, Waker};

use coffeeshop_core::testing::Fault;
use coffeeshop_snapshotter::snapshot::hourly;
use futures::executor::block_on;
use jiff::SignedDuration;

use super::bench::Bench;

/// What was there before: nothing, snapshots of earlier hours, or also one of this hour.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Earlier,
    ThisHour,
}

const BEFORE: [Before; 3] = [Before::Nothing, Before::Earlier, Before::ThisHour];

fn bench(before: Before) -> Bench {
    let bench = Bench::new(2);
    if before != Before::Nothing {
        run(&bench);
        bench.scores.advance(SignedDuration::from_hours(1));
    }
    if before == Before::ThisHour {
        run(&bench);
        bench.scores.advance(SignedDuration::from_mins(5));
    }
    // What this run finds is not what was found before.
    bench.open_shops(2..5);
    bench
}

fn run(bench: &Bench) {
    block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap();
}

/// The next runs: of the same hour, or of the next.
fn assert_next_is_clean(bench: &Bench, minutes: i64) {
    let manifests = bench.manifests().len();
    bench.scores.advance(SignedDuration::from_mins(minutes));
    run(bench);
    bench.assert_trusted();
    bench.assert_clean();
    assert!(bench.manifests().len() >= manifests, "no snapshot is lost");
    let newest = bench.manifests().pop().unwrap();
    assert_eq!(newest.rows, 10, "all scores are in it");
    let folder = bench.latest("scores").unwrap().manifest;
    assert_eq!(bench.shops_of(folder.trim_end_matches("_manifest.json")), bench.stored_shops());
}

#[test]
fn killed_anywhere_nothing_half_is_seen_and_the_next_run_is_clean() {
    for before in BEFORE {
        let (mut suspensions, mut seen_half) = (0, 0);
        loop {
            let mut ended = false;
            for minutes in [1, 60] {
                let bench = bench(before);
                let earlier = bench.manifests();
                {
                    let mut run = Box::pin(hourly(&bench.scores, &bench.uploads, &bench.scores));
                    let mut context = Context::from_waker(Waker::noop());
                    ended = (0..=suspensions).any(|_| run.as_mut().poll(&mut context).is_ready());
                }
                bench.assert_trusted();
                if !ended {
                    let now = bench.manifests();
                    let of_earlier_hours = if before == Before::ThisHour { &earlier[..1] } else { &earlier };
                    assert_eq!(&now[..of_earlier_hours.len()], of_earlier_hours, "{before:?}, {suspensions}");
                    seen_half += usize::from(!bench.uploads.open_uploads().is_empty());
                }
                assert_next_is_clean(&bench, minutes);
            }
            if ended {
                break;
            }
            suspensions += 1;
        }
        assert!(suspensions > 8 && seen_half > 8, "{before:?}: {suspensions}, {seen_half}");
    }
}

#[test]
fn every_call_may_fail() {
    for before in BEFORE {
        let well = bench(before);
        let (scans, uploads) = (well.scores.calls(), well.uploads.calls());
        run(&well);
        let (scans, uploads) = (well.scores.calls() - scans, well.uploads.calls() - uploads);
        assert!(scans > 8 && uploads > 24, "{scans}, {uploads}");
        let mut failed = 0;
        for fault in [Fault::Before, Fault::After] {
            for call in 0..scans + uploads {
                let bench = bench(before);
                match call.checked_sub(scans) {
                    None => bench.scores.fail(call, fault),
                    Some(call) => bench.uploads.fail(call, fault),
                }
                failed += usize::from(block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).is_err());
                bench.assert_trusted();
                assert_next_is_clean(&bench, if call % 2 == 0 { 1 } else { 60 });
            }
        }
        assert!(failed > 2 * (scans + 20), "{before:?}: {failed}");
    }
}

#[test]
fn what_fails_leaves_no_upload_open() {
    let well = Bench::new(4);
    run(&well);
    for call in 0..well.scores.calls() {
        let bench = Bench::new(4);
        bench.scores.fail(call, Fault::Before);
        block_on(hourly(&bench.scores, &bench.uploads, &bench.scores)).unwrap_err();
        assert_eq!((bench.uploads.open_uploads().len(), bench.uploads.objects().len()), (0, 0), "call {call}");
    }
}
