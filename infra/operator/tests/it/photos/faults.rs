//! Calls and entries that go wrong.

use coffeeshop_core::testing::Fault;

use super::bench::{Bench, Said};

const PHOTOS: usize = 12;

fn bench() -> Bench {
    let bench = Bench::new();
    for i in 0..PHOTOS {
        bench.upload(&format!("kaffee/p-{i:02}"), 1);
    }
    bench
}

fn resume(bench: &Bench) -> Said {
    let run = bench.runs().pop().unwrap();
    bench.types(&format!("resume {run} --json"))
}

/// What was said, and then resumed until all are sent; how many are there twice, all of which were named.
#[track_caller]
fn check(bench: &Bench, said: &Said) -> usize {
    let last = resume(bench);
    assert_eq!((last.status, bench.asked().len()), (0, PHOTOS), "{said:?}\n{last:?}");
    let doubled = bench.asked().values().filter(|times| **times > 1).count();
    assert!(doubled <= last.photos("possibly_double").len(), "{last:?}");
    doubled
}

#[test]
fn three_of_ten_entries_go_wrong() {
    for (fault, status, doubled) in [(Fault::Busy, 0, 0), (Fault::Before, 3, 0), (Fault::After, 3, 3)] {
        let bench = bench();
        bench.world.fail_entries("queues.send", &[0, 4, 9], fault);
        let arguments = "reprocess --rate 10/s";
        let said = bench.types(arguments);
        if status != 0 {
            insta::assert_snapshot!(format!("three_of_ten_entries_{fault:?}"), said.transcript(arguments, &bench));
            assert!(said.lines.contains("To go on: coffeeshop photos resume"), "{said:?}");
        }
        assert_eq!((said.status, check(&bench, &said)), (status, doubled), "{fault:?}: {said:?}");
    }
}

/// Every call of the queue, one after the other.
#[test]
fn any_send_may_go_wrong() {
    for fault in [Fault::Before, Fault::After, Fault::Busy] {
        for call in 0..3 {
            let bench = bench();
            bench.world.fail(call, fault);
            let said = bench.types("reprocess --rate 5/s --json");
            assert_eq!(said.status == 0, fault == Fault::Busy, "{fault:?}: {said:?}");
            check(&bench, &said);
        }
    }
}

/// Every read, one after the other: nothing is sent of a plan that is not whole.
#[test]
fn any_read_may_go_wrong() {
    for call in 0..4 {
        for fault in [Fault::Before, Fault::Busy] {
            let bench = bench();
            bench.photos.fail(call, fault);
            let said = bench.types("reprocess --rate 5/s --json");
            if fault == Fault::Busy {
                assert_eq!((said.status, bench.asked().len()), (0, PHOTOS), "{said:?}");
            } else {
                assert_eq!((said.status, bench.asked().len()), (1, 0), "{said:?}");
                assert!(!bench.is_planned() && !said.errors.contains("To go on"), "{said:?}");
            }
        }
    }
    let bench = bench();
    *bench.buckets.works_for.lock().unwrap() = Some(2);
    assert_eq!((bench.types("reprocess --rate 5/s").status, bench.asked().len()), (1, 0));
}

#[test]
fn a_queue_that_is_gone_stops_it() {
    let bench = bench();
    bench.world.remove_queue(&bench.places.uploads);
    let arguments = "reprocess --rate 1/s";
    let said = bench.types(arguments);
    insta::assert_snapshot!(said.transcript(arguments, &bench));
    assert_eq!(bench.world.take_log().len(), 3, "three groups, and no more");
    bench.world.create(bench.places.uploads.0.clone());
    check(&bench, &said);
}

#[test]
fn at_random() {
    for seed in 0..100 {
        let bench = bench();
        bench.world.fail_at_random(seed, 3);
        let mut said = bench.types("reprocess --rate 3/s --json");
        for _ in 0..20 {
            if said.status != 0 {
                said = resume(&bench);
            }
        }
        bench.world.fail_at_random(seed, 0);
        check(&bench, &said);
    }
}
