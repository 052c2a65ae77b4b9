//! A stream that is read back: what is asked for, where it ends, and what an answer means.

use aws_lambda_events::dynamodb::EventRecord;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::error::ErrorMetadata;
use aws_sdk_dynamodbstreams::operation::get_records::{GetRecordsError, GetRecordsOutput};
use aws_sdk_dynamodbstreams::operation::get_shard_iterator::{GetShardIteratorError, GetShardIteratorOutput};
use aws_sdk_dynamodbstreams::primitives::{Blob, DateTime};
use aws_sdk_dynamodbstreams::types::{
    AttributeValue, Identity, OperationType, Record, ShardIteratorType, StreamRecord, StreamViewType,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::stack::Stack;
use coffeeshop_aws::streams::DynamoDbStreams;
use coffeeshop_core::ports::{NotReadBack, PortError, StreamRange, Streams as _};
use serde_json::{Value, json};

use crate::stack::answering;

const STREAM: &str = "arn:aws:dynamodb:eu-central-1:000000000000:table/ratings/stream/2026-11-21T10:00:00.000";

/// From 9 to 12: as text, the last one would be before the first.
fn range() -> StreamRange {
    let [stream_arn, shard_id, first, last] = [STREAM, "shard", "9", "12"].map(str::to_owned);
    StreamRange { stream_arn, shard_id, first, last }
}

async fn read(rules: &[&Rule]) -> Result<Vec<String>, NotReadBack> {
    DynamoDbStreams::new(mock_client!(aws_sdk_dynamodbstreams, RuleMode::Sequential, rules)).read(&range()).await
}

fn started() -> Rule {
    mock!(Client::get_shard_iterator)
        .match_requests(|request| {
            request.shard_iterator_type() == Some(&ShardIteratorType::AtSequenceNumber)
                && (request.stream_arn(), request.shard_id()) == (Some(STREAM), Some("shard"))
                && request.sequence_number() == Some("9")
        })
        .then_output(|| GetShardIteratorOutput::builder().shard_iterator("0").build())
}

/// What is read at an iterator, and the next one, if there is any.
fn page(at: &'static str, numbers: &'static [u32], next: Option<&'static str>) -> Rule {
    mock!(Client::get_records).match_requests(move |request| request.shard_iterator() == Some(at)).then_output(
        move || {
            let record = |number: &u32| {
                let change = StreamRecord::builder().sequence_number(number.to_string());
                Record::builder().event_id(format!("event-{number}")).dynamodb(change.build()).build()
            };
            let records = numbers.iter().map(record).collect();
            let output = GetRecordsOutput::builder().set_records(Some(records));
            output.set_next_shard_iterator(next.map(str::to_owned)).build()
        },
    )
}

#[track_caller]
fn numbers(read: Result<Vec<String>, NotReadBack>) -> Vec<String> {
    let number = |json: &String| {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(value["eventSourceARN"], STREAM);
        value["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned()
    };
    read.unwrap().iter().map(number).collect()
}

#[track_caller]
fn failed(read: Result<Vec<String>, NotReadBack>) -> PortError {
    match read.unwrap_err() {
        NotReadBack::Failed(error) => error,
        NotReadBack::Trimmed => panic!("trimmed"),
    }
}

#[track_caller]
fn assert_trimmed(read: &Result<Vec<String>, NotReadBack>) {
    assert!(matches!(read, Err(NotReadBack::Trimmed)), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_to_the_last_record_and_no_further() {
    let first = page("0", &[9, 10], Some("1"));
    let never = page("3", &[14], Some("4"));
    let empty = page("1", &[], Some("2"));
    let last = page("2", &[11, 12, 13], Some("3"));
    assert_eq!(numbers(read(&[&started(), &first, &empty, &last, &never]).await), ["9", "10", "11", "12"]);
    assert_eq!(never.num_calls(), 0);
    // A shard that is closed has no next page.
    let all = page("0", &[9, 10, 11, 12], None);
    assert_eq!(numbers(read(&[&started(), &all]).await).len(), 4);
    // What is not there is not waited for when there is something behind it.
    let beyond = page("0", &[9, 10, 13], Some("1"));
    assert_eq!(numbers(read(&[&started(), &beyond]).await), ["9", "10"]);
}

#[tokio::test(start_paused = true)]
async fn part_of_a_range_is_an_error() {
    let (some, none) = (page("0", &[9, 10], None), page("0", &[], None));
    for (page, found) in [(some, 2), (none, 0)] {
        let error = failed(read(&[&started(), &page]).await);
        assert_eq!((error.call, error.busy), ("streams.records", false));
        assert_eq!(error.cause.to_string(), format!("shard ends before 12, after {found} records"));
    }
    for (empty_pages, goes_on) in [(19, true), (20, false)] {
        let (started, some, more) = (started(), page("0", &[9, 10], Some("1")), page("1", &[11, 12], Some("1")));
        let open: Vec<Rule> = (0..empty_pages).map(|_| page("1", &[], Some("1"))).collect();
        let rules: Vec<&Rule> = [&started, &some].into_iter().chain(&open).chain([&more]).collect();
        let result = read(&rules).await;
        if goes_on {
            assert_eq!(numbers(result), ["9", "10", "11", "12"]);
        } else {
            assert_eq!(failed(result).cause.to_string(), "shard ends before 12, after 2 records");
            assert_eq!(more.num_calls(), 0);
        }
    }
}

#[tokio::test]
async fn a_range_that_ends_before_it_begins_is_an_error() {
    let never = started();
    let streams = DynamoDbStreams::new(mock_client!(aws_sdk_dynamodbstreams, RuleMode::Sequential, [&never]));
    let backwards = StreamRange { first: "12".to_owned(), last: "9".to_owned(), ..range() };
    failed(streams.read(&backwards).await);
    assert_eq!(never.num_calls(), 0);
}

#[tokio::test]
async fn records_that_are_gone_are_told_apart() {
    let gone = || page("0", &[10, 11, 12], Some("1"));
    assert_trimmed(&read(&[&started(), &gone()]).await);
    assert_trimmed(&read(&[&started(), &page("0", &[13], Some("1"))]).await);
    let codes = [
        ("TrimmedDataAccessException", Err(())),
        ("ResourceNotFoundException", Err(())),
        ("ExpiredIteratorException", Ok(false)),
        ("AccessDeniedException", Ok(false)),
        ("ValidationException", Ok(false)),
        ("LimitExceededException", Ok(true)),
        ("ThrottlingException", Ok(true)),
        ("Throttling", Ok(true)),
        ("RequestLimitExceeded", Ok(true)),
        ("ProvisionedThroughputExceededException", Ok(true)),
    ];
    for (code, expected) in codes {
        let error = move || ErrorMetadata::builder().code(code).build();
        let at_start = mock!(Client::get_shard_iterator).then_error(move || GetShardIteratorError::generic(error()));
        let in_page = mock!(Client::get_records).then_error(move || GetRecordsError::generic(error()));
        let at_start = read(&[&at_start]).await;
        let in_page = read(&[&started(), &page("0", &[9], Some("1")), &in_page]).await;
        for (result, call) in [(at_start, "streams.iterator"), (in_page, "streams.records")] {
            match expected {
                Err(()) => assert_trimmed(&result),
                Ok(busy) => {
                    let error = failed(result);
                    assert_eq!((error.call, error.busy), (call, busy), "{code}");
                }
            }
        }
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn at(number: &str) -> StreamRange {
    StreamRange { first: number.to_owned(), last: number.to_owned(), ..range() }
}

async fn as_json(record: Record) -> Result<Value, NotReadBack> {
    let number = record.dynamodb().unwrap().sequence_number().unwrap().to_owned();
    let start =
        mock!(Client::get_shard_iterator).then_output(|| GetShardIteratorOutput::builder().shard_iterator("0").build());
    let page = mock!(Client::get_records)
        .then_output(move || GetRecordsOutput::builder().records(record.clone()).next_shard_iterator("1").build());
    let streams = DynamoDbStreams::new(mock_client!(aws_sdk_dynamodbstreams, RuleMode::Sequential, [&start, &page]));
    Ok(serde_json::from_str(&streams.read(&at(&number)).await?[0]).unwrap())
}

fn rating() -> (StreamRecord, Record) {
    let change = StreamRecord::builder()
        .approximate_creation_date_time(DateTime::from_secs(1_795_255_200))
        .keys("shop_id", text("shop-1"))
        .keys("user_id", text("user-1"))
        .new_image("shop_id", text("shop-1"))
        .new_image("user_id", text("user-1"))
        .new_image("stars", AttributeValue::N("5".to_owned()))
        .new_image("rated_at", text("2026-11-21T12:00:00Z"))
        .new_image("comment", text("crème brûlée"))
        .sequence_number("100000000000000000001")
        .size_bytes(120)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build();
    let record = Record::builder()
        .event_id("00000000000000000000000000000001")
        .event_name(OperationType::Insert)
        .event_version("1.1")
        .event_source("aws:dynamodb")
        .aws_region("eu-central-1")
        .dynamodb(change.clone())
        .build();
    (change, record)
}

#[tokio::test]
async fn a_record_is_as_lambda_hands_it_over() {
    let fixture = include_str!("../../../../fixtures/events/ratings/records.json");
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    assert_eq!(as_json(rating().1).await.unwrap(), fixture["Records"][0]);
}

#[tokio::test]
async fn a_deletion_by_time_to_live_has_its_user_and_every_type_of_attribute_is_kept() {
    let (mut change, mut record) = rating();
    record.event_name = Some(OperationType::Remove);
    let user = Identity::builder().r#type("Service").principal_id("dynamodb.amazonaws.com").build();
    record.user_identity = Some(user);
    let blob = |bytes: &[u8]| Blob::new(bytes);
    let image = [
        ("binary", AttributeValue::B(blob(&[0, 255])), json!({ "B": "AP8=" })),
        ("flag", AttributeValue::Bool(false), json!({ "BOOL": false })),
        ("nothing", AttributeValue::Null(true), json!({ "NULL": true })),
        ("texts", AttributeValue::Ss(vec!["a".to_owned()]), json!({ "SS": ["a"] })),
        ("numbers", AttributeValue::Ns(vec!["1".to_owned()]), json!({ "NS": ["1"] })),
        ("binaries", AttributeValue::Bs(vec![blob(&[1])]), json!({ "BS": ["AQ=="] })),
        ("list", AttributeValue::L(vec![text("a")]), json!({ "L": [{ "S": "a" }] })),
        ("map", AttributeValue::M([("a".to_owned(), text("b"))].into()), json!({ "M": { "a": { "S": "b" } } })),
    ];
    let (names, expected): (Vec<_>, Vec<_>) = image.iter().map(|(name, _, json)| (*name, json.clone())).unzip();
    change.new_image = None;
    change.old_image = Some(image.into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect());
    record.dynamodb = Some(change);
    let json = as_json(record).await.unwrap();
    for (name, expected) in names.into_iter().zip(expected) {
        assert_eq!(json["dynamodb"]["OldImage"][name], expected);
    }
    assert_eq!(json["dynamodb"].get("NewImage"), None);
    let read: EventRecord = serde_json::from_value(json).unwrap();
    let user = read.user_identity.unwrap();
    assert_eq!((user.type_.as_str(), user.principal_id.as_str()), ("Service", "dynamodb.amazonaws.com"));
    assert_eq!(read.change.approximate_creation_date_time.timestamp(), 1_795_255_200);
}

/// Both calls are answered so: each takes its own part of it.
async fn answered(status: &'static str, body: Value) -> NotReadBack {
    let info = answering(status, "application/x-amz-json-1.0", body.to_string()).await;
    Stack::of(&info).streams().read(&range()).await.unwrap_err()
}

#[tokio::test]
async fn what_cannot_be_handed_on_is_an_error() {
    let change = |keys: Value| json!({ "dynamodb": { "SequenceNumber": "9", "Keys": keys } });
    for (record, cause) in [
        (json!({ "eventID": "1" }), "a record has no sequence number"),
        (change(json!({ "a": { "X": "1" } })), "the attribute `a` is of a type that is not known here"),
        (
            change(json!({ "a": { "L": [{ "M": { "b": { "X": "1" } } }] } })),
            "the attribute `a` is of a type that is not known here",
        ),
    ] {
        let body = json!({ "ShardIterator": "0", "Records": [record] });
        match answered("200 OK", body).await {
            NotReadBack::Failed(error) => assert_eq!(error.cause.to_string(), cause),
            NotReadBack::Trimmed => panic!("{cause}"),
        }
    }
}

#[tokio::test]
async fn what_the_service_says_is_understood() {
    let trimmed = json!({ "__type": "com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException", "message": "no" });
    assert!(matches!(answered("400 Bad Request", trimmed).await, NotReadBack::Trimmed));
}
