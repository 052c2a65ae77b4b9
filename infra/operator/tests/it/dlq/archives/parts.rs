//! What an archive becomes on its way: parts, in order, until the bad records are alone.

use coffeeshop_core::ports::INVOCATION_BYTES_MAX;
use coffeeshop_core::testing::Fault;
use serde_json::{Value, json};

use super::super::bench::Bench;
use super::super::stream::{MAPPING, archived, rating, record, sequence_number};
use super::{left, rated};

/// The numbers of the first records of the events that a function was invoked with.
pub(super) fn handed_over(bench: &Bench) -> Vec<Vec<String>> {
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
