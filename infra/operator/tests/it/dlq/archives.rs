//! Archives of streams: seen, chosen, read back, and replayed by the aggregator itself.

mod faults;
mod parts;

use std::time::Duration;

use coffeeshop_core::place::Resting;
use coffeeshop_core::testing::Fault;
use serde_json::{Value, json};

use super::bench::Bench;
use super::stream::{MAPPING, archived, archived_without, rating, sequence_number, write};

/// Records of as many ratings of a few shops.
pub(super) fn rated(bench: &Bench, numbers: std::ops::Range<usize>) -> Vec<Value> {
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
pub(super) fn left(bench: &Bench) -> Vec<String> {
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
