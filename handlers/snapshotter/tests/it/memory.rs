//! The memory of a snapshot of 200,000 scores: the real adapters, on answers that a generator makes.
//!
//! The process that is measured is this program once more, with that one test in it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::infallible_client_fn;
use coffeeshop_aws::SystemClock;
use coffeeshop_aws::scan::TableScan;
use coffeeshop_aws::uploads::S3Uploads;
use coffeeshop_snapshotter::snapshot::{FILES, hourly};
use serde_json::{Value, json};

const SCORES: u64 = 200_000;

/// Of the first segment.
const FIRST: u64 = 102_000;

/// Each of about 450 bytes as DynamoDB counts them: a page is of 1 MB.
const PAGE_ITEMS: u64 = 2_300;

const BYTES_MAX: u64 = 256 << 20;

const MEASURED: &str = "memory::measured";

/// The most memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// A score as DynamoDB's JSON has it.
fn item(number: u64) -> String {
    let (shop, month) = (number / 12, number % 12 + 1);
    let counts = [0, 7, 14, 21, 28].map(|stars| (number * 31 + stars) % 900);
    let (count, sum) = (counts.iter().sum::<u64>(), counts.iter().zip(1..).map(|(n, stars)| n * stars).sum::<u64>());
    let histogram = counts.map(|count| format!(r#"{{"N":"{count}"}}"#)).join(",");
    let (mean, score) = (sum * 1_000_000 / count.max(1), 3_000_000 + number % 1_900_000);
    let (shop_id, city) = (shop.wrapping_mul(0x9E37_79B9_7F4A_7C15), format!("City of {}", shop % 700));
    let (revision, day, part) = (1_795_290_183_118 + number, number % 27 + 1, shop % 8);
    format!(
        r#"{{"shop_id":{{"S":"shop-{shop_id:016x}"}},"period":{{"S":"2026-{month:02}"}},"count":{{"N":"{count}"}},
        "sum":{{"N":"{sum}"}},"histogram":{{"L":[{histogram}]}},"mean_micros":{{"N":"{mean}"}},
        "score_micros":{{"N":"{score}"}},"formula":{{"S":"star-lcb/1"}},"revision":{{"N":"{revision}"}},
        "city":{{"S":"{city}"}},"updated_at":{{"S":"2026-11-{day:02}T10:00:00.{number:06}Z"}},
        "rank_key":{{"S":"{number:07}#{number:012}#shop"}},"period_part":{{"S":"2026-{month:02}#{part}"}},
        "city_period":{{"S":"{city}#2026-{month:02}"}}}}"#
    )
}

/// A page of a segment. The mark is the number that the next one begins at.
fn scanned(request: &Value) -> String {
    assert_eq!((&request["ConsistentRead"], &request["TotalSegments"]), (&json!(true), &json!(FILES)));
    let segment = request["Segment"].as_u64().unwrap();
    let mark = request.pointer("/ExclusiveStartKey/period/S").and_then(Value::as_str);
    let first = mark.map_or(0, |mark| mark.parse().unwrap());
    // One has several row groups, the others one each.
    let of_segment = if segment == 0 { FIRST } else { (SCORES - FIRST) / (u64::from(FILES) - 1) };
    let end = (first + PAGE_ITEMS).min(of_segment);
    let items = (first..end).map(|i| item(segment * FIRST + i)).collect::<Vec<_>>().join(",");
    let last = format!(r#","LastEvaluatedKey":{{"shop_id":{{"S":"shop"}},"period":{{"S":"{end}"}}}}"#);
    let last = if end < of_segment { &last } else { "" };
    format!(r#"{{"Count":{0},"ScannedCount":{0},"Items":[{items}]{last}}}"#, end - first)
}

fn answer(status: u16, body: String) -> http::Response<SdkBody> {
    http::Response::builder().status(status).header("etag", "\"etag\"").body(SdkBody::from(body)).unwrap()
}

/// A bucket with nothing in it, which forgets what it gets; `bytes` counts it.
fn s3(request: &http::Request<SdkBody>, bytes: &AtomicU64) -> http::Response<SdkBody> {
    let query = request.uri().query().unwrap_or_default();
    match (request.method().as_str(), query) {
        ("POST", query) if query.contains("uploads") => answer(
            200,
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>".to_owned(),
        ),
        ("POST", _) => answer(200, "<CompleteMultipartUploadResult/>".to_owned()),
        ("PUT", query) => {
            if query.contains("partNumber") {
                bytes.fetch_add(request.body().bytes().unwrap().len() as u64, Ordering::Relaxed);
            }
            answer(200, String::new())
        }
        ("GET", query) if query.contains("list-type") => {
            answer(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_owned())
        }
        ("GET", _) => answer(404, "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
        other => panic!("{other:?}"),
    }
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
#[expect(clippy::print_stdout, reason = "this is what the other process reads")]
async fn measured() {
    let pages: SharedHttpClient = infallible_client_fn(|request: http::Request<SdkBody>| {
        let request: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        answer(200, scanned(&request))
    });
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(credentials())
        .http_client(pages)
        .build();
    let uploaded = Arc::new(AtomicU64::new(0));
    let bytes = Arc::clone(&uploaded);
    let bucket: SharedHttpClient = infallible_client_fn(move |request| s3(&request, &bytes));
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(credentials())
        .http_client(bucket)
        .build();
    let scan = TableScan::scores(aws_sdk_dynamodb::Client::from_conf(dynamodb), "scores".to_owned());
    let uploads = S3Uploads::new(aws_sdk_s3::Client::from_conf(s3), "analytics".to_owned());
    let before = peak();
    let manifest = hourly(&scan, &uploads, &SystemClock).await.unwrap();
    assert_eq!(manifest.bytes, uploaded.load(Ordering::Relaxed));
    println!("measured: {} rows, {} bytes, {} before, {} at most", manifest.rows, manifest.bytes, before, peak());
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn of_200_000_scores_is_bounded() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", MEASURED, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{output}{}", String::from_utf8_lossy(&child.stderr));
    let line = output.lines().find_map(|line| line.split_once("measured: ")).unwrap().1;
    let numbers: Vec<u64> =
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    let [rows, bytes, before, peak] = numbers[..] else { panic!("{line}") };
    assert_eq!(rows, SCORES);
    assert!(bytes > 1 << 20, "{line}");
    assert!(before < peak && peak < BYTES_MAX, "{line}");
}
