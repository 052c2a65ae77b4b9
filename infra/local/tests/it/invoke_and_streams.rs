//! A function invoked by hand, and a stream read back, on the emulator: as the operator's command does.
//!
//! With that, the gap `invocation_size`. What is read back is held against what the mapping has archived of the same changes. Each answer that AWS can give is
//! tried in `infra/aws`.

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use coffeeshop_aws::stack::Stack;
use coffeeshop_core::ports::{Answer, Functions as _, INVOCATION_BYTES_MAX, NotReadBack, StreamRange, Streams as _};
use coffeeshop_local::StackInfo;
use serde_json::{Value, json};

use crate::stack;
use crate::streamed::{Item, Streamed, item};

/// An event of one record, as far as `streamed.py` reads it.
fn event(what: Option<&str>, filling: &str) -> Bytes {
    let mut image = json!({ "id": { "S": "by-hand" }, "step": { "N": "0" }, "filling": { "S": filling } });
    if let Some(what) = what {
        image["do"] = json!({ "S": what });
    }
    let change = json!({ "SequenceNumber": "7", "Keys": { "id": { "S": "by-hand" } }, "NewImage": image });
    json!({ "Records": [{ "dynamodb": change }] }).to_string().into()
}

async fn invoke(stack: &StackInfo, function: &str, payload: Bytes) -> Answer {
    Stack::of(stack).functions().invoke(function, payload).await.unwrap()
}

#[tokio::test]
async fn a_function_returns_or_fails() {
    let stack = stack().await;
    let streamed = Streamed::new(&stack, "by-hand").await;
    let function = "streamed-by-hand";
    let nothing_failed = Answer::Returned(Bytes::from_static(b"{\"batchItemFailures\": []}"));
    assert_eq!(invoke(&stack, function, event(None, "")).await, nothing_failed);
    let failed = Answer::Failed { error: "RuntimeError: cannot handle 7".to_owned() };
    assert_eq!(invoke(&stack, function, event(Some("fail"), "")).await, failed);

    // The most that Lambda takes, and it comes in one piece.
    let empty = event(None, "").len();
    let largest = event(None, &"x".repeat(INVOCATION_BYTES_MAX - empty));
    assert_eq!(largest.len(), INVOCATION_BYTES_MAX);
    assert_eq!(invoke(&stack, function, largest).await, nothing_failed);
    // The emulator writes it anew, with spaces.
    assert!(streamed.invocations().last().unwrap().bytes >= INVOCATION_BYTES_MAX as u64);

    // What it does not know ends its process without a word.
    let Answer::Failed { error } = invoke(&stack, function, event(Some("crash"), "")).await else {
        panic!("it went on")
    };
    assert!(error.contains("Runtime.ExitError"), "{error}");
    assert_eq!(invoke(&stack, function, event(None, "")).await, nothing_failed, "a new process");

    for (function, payload, code) in [
        ("streamed-nobody", event(None, ""), "ResourceNotFoundException"),
        // A gap of its own, `invocation_size`.
        (function, event(None, &"x".repeat(INVOCATION_BYTES_MAX + 1 - empty)), "RequestTooLargeException"),
    ] {
        let error = Stack::of(&stack).functions().invoke(function, payload).await.unwrap_err();
        assert_eq!((error.call, error.busy), ("functions.invoke", false), "{error:?}");
        assert!(format!("{error:?}").contains(code), "{error:?}");
    }
}

/// What a batch's archive says of it, and the records in it.
fn archived(object: &Value) -> (StreamRange, Vec<Value>) {
    let batch = &object["DDBStreamBatchInfo"];
    let text = |name: &str| batch[name].as_str().unwrap().to_owned();
    let range = StreamRange {
        stream_arn: text("streamArn"),
        shard_id: text("shardId"),
        first: text("startSequenceNumber"),
        last: text("endSequenceNumber"),
    };
    let event: Value = serde_json::from_str(object["payload"].as_str().unwrap()).unwrap();
    (range, event["Records"].as_array().unwrap().clone())
}

async fn read(stack: &StackInfo, range: &StreamRange) -> Result<Vec<Value>, NotReadBack> {
    let records = Stack::of(stack).streams().read(range).await?;
    Ok(records.iter().map(|record| serde_json::from_str(record).unwrap()).collect())
}

#[tokio::test]
async fn records_are_read_back_as_they_were_archived() {
    let stack = stack().await;
    let streamed = Streamed::new(&stack, "read-back").await;
    streamed.put([item("before")]).await;
    // A page has 1 MB at most: no more than three of them.
    streamed.put((1..=8).map(|number| Item { bytes: 300_000, ..item(&number.to_string()).does("fail") })).await;
    streamed.put([item("8").does("fail"), item("behind")]).await;
    streamed.map(json!({ "BatchSize": 9, "MaximumRetryAttempts": 0 })).await;
    let objects = streamed.archived(2).await;
    let mut ranges: Vec<_> = objects.iter().map(|(_, object)| archived(object)).collect();
    ranges.sort_by(|(a, _), (b, _)| a.first.cmp(&b.first));
    for (range, records) in &ranges {
        assert_eq!(&read(&stack, range).await.unwrap(), records);
    }
    let (whole, part) = (&ranges[0].0, &ranges[0].1[2..5]);
    let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
    let in_the_middle = StreamRange { first: number(&part[0]), last: number(&part[2]), ..whole.clone() };
    assert_eq!(read(&stack, &in_the_middle).await.unwrap(), part);
}

#[tokio::test]
async fn what_is_not_in_the_stream_is_not_read_in_part() {
    let stack = stack().await;
    let streamed = Streamed::new(&stack, "not-there").await;
    streamed.put([item("only").does("fail")]).await;
    streamed.map(json!({ "BatchSize": 1, "MaximumRetryAttempts": 0 })).await;
    let (range, _) = archived(&streamed.archived(1).await[0].1);

    let Err(NotReadBack::Failed(error)) = read(&stack, &StreamRange { last: "9".repeat(40), ..range.clone() }).await
    else {
        panic!("the shard is open, and has not all of it")
    };
    assert!(error.cause.to_string().contains("after 1 records"), "{error:?}");
    let gone = [
        StreamRange { first: "1".repeat(21), ..range.clone() },
        StreamRange { shard_id: "shardId-00000000000000000001-00000001".to_owned(), ..range.clone() },
        StreamRange { stream_arn: range.stream_arn.replace("not-there", "never-there"), ..range.clone() },
    ];
    for range in gone {
        let read = read(&stack, &range).await;
        assert!(matches!(read, Err(NotReadBack::Trimmed)), "{range:?}: {read:?}");
    }
}

#[tokio::test]
async fn every_type_of_attribute_is_read_back_as_the_function_gets_it() {
    use aws_sdk_dynamodb::primitives::Blob;

    let stack = stack().await;
    let streamed = Streamed::new(&stack, "types").await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = dynamodb.put_item().table_name("streamed-types").item("id", text("types")).item("do", text("fail"));
    let put = put
        .item("binary", AttributeValue::B(Blob::new([0, 255])))
        .item("flag", AttributeValue::Bool(true))
        .item("nothing", AttributeValue::Null(true))
        .item("number", AttributeValue::N("1.50".to_owned()))
        .item("texts", AttributeValue::Ss(vec!["a".to_owned()]))
        .item("numbers", AttributeValue::Ns(vec!["1".to_owned()]))
        .item("binaries", AttributeValue::Bs(vec![Blob::new([1])]))
        .item("list", AttributeValue::L(vec![text("a"), AttributeValue::M([("b".to_owned(), text("c"))].into())]));
    put.send().await.unwrap();
    streamed.map(json!({ "BatchSize": 1, "MaximumRetryAttempts": 0 })).await;
    let (range, records) = archived(&streamed.archived(1).await[0].1);
    assert_eq!(records[0]["dynamodb"]["NewImage"]["binary"], json!({ "B": "AP8=" }));
    assert_eq!(read(&stack, &range).await.unwrap(), records);
}
