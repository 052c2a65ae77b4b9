//! The gap `stream_mapping`: a table's changes come to a function, and what fails ends, as on AWS.
//!
//! A test a behaviour, each against what AWS documents. What is expected is the list of invocations, in order, with the
//! items that each was given; an item `last` in a batch of its own says that all before it is decided.

use coffeeshop_local::StackInfo;
use serde_json::{Value, json};

use crate::stack;
use crate::streamed::{Item, Streamed, eventually, item};

const REPORTING: &str = "ReportBatchItemFailures";

/// Items `1` to `count`, of which one does something, and then `last`.
fn items(count: u32, which: u32, does: impl Fn(Item) -> Item) -> Vec<Item> {
    let mut items: Vec<_> = (1..=count)
        .map(|number| {
            let item = item(&number.to_string());
            if number == which { does(item) } else { item }
        })
        .collect();
    items.push(item("last"));
    items
}

/// Writes the items, maps them, and compares what the function is given.
async fn check(stack: &StackInfo, name: &str, items: Vec<Item>, mapping: Value, expected: &[&str]) -> Streamed {
    let streamed = Streamed::new(stack, name).await;
    streamed.put(items).await;
    streamed.map(mapping).await;
    assert_eq!(streamed.until("last").await, expected, "{name}");
    streamed
}

/// The items of an archived batch.
fn payload(object: &Value) -> Vec<String> {
    let event: Value = serde_json::from_str(object["payload"].as_str().unwrap()).unwrap();
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["dynamodb"]["Keys"]["id"]["S"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_batch_that_keeps_failing_is_retried_and_then_rests_whole_in_s3() {
    let streamed = Streamed::new(&stack().await, "retries").await;
    streamed.put(items(3, 2, |item| item.does("fail"))).await;
    let mapping = streamed.map(json!({ "BatchSize": 3, "MaximumRetryAttempts": 2 })).await;
    assert_eq!(streamed.until("last").await, ["1 2 3", "1 2 3", "1 2 3", "last"]);

    let [(key, object)] = streamed.archived(1).await.try_into().unwrap();
    let parts: Vec<&str> = key.split('/').collect();
    let [aws, lambda, uuid, shard, year, month, day, file] = parts.as_slice() else { panic!("{key}") };
    assert_eq!((*aws, *lambda, *uuid), ("aws", "lambda", mapping.as_str()));
    assert_eq!(object["DDBStreamBatchInfo"]["shardId"], *shard);
    assert!(shard.starts_with("shardId-"), "{key}");
    // YYYY-MM-DDTHH.MM.SS-{UUID}
    assert!(file.starts_with(&format!("{year}-{month}-{day}T")), "{key}");
    let (time, id) = (&file["2026-11-20T".len()..], "-a0000000-0000-0000-0000-000000000000");
    assert_eq!(time.len(), "00.00.00".len() + id.len(), "{key}");
    assert_eq!(time.find('-'), Some("00.00.00".len()), "{key}");

    assert_eq!(payload(&object), ["1", "2", "3"]);
    let event: Value = serde_json::from_str(object["payload"].as_str().unwrap()).unwrap();
    let (first, last) = (&event["Records"][0]["dynamodb"], &event["Records"][2]["dynamodb"]);
    assert_eq!(first["NewImage"]["step"]["N"], "0", "whole records: {event}");
    let batch = &object["DDBStreamBatchInfo"];
    assert_eq!(batch["startSequenceNumber"], first["SequenceNumber"]);
    assert_eq!(batch["endSequenceNumber"], last["SequenceNumber"]);
    assert_eq!(batch["batchSize"], 3);
    assert!(batch["streamArn"].as_str().unwrap().contains(":table/streamed-retries/stream/"), "{batch}");
    assert!(batch["approximateArrivalOfFirstRecord"].as_str().unwrap().ends_with('Z'), "{batch}");
    assert!(batch["approximateArrivalOfLastRecord"].as_str().unwrap().ends_with('Z'), "{batch}");
    assert_eq!(object["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(object["requestContext"]["approximateInvokeCount"], 3);
    assert!(object["requestContext"]["functionArn"].as_str().unwrap().ends_with(":function:streamed-retries"));
    let response = json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
    assert_eq!(object["responseContext"], response);
    assert_eq!(object["version"], "1.0");
}

#[tokio::test]
async fn bisection_isolates_a_record_in_order_and_uses_up_no_retry() {
    let mapping = json!({ "BatchSize": 8, "MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": true });
    let poison = items(8, 5, |item| item.does("fail"));
    let expected = ["1 2 3 4 5 6 7 8", "1 2 3 4", "5 6 7 8", "5 6", "5", "5", "6", "7 8", "last"];
    let streamed = check(&stack().await, "bisect", poison, mapping, &expected).await;
    let [(_, object)] = streamed.archived(1).await.try_into().unwrap();
    assert_eq!(payload(&object), ["5"]);
}

#[tokio::test]
async fn a_partial_response_is_retried_from_its_lowest_number_on() {
    let stack = stack().await;
    let mapping = json!({ "BatchSize": 5, "MaximumRetryAttempts": 1, "FunctionResponseTypes": [REPORTING] });
    let mut two = items(5, 4, |item| item.does("report").times(1));
    two[1] = item("2").does("report").times(1);
    check(&stack, "partial", two, mapping, &["1 2 3 4 5", "2 3 4 5", "last"]).await;
}

/// With bisection too the split is at the number, and nothing is halved.
#[tokio::test]
async fn a_retry_is_used_up_when_a_partial_response_does_not_get_on() {
    let stack = stack().await;
    for (name, bisect) in [("stuck", false), ("stuck-bisect", true)] {
        let mapping = json!({
            "BatchSize": 4,
            "MaximumRetryAttempts": 2,
            "BisectBatchOnFunctionError": bisect,
            "FunctionResponseTypes": [REPORTING],
        });
        let blocked = items(4, 3, |item| item.does("report"));
        let expected = ["1 2 3 4", "3 4", "3 4", "3 4", "last"];
        let streamed = check(&stack, name, blocked, mapping, &expected).await;
        let [(_, object)] = streamed.archived(1).await.try_into().unwrap();
        assert_eq!(payload(&object), ["3", "4"]);
        assert_eq!(object["requestContext"]["approximateInvokeCount"], 4);
        assert_eq!(object["responseContext"]["functionError"], Value::Null);
    }
}

#[tokio::test]
async fn a_response_that_cannot_be_understood_fails_the_whole_batch() {
    let strange = ["empty number", "null number", "unknown number", "wrong name", "no list", "no object"];
    let mut batches = Vec::new();
    let mut expected = Vec::new();
    for what in strange {
        batches.extend([item("before"), item(what).does(what).times(1)]);
        expected.extend([format!("before {what}"), format!("before {what}")]);
    }
    batches.push(item("last"));
    expected.push("last".to_owned());
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    // The same item twice, unchanged, would be no second change.
    for (step, item) in (0..).zip(&mut batches) {
        item.step = step;
    }
    let mapping = json!({ "BatchSize": 2, "MaximumRetryAttempts": 1, "FunctionResponseTypes": [REPORTING] });
    check(&stack().await, "strange", batches, mapping, &expected).await;
}

#[tokio::test]
async fn nothing_returned_is_success() {
    let nothing = ["null", "empty object", "null list"];
    let mut batches: Vec<Item> = nothing.map(|what| item(what).does(what)).into();
    batches.push(item("last"));
    let mapping = json!({ "BatchSize": 1, "FunctionResponseTypes": [REPORTING] });
    check(&stack().await, "nothing", batches, mapping, &["null", "empty object", "null list", "last"]).await;
}

#[tokio::test]
async fn without_being_asked_for_a_partial_response_is_ignored() {
    let mapping = json!({ "BatchSize": 2, "MaximumRetryAttempts": 1 });
    let reporting = items(2, 1, |item| item.does("report"));
    check(&stack().await, "unasked", reporting, mapping, &["1 2", "last"]).await;
}

#[tokio::test]
async fn a_slow_item_stalls_only_its_own_lane_and_every_item_keeps_its_order() {
    const OTHERS: usize = 12;
    const STEPS: u32 = 4;
    let streamed = Streamed::new(&stack().await, "lanes").await;
    streamed.map(json!({ "BatchSize": 2, "ParallelizationFactor": 4 })).await;
    streamed.put([item("slow").does("wait")]).await;
    for step in 1..=STEPS {
        streamed.put((0..OTHERS).map(|number| Item { step, ..item(&number.to_string()) })).await;
    }

    let steps_of = |id: &str| -> Vec<String> {
        let given = streamed.invocations().into_iter().flat_map(|given| given.items.into_iter().zip(given.steps));
        given.filter(|(item, _)| item == id).map(|(_, step)| step).collect()
    };
    let all: Vec<String> = (1..=STEPS).map(|step| step.to_string()).collect();
    let complete = || (0..OTHERS).filter(|number| steps_of(&number.to_string()) == all).count();
    let beside = || steps_of("slow").len() == 1 && complete() >= OTHERS / 2;
    eventually("most get on beside a slow item", beside).await;
    streamed.release();
    eventually("all items come in order", || complete() == OTHERS).await;
}

#[tokio::test]
async fn a_slow_function_stalls_neither_a_queue_nor_another_stream() {
    use coffeeshop_core::edition::Revision;

    let stack = stack().await;
    let slow = Streamed::new(&stack, "slow").await;
    slow.map(json!({ "BatchSize": 1 })).await;
    slow.put([item("slow").does("wait")]).await;
    assert_eq!(slow.until("slow").await, ["slow"]);

    let quick = Streamed::new(&stack, "quick").await;
    quick.map(json!({ "BatchSize": 1 })).await;
    quick.put([item("quick")]).await;
    assert_eq!(quick.until("quick").await, ["quick"]);
    let on = crate::world::Emulated::new(stack);
    let photo = crate::world::photo("beside-a-slow-stream");
    on.upload(&photo, crate::world::fixture("png/rgb8.png"), None).await;
    assert_eq!(on.answered(&photo, Revision(1)).await.answer.status(), "ready");

    assert_eq!(slow.done(), 0);
    slow.release();
    eventually("the slow one is done", || slow.done() == 1).await;
}
