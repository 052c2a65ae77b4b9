//! Calls and entries that fail: each ends in a clear message, and nothing is lost.

use coffeeshop_core::ports::{Attribute, Content, MESSAGE_BYTES_MAX};
use coffeeshop_core::testing::Fault;
use insta::assert_snapshot;

use super::bench::{Bench, Said, upload, url};

const MESSAGES: usize = 12;

/// Every message is somewhere, and there twice only where that was named.
#[track_caller]
fn check_nothing_is_lost(bench: &Bench, said: &[Said]) {
    let (sent, left) = (bench.bodies("uploads"), bench.bodies("uploads-dlq"));
    for i in 0..MESSAGES {
        let body = upload(&format!("uploads/shop-{}/photo-{i}", i % 3)).body;
        assert!(sent.contains_key(&body) || left.contains_key(&body), "lost: {body}: {said:?}");
    }
    let doubled = sent.values().filter(|count| **count > 1).count();
    let named = said.iter().flat_map(Said::objects).filter(|object| object["kind"] == "possibly_double").count();
    assert!(doubled <= named, "{doubled} are there twice, {named} were named: {said:?}");
}

/// One call that fails, each in its turn, in each way; then it is resumed or typed again, until all is done.
#[test]
fn every_call_may_fail() {
    for fault in [Fault::Before, Fault::After, Fault::Busy] {
        for call in 0.. {
            let bench = Bench::with_uploads(0, MESSAGES);
            bench.world.fail(call, fault);
            let mut said = vec![bench.types("replay uploads-dlq --execute --json")];
            let calls = bench.world.calls();
            check_nothing_is_lost(&bench, &said);
            for _ in 0..3 {
                if said.last().unwrap().status == 0 {
                    break;
                }
                let goes_on = said.last().unwrap().errors.contains("To go on: ");
                let run = bench.runs().pop();
                let is_ready = run.is_some() && bench.journal().iter().any(|line| line["event"] == "ready");
                assert!(is_ready || !goes_on, "{said:?}");
                // What was received and never heard of comes back by itself.
                bench.world.advance(std::time::Duration::from_mins(10));
                said.push(if let Some(run) = run.filter(|_| is_ready) {
                    bench.types(&format!("resume {run} --json"))
                } else {
                    drop(std::fs::remove_dir_all(bench.journals()));
                    bench.types("replay uploads-dlq --execute --json")
                });
            }
            check_nothing_is_lost(&bench, &said);
            assert_eq!(
                (said.last().unwrap().status, bench.bodies("uploads-dlq").len()),
                (0, 0),
                "{fault:?} {call}: {said:?}"
            );
            if call >= calls {
                break;
            }
        }
    }
}

#[test]
fn faults_at_random_lose_nothing() {
    for seed in 0..200 {
        let bench = Bench::with_uploads(0, MESSAGES);
        bench.world.fail_at_random(seed, 4);
        let mut said = vec![bench.types("replay uploads-dlq --execute --json --rate 10/s")];
        for _ in 0..20 {
            check_nothing_is_lost(&bench, &said);
            let Some(run) = bench.runs().pop() else { break };
            if !bench.journal().iter().any(|line| line["event"] == "ready") {
                break;
            }
            bench.world.advance(std::time::Duration::from_mins(10));
            said.push(bench.types(&format!("resume {run} --json")));
        }
        check_nothing_is_lost(&bench, &said);
    }
}

fn replay(bench: &Bench) -> String {
    let arguments = "replay uploads-dlq --execute";
    bench.types(arguments).transcript(arguments, bench)
}

#[test]
fn three_of_ten_entries_are_refused() {
    let bench = Bench::with_uploads(0, 10);
    bench.world.fail_entries("queues.send", &[1, 4, 9], Fault::Before);
    assert_snapshot!(replay(&bench));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (7, 3));
    let run = bench.runs().pop().unwrap();
    let resumed = bench.types(&format!("resume {run} --json"));
    // It was certain that these were not sent.
    assert_eq!((resumed.status, resumed.summary()["possibly_double"].as_u64()), (0, Some(0)), "{resumed:?}");
    assert!(bench.bodies("uploads").len() == 10 && bench.bodies("uploads").values().all(|count| *count == 1));
}

#[test]
fn three_of_ten_entries_are_too_much_at_once() {
    let bench = Bench::with_uploads(0, 10);
    bench.world.fail_entries("queues.send", &[0, 1, 2], Fault::Busy);
    bench.world.fail_entries("queues.send", &[2], Fault::Busy);
    bench.world.fail_entries("queues.delete", &[0, 5, 6], Fault::Busy);
    assert_snapshot!(replay(&bench));
    assert!(bench.bodies("uploads").len() == 10 && bench.bodies("uploads").values().all(|count| *count == 1));
}

#[test]
fn nothing_is_said_about_three_of_ten_entries() {
    let bench = Bench::with_uploads(0, 10);
    bench.world.fail_entries("queues.send", &[0, 1, 2], Fault::After);
    assert_snapshot!(replay(&bench));
    let run = bench.runs().pop().unwrap();
    let arguments = format!("resume {run}");
    assert_snapshot!("nothing_is_said_resumed", bench.types(&arguments).transcript(&arguments, &bench));
    assert_eq!(bench.bodies("uploads").values().filter(|count| **count == 2).count(), 3);
}

#[test]
fn receipts_that_expired_delete_nothing_and_are_replaced() {
    let bench = Bench::with_uploads(0, 10);
    let expired = std::cell::Cell::new(false);
    // Just between a message's sending and its deletion.
    let expire = || async {
        loop {
            coffeeshop_core::testing::suspend_once().await;
            if !bench.bodies("uploads").is_empty() && !expired.replace(true) {
                bench.world.expire_receipts(&url("uploads-dlq"));
            }
        }
    };
    let said = bench.types_until("replay uploads-dlq --execute --rate 10/s --json", expire);
    assert!(expired.get());
    assert_eq!((said.status, said.summary()["done"].as_u64()), (0, Some(10)), "{said:?}");
    assert!(bench.bodies("uploads-dlq").is_empty() && bench.bodies("uploads").values().all(|count| *count == 1));
}

#[test]
fn a_source_queue_that_is_gone_stops_it() {
    let bench = Bench::with_uploads(0, 60);
    bench.world.remove_queue(&url("uploads"));
    let text = replay(&bench);
    let (head, tail) = (text.lines().take(3), text.lines().rev().take(9).collect::<Vec<_>>());
    assert_snapshot!(head.chain(tail.into_iter().rev()).collect::<Vec<_>>().join("\n"));
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 60, "nothing is lost, nothing is hidden");
    let sends = bench.world.take_log().iter().filter(|call| **call == "queues.send").count();
    assert!(sends <= 3 + 8, "{sends}: no lane begins anything when it is no use");
    // When it is there again, it goes on.
    bench.world.create(url("uploads").0);
    let run = bench.runs().pop().unwrap();
    assert_eq!(bench.types(&format!("resume {run}")).status, 0);
    assert!(bench.bodies("uploads").len() == 60 && bench.bodies("uploads").values().all(|count| *count == 1));
}

#[test]
fn a_place_that_is_gone_is_a_clear_error() {
    let bench = Bench::with_uploads(0, 3);
    bench.world.remove_queue(&url("uploads-dlq"));
    assert_snapshot!(replay(&bench));
}

#[test]
fn a_message_at_the_size_limit_stays_and_is_named() {
    let bench = Bench::with_uploads(0, 2);
    let large = Content { body: "x".repeat(MESSAGE_BYTES_MAX), ..Content::default() };
    bench.world.send_as(&url("uploads-dlq"), Some("large"), large.clone(), bench.now());
    let full = (0..10).map(|i| (format!("a{i}"), Attribute::text("x"))).collect();
    let full = Content { body: "full".to_owned(), attributes: full, trace_header: None };
    bench.world.send_as(&url("uploads-dlq"), Some("full"), full, bench.now());
    assert_snapshot!(replay(&bench));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (2, 2));
}

#[test]
fn a_body_that_is_no_json_is_replayed_as_it_is() {
    let bench = Bench::new();
    for body in ["not JSON", "{\"half\":", "\u{fffd}\u{10000}\r\n\t", " "] {
        bench.rest("uploads-dlq", Content { body: body.to_owned(), ..Content::default() });
    }
    let before = bench.bodies("uploads-dlq");
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 0);
    assert_eq!((bench.bodies("uploads"), bench.bodies("uploads-dlq").len()), (before, 0));
}

#[test]
fn a_disk_that_is_full_touches_nothing() {
    let bench = Bench::with_uploads(0, 3);
    // Where the folder should be, there is a file.
    std::fs::write(bench.journals(), "").unwrap();
    let said = bench.types("replay uploads-dlq --execute");
    assert!(said.status == 1 && said.errors.starts_with("error: the journal"), "{said:?}");
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (0, 3));
}

#[test]
fn a_journal_that_makes_no_sense_is_not_gone_on_with() {
    let bench = Bench::with_uploads(0, 3);
    std::fs::create_dir_all(bench.journals()).unwrap();
    std::fs::write(bench.journals().join("run-1.jsonl"), "{\"event\":\"begun\"\n{}\n").unwrap();
    std::fs::write(bench.journals().join("run-2.jsonl"), "{\"event\":\"beg").unwrap();
    let texts = ["resume run-1", "resume run-2"].map(|arguments| bench.types(arguments));
    assert_snapshot!(texts.map(|said| said.errors.replace(bench.folder.path().to_str().unwrap(), "FOLDER")).join("\n"));
}

/// Two batches of nothing, one that is sent, and two again: it goes on.
#[test]
fn it_is_no_use_only_when_three_batches_in_a_row_say_so() {
    let bench = Bench::with_uploads(0, 60);
    let all: Vec<usize> = (0..10).collect();
    for refused in [all.as_slice(), &all, &[], &all, &all] {
        bench.world.fail_entries("queues.send", refused, Fault::Before);
    }
    let said = bench.types("replay uploads-dlq --execute --rate 10/s --json");
    let summary = said.summary();
    assert_eq!(
        (said.status, summary["done"].as_u64(), summary["failed"].as_u64()),
        (3, Some(20), Some(40)),
        "{said:?}"
    );
}

/// Of a process that died while it wrote.
#[test]
fn a_half_line_at_the_end_of_the_journal_is_cut_off() {
    let bench = Bench::with_uploads(0, 3);
    bench.world.fail_entries("queues.send", &[0, 1, 2], Fault::Before);
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 3);
    let run = bench.runs().pop().unwrap();
    let file = bench.journals().join(format!("{run}.jsonl"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + r#"{"at":"2026-11-20T08:15:00Z","event":"sen"#).unwrap();
    assert_eq!(bench.types(&format!("resume {run}")).status, 0);
    assert_eq!(bench.types(&format!("resume {run}")).status, 0, "every line makes sense");
    assert_eq!(bench.bodies("uploads").values().sum::<usize>(), 3);
}

#[test]
fn a_deletion_whose_reply_is_lost_has_happened() {
    let bench = Bench::with_uploads(0, 10);
    bench.world.fail_entries("queues.delete", &[2, 3], Fault::After);
    let said = bench.types("replay uploads-dlq --execute --json");
    assert_eq!((said.status, said.summary()["done"].as_u64()), (0, Some(10)), "{said:?}");
    assert!(bench.bodies("uploads-dlq").is_empty());
}

/// What was sent, and is hidden by somebody else, is not gone.
#[test]
fn what_somebody_else_holds_is_not_taken_for_gone() {
    use coffeeshop_core::ports::Queues as _;
    let bench = Bench::with_uploads(0, 10);
    for entry in [4, 0] {
        bench.world.fail_entries("queues.delete", &[entry], Fault::Before);
    }
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 3);
    let hidden = std::time::Duration::from_mins(5);
    let held = futures::executor::block_on(bench.world.receive(&url("uploads-dlq"), 10, hidden)).unwrap();
    assert_eq!(held.len(), 1);
    let run = bench.runs().pop().unwrap();
    let said = bench.types(&format!("resume {run} --json"));
    assert_eq!((said.status, said.summary()["sent_not_deleted"].as_u64()), (3, Some(1)), "{said:?}");
    bench.world.advance(hidden);
    assert_eq!(bench.types(&format!("resume {run}")).status, 0);
    assert!(bench.bodies("uploads-dlq").is_empty());
}

/// Before the first messages come back while the last are received.
#[test]
fn a_sweep_that_takes_too_long_is_cut() {
    let bench = Bench::with_uploads(0, 900);
    let slowly = || async {
        loop {
            coffeeshop_core::testing::suspend_once().await;
            bench.world.advance(std::time::Duration::from_secs(30));
        }
    };
    let said = bench.types_until("groups uploads-dlq --json", slowly);
    let seen = said.summary()["messages"].as_u64().unwrap();
    assert!(said.status == 3 && seen > 50 && seen < 900, "{said:?}");
    assert!(said.errors.contains("uploads-dlq may have more than these"), "{said:?}");
}
