//! Archives replayed while something fails, somebody stops it, or somebody else is at it.

use std::sync::atomic::Ordering::SeqCst;

use coffeeshop_core::ports::{INVOCATION_BYTES_MAX, PortError};
use serde_json::json;

use super::super::bench::Bench;
use super::super::stream::{archived, rating, record, sequence_number, write};
use super::parts::handed_over;
use super::{left, rated};

#[test]
fn ctrl_c_within_an_archive_leaves_no_old_state() {
    let mut stopped_between = 0;
    for times in 0..60 {
        let bench = Bench::new().with_aggregator(&[]);
        let key = rating("shop-1", "user-1");
        let old = write(&bench, 1, &key, Some(("1", "2026-11-22")));
        write(&bench, 2, &key, Some(("5", "2026-11-22")));
        // Two parts: the second is large.
        let comment = "x".repeat(INVOCATION_BYTES_MAX - 900);
        bench.scores.put_rating(rating("shop-2", "user-2"), bench.scores.stored_ratings()[&key].clone());
        let large = record(3, &rating("shop-2", "user-2"), Some(("5", "2026-11-22")), &comment);
        bench.archive("1", &archived(&[old, large]));
        let pressed = std::cell::Cell::new(false);
        let press = || {
            let is_first = !pressed.replace(true);
            async move {
                if !is_first {
                    std::future::pending::<()>().await;
                }
                for _ in 0..times {
                    coffeeshop_core::testing::suspend_once().await;
                }
            }
        };
        bench.types_until("replay aggregator-failures --execute", press);
        stopped_between += usize::from(bench.lambda.invocations.lock().unwrap().len() == 1);
        if !bench.lambda.invocations.lock().unwrap().is_empty() {
            let scores = bench.scores.stored_scores().into_values();
            let counts: Vec<_> =
                scores.map(|score| (score.key.shop_id.to_string(), score.histogram.counts())).collect();
            assert!(counts.iter().all(|(_, counts)| *counts == [0, 0, 0, 0, 1]), "{times}: {counts:?}");
        }
    }
    assert!(stopped_between > 0, "between two parts it is stopped, too");
}

#[test]
fn an_archive_that_cannot_be_deleted_is_not_done() {
    let bench = Bench::new().with_aggregator(&[]);
    bench.archive("1", &archived(&rated(&bench, 0..2)));
    // It is listed, read to be planned, and read to be handed over.
    *bench.buckets.works_for.lock().unwrap() = Some(3);
    let said = bench.types("replay aggregator-failures --execute --json");
    assert_eq!((said.status, &said.summary()["sent_not_deleted"]), (3, &json!(1)), "{said:?}");
    *bench.buckets.works_for.lock().unwrap() = None;
    let run = bench.runs().pop().unwrap();
    let said = bench.types(&format!("resume {run}"));
    assert_eq!((said.status, bench.archives().len(), bench.lambda.invocations.lock().unwrap().len()), (0, 0, 1));
}

#[test]
fn what_only_had_to_be_deleted_is_no_canary() {
    let mut bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..6);
    for (i, part) in records.chunks(2).enumerate() {
        bench.archive(&i.to_string(), &archived(part));
    }
    let has = |bench: &Bench, event: &str| bench.journal().iter().any(|line| line["event"] == event);
    let mut after = 0;
    let keys = bench.archives();
    while bench.runs().len() != 1 || !has(&bench, "sent") || has(&bench, "deleted") {
        after += 1;
        let again = Bench::new().with_aggregator(&[]);
        for (key, archive) in &keys {
            again.buckets.put("failures", key, archive.to_string());
        }
        assert!(again.types_and_is_killed("replay aggregator-failures --execute --canary 1 --json", after).is_none());
        bench = again;
    }
    bench.mend_aggregator(&(0..6).collect::<Vec<_>>());
    let before = bench.lambda.invocations.lock().unwrap().len();
    let run = bench.runs().pop().unwrap();
    let said = bench.types(&format!("resume {run} --json"));
    assert_eq!((said.status, said.summary()["canary"].as_str()), (3, Some("not_sent")), "{said:?}");
    // What was handed over already, is not again.
    let handed = handed_over(&bench).split_off(before);
    assert!(handed.iter().flatten().all(|number| *number != sequence_number(0)), "{handed:?}");
}

#[test]
fn what_somebody_else_took_away_or_wrote_anew_is_not_taken_for_done() {
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..3);
    let keys = [0, 1, 2].map(|i| bench.archive(&i.to_string(), &archived(&records[i..=i])));
    let taken = std::cell::Cell::new(false);
    let meanwhile = || async {
        while !bench.runs().first().is_some_and(|_| bench.journal().iter().any(|line| line["event"] == "ready")) {
            coffeeshop_core::testing::suspend_once().await;
        }
        if !taken.replace(true) {
            bench.buckets.remove("failures", &keys[1]);
            bench.buckets.put("failures", &keys[2], "{}");
        }
        std::future::pending::<()>().await;
    };
    let said = bench.types_until("replay aggregator-failures --execute", meanwhile);
    assert_eq!((said.status, bench.buckets.keys("failures")), (3, vec![keys[2].clone()]), "{said:?}");
    assert!(said.lines.contains("somebody else replayed or deleted it"), "{said:?}");
    assert!(said.lines.contains("somebody else wrote it anew"), "{said:?}");
}

#[test]
fn what_does_not_answer_stops_it_and_nothing_is_lost() {
    let bench = Bench::new();
    let records = rated(&bench, 0..10);
    for (i, record) in records.chunks(1).enumerate() {
        bench.archive(&i.to_string(), &archived(record));
    }
    let said = bench.types("replay aggregator-failures --execute");
    assert_eq!((said.status, bench.archives().len()), (1, 10));
    insta::assert_snapshot!(said.transcript("replay aggregator-failures --execute", &bench));
    assert_eq!(bench.lambda.invocations.lock().unwrap().len(), 6, "three in a row, each twice");
}

#[test]
fn archives_that_fail_now_and_then_do_not_stop_it() {
    let mut bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..12);
    for (i, record) in records.chunks(1).enumerate() {
        bench.archive(&format!("{i:02}"), &archived(record));
    }
    let handler = bench.lambda.handler.take().unwrap();
    // Of three archives two do not get through, each twice.
    let asked = std::sync::atomic::AtomicUsize::new(0);
    bench.lambda.handler = Some(Box::new(move |event| {
        if asked.fetch_add(1, SeqCst) % 5 < 4 {
            return Box::pin(async { Err(PortError::new("functions.invoke", "reset")) });
        }
        handler(event)
    }));
    let said = bench.types("replay aggregator-failures --execute --json");
    assert_eq!(
        (said.status, &said.summary()["done"], &said.summary()["in_doubt"]),
        (3, &json!(4), &json!(8)),
        "{said:?}"
    );
}

#[test]
fn a_function_that_is_busy_is_waited_for() {
    let mut bench = Bench::new().with_aggregator(&[]);
    bench.archive("1", &archived(&rated(&bench, 0..3)));
    let handler = bench.lambda.handler.take().unwrap();
    let left = std::sync::atomic::AtomicUsize::new(4);
    bench.lambda.handler = Some(Box::new(move |event| {
        if left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Box::pin(async { Err(PortError::busy("functions.invoke", "TooManyRequestsException")) });
        }
        handler(event)
    }));
    let before = bench.now();
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 0);
    assert_eq!(bench.lambda.invocations.lock().unwrap().len(), 5);
    assert!(bench.now() > before, "with pauses");
    bench.check_scores();
}

#[test]
fn a_canary_that_fails_lets_none_go() {
    let mut bench = Bench::new().with_aggregator(&[0]);
    let records = rated(&bench, 0..10);
    for (i, record) in records.chunks(2).enumerate() {
        bench.archive(&i.to_string(), &archived(record));
    }
    let said = bench.types("replay aggregator-failures --execute --canary 1 --json");
    assert_eq!((said.status, said.summary()["canary"].as_str()), (3, Some("not_sent")), "{said:?}");
    assert_eq!(left(&bench).len(), 9, "one of the first two is done");
    bench.mend_aggregator(&[]);
    let said = bench.types("replay aggregator-failures --execute --canary 1 --json");
    assert_eq!((said.status, said.summary()["canary"].as_str()), (0, Some("handled")), "{said:?}");
    assert!(bench.archives().is_empty());
    bench.check_scores();
}

#[test]
fn a_bucket_that_fails_anywhere_loses_nothing() {
    for works_for in 0..40 {
        let bench = Bench::new().with_aggregator(&[4]);
        let records = rated(&bench, 0..12);
        for (i, some) in records.chunks(6).enumerate() {
            bench.archive(&i.to_string(), &archived(some));
        }
        *bench.buckets.works_for.lock().unwrap() = Some(works_for);
        let said = bench.types("replay aggregator-failures --execute");
        let failed = bench.buckets.works_for.lock().unwrap().replace(usize::MAX) == Some(0);
        assert!(!failed || said.status != 0, "{works_for}: {said:?}");
        let said = bench.types("replay aggregator-failures --execute --max-replays 9");
        assert_eq!(left(&bench), [sequence_number(4)], "{works_for}: {said:?}");
        bench.check_scores();
    }
}
