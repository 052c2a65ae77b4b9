//! Bills reckoned by hand.

use serde_json::json;

use super::super::inputs::{Calls, Function};
use super::*;

fn inputs() -> Inputs {
    let rate = |usd: f64| json!({ "usd": usd, "certain": true });
    let prices = json!({
        "region": "here",
        "read_on": "today",
        "usd_a_million": {
            "lambda_gb_seconds": rate(16.0), "lambda_requests": rate(0.2),
            "s3_put": rate(5.0), "s3_list": rate(5.0), "s3_get": rate(0.4),
            "dynamodb_write_units": rate(0.6), "dynamodb_read_units": rate(0.1),
            "sns_publishes": rate(0.5), "sqs_requests": rate(0.4),
        },
    });
    let calls = json!({
        "photo": { "s3_get": 1, "s3_put": 3, "s3_list": 1, "read_units": 1, "write_units": 2 },
        "rating_alone": { "ratings": 1, "read_units": 4, "write_units": 14, "scores": 2 },
        "ratings_batch": { "ratings": 500, "read_units": 1000, "write_units": 5000, "scores": 1000 },
    });
    let photos = json!({ "machine": "this", "date": "today", "engines": [{ "name": "ours", "cpu_ms_mean": 40.0 }] });
    let memory = |memory_mb| Function { memory_mb };
    Inputs {
        prices: serde_json::from_value(prices).unwrap(),
        calls: serde_json::from_value(calls).unwrap(),
        photos: serde_json::from_value(photos).unwrap(),
        beyond_pixels_ms: None,
        functions: [
            ("ThumbnailerFunction", memory(1769.0)),
            ("AggregatorFunction", memory(512.0)),
            ("PublisherFunction", memory(256.0)),
            ("NotifierFunction", memory(256.0)),
        ]
        .into(),
    }
}

#[track_caller]
fn check(lines: &[Line], expected: &[(&str, &str, f64, f64)]) {
    let found: Vec<_> = lines.iter().map(|line| (line.step, line.what)).collect();
    assert_eq!(found, expected.iter().map(|(step, what, ..)| (*step, *what)).collect::<Vec<_>>());
    for (line, (_, _, count, usd)) in lines.iter().zip(expected) {
        assert!((line.count - count).abs() < 1e-9 && (line.usd - usd).abs() < 1e-6, "{line:?}, not {count} for {usd}");
    }
}

#[test]
fn a_photo_alone() {
    let photos = Photos { traffic: Traffic::Alone, cpu_ms: 40.0, lists: 1.0, memory_mb: 2048.0 };
    check(
        &photos.lines(&inputs()),
        &[
            ("made", "S3 PUT", 3.0, 15.0),
            ("made", "S3 LIST", 1.0, 5.0),
            ("made", "S3 GET", 1.0, 0.4),
            // 40 ms of 2 GB: one thread has one core.
            ("made", "GB-seconds", 0.08, 1.28),
            ("made", "Lambda requests", 1.0, 0.2),
            ("made", "write units", 2.0, 1.2),
            ("made", "read units", 1.0, 0.1),
            ("made", "SQS requests", 3.0, 1.2),
            ("announced", "SNS publishes", 1.0, 0.5),
            ("announced", "GB-seconds", 0.0075, 0.12),
            ("announced", "Lambda requests", 1.0, 0.2),
            ("told", "GB-seconds", 0.025, 0.4),
            ("told", "Lambda requests", 2.0, 0.4),
            ("told", "write units", 1.0, 0.6),
            ("told", "read units", 2.0, 0.2),
            ("told", "SQS requests", 6.0, 2.4),
        ],
    );
}

#[test]
fn photos_in_full_batches_without_a_list() {
    let photos = Photos { traffic: Traffic::Full, cpu_ms: 40.0, lists: 0.0, memory_mb: 3538.0 };
    let lines = photos.lines(&inputs());
    check(
        &lines[..8],
        &[
            ("made", "S3 PUT", 3.0, 15.0),
            ("made", "S3 LIST", 0.0, 0.0),
            ("made", "S3 GET", 1.0, 0.4),
            // 200 ms on two cores, of 3,538 MB, for five.
            ("made", "GB-seconds", 0.1 * 3538.0 / 1024.0 / 5.0, 16.0 * 0.1 * 3538.0 / 1024.0 / 5.0),
            ("made", "Lambda requests", 0.2, 0.04),
            ("made", "write units", 2.0, 1.2),
            ("made", "read units", 1.0, 0.1),
            ("made", "SQS requests", 1.4, 0.56),
        ],
    );
    check(
        &lines[8..],
        &[
            ("announced", "SNS publishes", 0.1, 0.05),
            // A hundredth of 100 ms of a quarter of a GB.
            ("announced", "GB-seconds", 0.00025, 0.004),
            ("announced", "Lambda requests", 0.01, 0.002),
            // Two invocations of 100 ms of a quarter of a GB, for ten each.
            ("told", "GB-seconds", 0.005, 0.08),
            ("told", "Lambda requests", 0.2, 0.04),
            ("told", "write units", 1.0, 0.6),
            ("told", "read units", 2.0, 0.2),
            ("told", "SQS requests", 2.4, 0.96),
        ],
    );
    let made = 15.0 + 0.4 + 16.0 * 0.1 * 3538.0 / 1024.0 / 5.0 + 0.04 + 1.2 + 0.1 + 0.56;
    assert!((total(&lines) - made - 0.056 - 1.88).abs() < 1e-9, "{}", total(&lines));
}

#[test]
fn what_the_function_waits_for_is_billed() {
    let photos = Photos { traffic: Traffic::Alone, cpu_ms: 40.0, lists: 1.0, memory_mb: 1024.0 };
    let waiting = Inputs { beyond_pixels_ms: Some(10.0), ..inputs() };
    let of = |inputs: &Inputs| photos.lines(inputs)[3].count;
    assert!((of(&waiting) - of(&inputs()) - 0.01).abs() < 1e-9);
}

#[test]
fn ratings() {
    check(
        &rating_lines(&inputs(), Traffic::Alone),
        &[
            ("counted", "write units", 14.0, 8.4),
            ("counted", "read units", 4.0, 0.4),
            ("counted", "GB-seconds", 0.03, 0.48),
            ("counted", "Lambda requests", 1.0, 0.2),
            // Two events, one call.
            ("announced", "SNS publishes", 1.0, 0.5),
            ("announced", "GB-seconds", 0.0075, 0.12),
            ("announced", "Lambda requests", 1.0, 0.2),
        ],
    );
    check(
        &rating_lines(&inputs(), Traffic::Full),
        &[
            ("counted", "write units", 10.0, 6.0),
            ("counted", "read units", 2.0, 0.2),
            ("counted", "GB-seconds", 0.0005, 0.008),
            ("counted", "Lambda requests", 0.002, 0.0004),
            ("announced", "SNS publishes", 0.2, 0.1),
            ("announced", "GB-seconds", 0.0005, 0.008),
            ("announced", "Lambda requests", 0.02, 0.004),
        ],
    );
}

#[test]
fn waiting_for_nothing() {
    // 648,000 polls of a queue.
    assert!((idle_usd_a_month(&inputs(), 3.0) - 3.0 * 0.648 * 0.4).abs() < 1e-9);
}

#[test]
fn batches_are_as_large_as_the_template_says() {
    let root = coffeeshop_local::repo_root();
    let template = std::fs::read_to_string(root.join("infra/template.yaml")).unwrap();
    let sizes = template.lines().filter_map(|line| line.trim().strip_prefix("BatchSize: ")?.parse().ok());
    let calls: Calls = serde_json::from_slice(&std::fs::read(root.join("infra/bench/calls.json")).unwrap()).unwrap();
    let publisher = [PUBLISHER_RECORDS; 3];
    let expected = [&[UPLOADS, calls.ratings_batch.ratings], &publisher[..], &[NOTIFIER_MESSAGES; 2]].concat();
    assert_eq!(sizes.collect::<Vec<f64>>(), expected);
}
