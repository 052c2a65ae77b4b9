//! Archives of streams: seen, and replayed by the aggregator itself.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use coffeeshop_core::place::Resting;
use coffeeshop_core::ports::{INVOCATION_BYTES_MAX, PortError};
use coffeeshop_core::testing::Fault;
use serde_json::{Value, json};

use super::bench::Bench;
use super::stream::{MAPPING, archived, archived_without, rating, record, sequence_number, write};

/// Records of as many ratings of a few shops.
fn rated(bench: &Bench, numbers: std::ops::Range<usize>) -> Vec<Value> {
    let stars = ["1", "2", "3", "4", "5"];
    let days = ["2026-09-30", "2026-10-01", "2026-11-22"];
    numbers
        .map(|i| {
            let rating = rating(&format!("shop-{}", i % 7), &format!("user-{i}"));
            write(bench, i, &rating, Some((stars[i % 5], days[i % 3])))
        })
        .collect()
}

/// The sequence numbers that the archives have, in order.
fn left(bench: &Bench) -> Vec<String> {
    let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
    let mut numbers: Vec<String> = bench
        .archives()
        .values()
        .flat_map(|archive| {
            let event: Value = serde_json::from_str(archive["payload"].as_str().unwrap()).unwrap();
            event["Records"].as_array().unwrap().iter().map(number).collect::<Vec<_>>()
        })
        .collect();
    numbers.sort();
    numbers
}

/// Presses what a person would type, and shows it.
fn transcript(bench: &Bench, arguments: &str) -> String {
    bench.types(arguments).transcript(arguments, bench)
}

fn three_kinds() -> Bench {
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..5);
    bench.archive("2026-11-22T00.13.49-whole", &archived(&records[..3]));
    bench.archive("2026-11-22T00.13.50-without", &archived_without(&records[3..4]));
    let mut aged = archived(&records[4..]);
    aged["requestContext"]["condition"] = json!("RecordAgeExceeded");
    aged["requestContext"]["approximateInvokeCount"] = json!(0);
    aged.as_object_mut().unwrap().remove("responseContext");
    bench.archive("2026-11-22T00.13.51-aged", &aged);
    bench.buckets.put("failures", "aws/lambda/other/not-ours", "{}");
    bench
}

#[test]
fn archives_are_shown() {
    let bench = three_kinds();
    bench.archive("zz-stray", &json!({ "a": 1 }));
    let shown = ["list", "peek aggregator-failures", "groups aggregator-failures", "peek publisher-failures"];
    insta::assert_snapshot!(shown.map(|arguments| transcript(&bench, arguments)).join("\n"));
    let later = bench.archives();
    bench.world.advance(Duration::from_hours(30));
    assert_eq!(bench.archives(), later);
    let peeked = bench.types("peek aggregator-failures");
    assert!(peeked.lines.contains("coffeeshop scores verify --all --stack prod"), "{}", peeked.lines);
}

#[test]
fn a_place_that_cannot_be_read_hides_no_other() {
    let mut bench = three_kinds();
    for place in &mut bench.places {
        if let Resting::Archives(archives) = &mut place.resting {
            archives.bucket = "gone".to_owned();
        }
    }
    let said = bench.types("list");
    insta::assert_snapshot!(said.transcript("list", &bench));
    let unreadable = bench.types("list --json").objects();
    let unreadable: Vec<_> = unreadable.iter().filter(|object| object["kind"] == "unreadable").collect();
    assert_eq!(
        unreadable.iter().map(|object| &object["place"]).collect::<Vec<_>>(),
        ["aggregator-failures", "publisher-failures"]
    );
    bench.world.fail_always(Some(Fault::Before));
    assert_eq!(bench.types("list").status, 1, "when nothing can be read, that is the error");
}

#[test]
fn programs_read_the_same() {
    let bench = three_kinds();
    let said = bench.types("peek aggregator-failures --json");
    let lines = said.objects().into_iter().map(|mut line| {
        line["body"] = json!(line["body"].as_str().unwrap().len());
        line.to_string()
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_is_in_the_stream_only_is_read_back_and_replayed() {
    let bench = three_kinds();
    let records = rated(&bench, 0..5);
    bench.shard.0.lock().unwrap().insert(sequence_number(3), records[3].to_string());
    let dry = transcript(&bench, "replay aggregator-failures");
    assert_eq!(bench.archives().len(), 4);
    insta::assert_snapshot!([dry, transcript(&bench, "replay aggregator-failures --execute")].join("\n"));
    assert_eq!(bench.buckets.keys("failures"), ["aws/lambda/other/not-ours"]);
    bench.check_scores();
}

#[test]
fn what_the_stream_has_no_more_stays_and_is_said() {
    let bench = three_kinds();
    let said = bench.types("replay aggregator-failures --execute");
    assert_eq!(said.status, 3);
    insta::assert_snapshot!(said.transcript("replay aggregator-failures --execute", &bench));
    assert!(bench.archives().keys().any(|key| key.ends_with("without")));
    // Some of it is gone: so is the rest, as far as anybody knows.
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..3);
    bench.archive("half", &archived_without(&records));
    bench.shard.0.lock().unwrap().insert(sequence_number(0), records[0].to_string());
    let said = bench.types("replay aggregator-failures --execute");
    assert!(said.status == 3 && said.lines.contains("there are only 1 of its 3 records"), "{said:?}");
    assert!(bench.lambda.invocations.lock().unwrap().is_empty());
    let said = bench.types("discard aggregator-failures --execute");
    assert!(said.status == 0 && bench.archives().is_empty(), "{said:?}");
}

#[test]
fn what_lacks_records_is_not_taken_for_done() {
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..3);
    let mut lacking = archived(&records);
    lacking["payload"] = json!(json!({ "Records": records[..2] }).to_string());
    bench.archive("lacking", &lacking);
    lacking["payload"] = json!(r#"{"Records":[]}"#);
    lacking["DDBStreamBatchInfo"]["batchSize"] = json!(0);
    bench.archive("empty", &lacking);
    lacking["payload"] = json!("{no JSON");
    bench.archive("half", &lacking);
    let said = bench.types("replay aggregator-failures --execute");
    assert_eq!((said.status, bench.archives().len()), (3, 3), "{said:?}");
    assert!(bench.lambda.invocations.lock().unwrap().is_empty());
}

/// The numbers of the first records of the events that a function was invoked with.
fn handed_over(bench: &Bench) -> Vec<Vec<String>> {
    let invocations = bench.lambda.invocations.lock().unwrap();
    let events = invocations.iter().map(|(_, event)| serde_json::from_slice::<Value>(event).unwrap());
    let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
    events.map(|event| event["Records"].as_array().unwrap().iter().map(number).collect()).collect()
}

#[test]
fn halves_go_in_the_order_of_their_records() {
    let bench = Bench::new().with_aggregator(&[5]);
    bench.archive("1", &archived(&rated(&bench, 0..8)));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 3);
    let firsts: Vec<String> = handed_over(&bench).into_iter().map(|numbers| numbers[0].clone()).collect();
    assert_eq!(firsts, [0, 0, 4, 4, 4, 5, 6].map(sequence_number));
}

#[test]
fn of_what_is_left_over_each_part_says_where_it_is() {
    // Three fail before one is done; the rest is tried in the pieces that there are.
    let bench = Bench::new().with_aggregator(&[0, 1, 2, 3, 6]);
    bench.archive("1", &archived(&rated(&bench, 0..16)));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 3);
    let archives = bench.archives();
    let parts: Vec<_> = archives.values().map(|archive| &archive["DDBStreamBatchInfo"]).collect();
    let mut parts: Vec<_> = parts
        .iter()
        .map(|info| [&info["startSequenceNumber"], &info["endSequenceNumber"]].map(|number| number.as_str().unwrap()))
        .collect();
    parts.sort_unstable();
    let numbers: Vec<String> = (0..16).map(sequence_number).collect();
    assert_eq!(parts, [[0, 0], [1, 1], [2, 2], [3, 3], [4, 7]].map(|ends| ends.map(|i: usize| numbers[i].as_str())));
    // Since one was done, whatever fails is halved to the end.
    let bench = Bench::new().with_aggregator(&[1, 2, 3, 4, 5]);
    bench.archive("1", &archived(&rated(&bench, 0..8)));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 3);
    assert_eq!(bench.archives().len(), 5, "each is alone");
}

#[test]
fn the_earliest_of_the_stream_go_first_also_when_there_may_be_few() {
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 98..102);
    // Numbers of streams have different lengths, and sort as numbers do.
    let short = |record: &Value| {
        let mut record = record.clone();
        record["dynamodb"]["SequenceNumber"] = json!(&sequence_number(98)[..20]);
        record
    };
    bench.archive("49-a", &archived(&records[2..]));
    bench.archive("49-b", &archived(&[short(&records[0])]));
    bench.archive("49-c", &archived(&records[1..2]));
    assert_eq!(bench.types("replay aggregator-failures --max 2 --execute").status, 0);
    assert_eq!(bench.archives().into_keys().collect::<Vec<_>>(), [format!("{MAPPING}/49-a")]);
    let said = bench.types("replay aggregator-failures --max 2");
    assert!(said.lines.contains("1 of 1 archive "), "{said:?}");
}

#[test]
fn what_was_read_back_and_is_left_over_is_kept_with_its_records() {
    let bench = Bench::new().with_aggregator(&[0, 1]);
    let records = rated(&bench, 0..2);
    for (i, record) in records.iter().enumerate() {
        bench.shard.0.lock().unwrap().insert(sequence_number(i), record.to_string());
    }
    let key = bench.archive("1", &archived_without(&records));
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 3);
    bench.shard.0.lock().unwrap().clear();
    assert!(bench.buckets.read("failures", &key).is_none());
    assert_eq!(left(&bench), [0, 1].map(sequence_number));
}

#[test]
fn many_ratings_of_one_shop_are_all_held_against_the_table() {
    let mut bench = Bench::new();
    let records: Vec<Value> = (0..250)
        .map(|i| write(&bench, i, &rating("shop-1", &format!("user-{i}")), Some(("3", "2026-11-22"))))
        .collect();
    bench.archive("1", &archived(&records));
    // A function that says that all is done, and does nothing: what is held against the table is right all the same.
    bench.lambda.handler =
        Some(Box::new(|_| Box::pin(async { Ok(coffeeshop_core::ports::Answer::Returned("null".into())) })));
    let said = bench.types("replay aggregator-failures --execute --json");
    assert_eq!((said.status, &said.summary()["ratings_repaired"]), (0, &json!(250)), "{said:?}");
    bench.check_scores();
}

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
fn what_is_left_over_again_and_again_is_left_alone() {
    let mut bench = Bench::new().with_aggregator(&[0]);
    let mut archive = archived(&rated(&bench, 0..2));
    archive["replayed"] = json!("3/run-0");
    bench.archive("1", &archive);
    let said = bench.types("replay aggregator-failures --execute");
    assert!(said.status == 3 && said.lines.contains("1 were left alone"), "{said:?}");
    assert!(bench.types("peek aggregator-failures").lines.contains("replayed  3 times, last by run-0"));
    let said = bench.types("replay aggregator-failures --max-replays 4 --execute");
    let run = bench.runs().pop().unwrap();
    let parts: Vec<Value> = bench.archives().into_values().map(|archive| archive["replayed"].clone()).collect();
    assert_eq!(parts, [json!(format!("4/{run}"))], "{said:?}");
    bench.mend_aggregator(&[]);
    bench.archive("2", &archive);
    let said = bench.types("peek aggregator-failures --limit 1");
    assert!(said.lines.contains("1 archive of"), "{said:?}");
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
fn a_batch_of_500_with_a_poisonous_record_in_its_middle() {
    for poison in [250, 0, 499] {
        let mut bench = Bench::new().with_aggregator(&[poison]);
        let records = rated(&bench, 0..500);
        let key = bench.archive("2026-11-22T00.13.49-whole", &archived(&records));
        let said = bench.types("replay aggregator-failures --execute --json");
        assert_eq!(said.status, 3, "{said:?}");
        let archives = bench.archives();
        let [(part, archive)] = &archives.iter().collect::<Vec<_>>()[..] else { panic!("{archives:?}") };
        assert!(part.starts_with(&format!("{key}_")), "{part}");
        assert_eq!(left(&bench), [sequence_number(poison)]);
        assert_eq!(archive["DDBStreamBatchInfo"]["startSequenceNumber"], json!(sequence_number(poison)));
        assert_eq!(archive["DDBStreamBatchInfo"]["endSequenceNumber"], json!(sequence_number(poison)));
        assert_eq!(archive["DDBStreamBatchInfo"]["batchSize"], json!(1));
        assert_eq!(archive["requestContext"]["condition"], json!("RetryAttemptsExhausted"));
        assert!(archive["replayed"].as_str().unwrap().starts_with("1/"));
        let summary = said.summary();
        let counts = ["planned", "done", "parted", "records_done", "ratings_held"].map(|name| &summary[name]);
        assert_eq!(counts, [&json!(1), &json!(0), &json!(1), &json!(499), &json!(500)]);
        // The rating of the record is held against the table, whoever handled its record.
        bench.check_scores();

        let again = bench.types("replay aggregator-failures --execute");
        assert_eq!((again.status, left(&bench).len()), (3, 1), "what is alone stays as it is: {again:?}");
        bench.mend_aggregator(&[]);
        let said = bench.types("replay aggregator-failures --execute");
        assert_eq!((said.status, bench.archives().len()), (0, 0), "{said:?}");
        bench.check_scores();
    }
}

#[test]
fn several_poisonous_records_are_each_alone_in_the_end() {
    let poison: Vec<usize> = vec![0, 1, 2, 3, 17, 18, 40, 99];
    let bench = Bench::new().with_aggregator(&poison);
    bench.archive("whole", &archived(&rated(&bench, 0..100)));
    for _ in 0..3 {
        assert_eq!(bench.types("replay aggregator-failures --execute --max-replays 9").status, 3);
    }
    let mut expected: Vec<String> = poison.iter().map(|number| sequence_number(*number)).collect();
    expected.sort();
    assert_eq!((left(&bench), bench.archives().len()), (expected, poison.len()));
    bench.check_scores();
}

#[test]
fn a_function_that_fails_with_everything_is_not_asked_for_long() {
    let all: Vec<usize> = (0..500).collect();
    let bench = Bench::new().with_aggregator(&all);
    let key = bench.archive("whole", &archived(&rated(&bench, 0..500)));
    let before = bench.buckets.read("failures", &key);
    let said = bench.types("replay aggregator-failures --execute");
    assert_eq!(said.status, 3);
    assert!(said.lines.contains("none of its 500 records could be done"), "{said:?}");
    assert_eq!(bench.buckets.read("failures", &key), before, "it stays as it is");
    let invocations = bench.lambda.invocations.lock().unwrap().len();
    assert!(invocations < 25, "{invocations}");
}

#[test]
fn what_is_given_back_is_handed_over_again_from_there() {
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..30);
    bench.archive("whole", &archived(&records));
    // The first call of the aggregator's store that goes wrong: the shops of it are given back.
    bench.scores.fail(3, Fault::Before);
    let said = bench.types("replay aggregator-failures --execute");
    assert_eq!(said.status, 0, "{said:?}");
    assert!(bench.lambda.invocations.lock().unwrap().len() > 1);
    assert!(bench.archives().is_empty());
    bench.check_scores();
}

#[test]
fn a_payload_of_six_megabytes_is_cut_in_order() {
    let bench = Bench::new().with_aggregator(&[]);
    rated(&bench, 0..500);
    let comment = "é\"".repeat(3120);
    let records: Vec<Value> = (0..500)
        .map(|i| {
            let rating = rating(&format!("shop-{}", i % 7), &format!("user-{i}"));
            record(i, &rating, Some((["1", "2", "3", "4", "5"][i % 5], "2026-11-22")), &comment)
        })
        .collect();
    let archived = archived(&records);
    let bytes = archived["payload"].as_str().unwrap().len();
    assert!(bytes > INVOCATION_BYTES_MAX && bytes < INVOCATION_BYTES_MAX * 21 / 20, "{bytes}");
    bench.archive("large", &archived);
    let said = bench.types("replay aggregator-failures --execute");
    assert_eq!(said.status, 0, "{said:?}");
    let invocations = bench.lambda.invocations.lock().unwrap();
    let events: Vec<Value> = invocations.iter().map(|(_, event)| serde_json::from_slice(event).unwrap()).collect();
    assert!(invocations.iter().all(|(name, event)| name == "prod-aggregator" && event.len() <= INVOCATION_BYTES_MAX));
    assert_eq!(events.len(), 2);
    let handed: Vec<Value> = events.iter().flat_map(|event| event["Records"].as_array().unwrap().clone()).collect();
    assert!(handed == records, "in order, each once");
    bench.check_scores();
}

#[test]
fn archives_go_in_the_order_of_their_records() {
    let bench = Bench::new().with_aggregator(&[]);
    let records = rated(&bench, 0..9);
    // Pieces of one batch, archived in one second.
    for (name, part) in [("49-c", 0..2), ("49-a", 2..3), ("49-d", 3..7), ("49-b", 7..9)] {
        bench.archive(name, &archived(&records[part]));
    }
    assert_eq!(bench.types("replay aggregator-failures --execute").status, 0);
    let invocations = bench.lambda.invocations.lock().unwrap();
    let firsts: Vec<Value> = invocations
        .iter()
        .map(|(_, event)| {
            let event: Value = serde_json::from_slice(event).unwrap();
            event["Records"][0]["dynamodb"]["SequenceNumber"].clone()
        })
        .collect();
    assert_eq!(firsts, [0, 2, 3, 7].map(|number| json!(sequence_number(number))));
    drop(invocations);
    bench.check_scores();
}

#[test]
fn only_what_is_chosen_is_replayed_kept_or_discarded() {
    let bench = three_kinds();
    let groups = bench.types("groups aggregator-failures --json").objects();
    assert_eq!(groups.len(), 3);
    let aged = groups.iter().find(|group| group["reason"] == "RecordAgeExceeded").unwrap();
    let group = aged["group"].as_str().unwrap();
    let said = bench.types(&format!("replay aggregator-failures --group {group} --execute"));
    assert_eq!((said.status, bench.archives().len()), (0, 3), "{said:?}");

    let file = bench.folder.path().join("kept.jsonl");
    let said = bench.types(&format!("archive aggregator-failures --shop shop-1 --to {}", file.display()));
    assert_eq!((said.status, bench.archives().len()), (0, 3), "{said:?}");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let key = kept["id"].as_str().unwrap();
    assert_eq!(kept["body"], json!(bench.buckets.read("failures", key).unwrap()));

    let said = bench.types("discard aggregator-failures --execute --json");
    assert_eq!((said.status, bench.buckets.keys("failures").len()), (0, 1), "{said:?}");
    let kept = said.summary();
    assert_eq!(kept["done"], json!(2));
}

#[test]
fn the_publisher_has_its_own_and_no_ratings() {
    let mut bench = Bench::new();
    let records = rated(&bench, 0..3);
    bench.buckets.put("failures", "aws/lambda/scores/shard/1", archived(&records).to_string());
    bench.buckets.put("failures", &format!("{MAPPING}/other"), archived(&records).to_string());
    bench.lambda.handler =
        Some(Box::new(|_| Box::pin(async { Ok(coffeeshop_core::ports::Answer::Returned("null".into())) })));
    let said = bench.types("replay publisher-failures --execute --json");
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.summary()["ratings_held"], Value::Null);
    assert_eq!(bench.buckets.keys("failures"), [format!("{MAPPING}/other")]);
    assert_eq!(bench.lambda.invocations.lock().unwrap()[0].0, "prod-publisher");
    assert!(bench.scores.take_log().is_empty(), "scores are none of its business");
    let edit = bench.types("edit publisher-failures any");
    assert!(edit.status == 1 && edit.errors.contains("nothing in publisher-failures is edited"), "{edit:?}");
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
