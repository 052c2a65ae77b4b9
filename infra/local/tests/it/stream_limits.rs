//! The gap `stream_mapping`, on: which records make a batch, how old they may be, and where what fails can go.
//!
//! `stream_mapping.rs` has what becomes of a batch.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::streamed::{Item, Streamed, eventually, item};
use crate::{log, stack};

#[tokio::test]
async fn what_is_older_than_the_limit_is_given_up_between_retries() {
    let streamed = Streamed::new(&stack().await, "aging").await;
    // AWS takes no limit below 60; the emulator does.
    streamed.map(json!({ "BatchSize": 1, "MaximumRecordAgeInSeconds": 5 })).await;
    streamed.put([item("1").does("fail")]).await;
    let [(_, object)] = streamed.archived(1).await.try_into().unwrap();
    assert_eq!(object["requestContext"]["condition"], "RecordAgeExceeded");
    assert!(object["requestContext"]["approximateInvokeCount"].as_u64().unwrap() >= 1, "{object}");
    assert_eq!(object["responseContext"]["functionError"], "Unhandled");
    assert_eq!(object["DDBStreamBatchInfo"]["batchSize"], 1);
}

#[tokio::test]
async fn what_is_older_than_the_limit_already_is_not_tried() {
    let streamed = Streamed::new(&stack().await, "aged").await;
    streamed.put([item("1"), item("2")]).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    streamed.map(json!({ "BatchSize": 10, "MaximumRecordAgeInSeconds": 2 })).await;
    let [(_, object)] = streamed.archived(1).await.try_into().unwrap();
    assert_eq!(object["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(object["requestContext"]["approximateInvokeCount"], 0);
    assert_eq!(object.get("responseContext"), None, "nothing has responded");
    assert_eq!(object["DDBStreamBatchInfo"]["batchSize"], 2);

    streamed.put([item("young")]).await;
    assert_eq!(streamed.until("young").await, ["young"]);
}

#[tokio::test]
async fn a_batch_that_is_not_full_waits_for_the_window() {
    let streamed = Streamed::new(&stack().await, "window").await;
    streamed.map(json!({ "BatchSize": 3, "MaximumBatchingWindowInSeconds": 300 })).await;
    for id in ["1", "2", "3"] {
        streamed.put([item(id)]).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(streamed.until("3").await, ["1 2 3"]);
}

#[tokio::test]
async fn a_batch_is_at_most_six_megabytes() {
    let streamed = Streamed::new(&stack().await, "megabytes").await;
    let large = (0..20).map(|number| Item { bytes: 390_000, ..item(&number.to_string()) });
    streamed.put(large).await;
    streamed.map(json!({ "BatchSize": 100 })).await;
    streamed.until("19").await;
    let invocations = streamed.invocations();
    let [first, second] = invocations.as_slice() else { panic!("{} invocations", invocations.len()) };
    assert_eq!((first.items.len(), second.items.len()), (16, 4));
    assert!((5_900_000..=6 * 1024 * 1024).contains(&first.bytes), "{}", first.bytes);
}

#[tokio::test]
async fn latest_begins_with_what_comes_after_the_mapping() {
    let streamed = Streamed::new(&stack().await, "latest").await;
    streamed.put([item("earlier")]).await;
    streamed.map(json!({ "StartingPosition": "LATEST" })).await;
    streamed.put([item("later")]).await;
    assert_eq!(streamed.until("later").await, ["later"]);
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_not_seen() {
    let streamed = Streamed::new(&stack().await, "filter").await;
    let items = ["1", "2", "3"].map(|id| if id == "2" { item(id).does("fail") } else { item(id) });
    streamed.put(items).await;
    let pattern = json!({ "dynamodb": { "NewImage": { "do": [{ "exists": false }] } } }).to_string();
    streamed.map(json!({ "BatchSize": 2, "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } })).await;
    assert_eq!(streamed.until("3").await, ["1 3"]);
}

#[tokio::test]
async fn a_mapping_that_is_off_reads_nothing() {
    let stack = stack().await;
    let off = Streamed::new(&stack, "off").await;
    off.put([item("1")]).await;
    off.map(json!({ "Enabled": false })).await;
    let on = Streamed::new(&stack, "on").await;
    on.put([item("1")]).await;
    on.map(json!({})).await;
    on.until("1").await;
    assert!(off.invocations().is_empty());
}

#[tokio::test]
async fn a_mapping_that_is_deleted_stops_retrying_and_another_one_begins_anew() {
    let streamed = Streamed::new(&stack().await, "deleted").await;
    streamed.put([item("1").does("fail"), item("last")]).await;
    let mapping = streamed.map(json!({ "BatchSize": 1 })).await;
    eventually("it is retried", || streamed.invocations().len() > 2).await;
    streamed.unmap().await;
    let said = format!("mapping {mapping} reads no more");
    eventually("the mapping ends", || log().contains(&said)).await;

    let before = streamed.invocations().len();
    streamed.map(json!({ "BatchSize": 1, "MaximumRetryAttempts": 0 })).await;
    assert_eq!(streamed.until("last").await[before..], ["1", "last"]);
}

#[tokio::test]
async fn a_queue_is_sent_the_metadata_without_the_records() {
    let stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    let url = sqs.create_queue().queue_name("streamed-metadata").send().await.unwrap().queue_url.unwrap();
    let get = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
    let arn = get.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();

    let streamed = Streamed::new(&stack, "metadata").await;
    streamed.put([item("1").does("fail")]).await;
    let destination = json!({ "OnFailure": { "Destination": arn } });
    streamed.map(json!({ "BatchSize": 1, "MaximumRetryAttempts": 1, "DestinationConfig": destination })).await;

    let receive = sqs.receive_message().queue_url(&url).wait_time_seconds(20);
    let message = receive.send().await.unwrap().messages.unwrap_or_default().pop().unwrap();
    let record: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(record.get("payload"), None);
}

/// As on AWS they are gone then; here the log says so, and the mapping goes on.
#[tokio::test]
async fn records_that_cannot_be_archived_are_not_dropped_in_silence() {
    let streamed = Streamed::new(&stack().await, "undeliverable").await;
    streamed.put([item("1").does("fail"), item("last")]).await;
    let destination = json!({ "OnFailure": { "Destination": "arn:aws:s3:::streamed-no-such-bucket" } });
    let mapping =
        streamed.map(json!({ "BatchSize": 1, "MaximumRetryAttempts": 0, "DestinationConfig": destination })).await;
    assert_eq!(streamed.until("last").await, ["1", "last"]);
    let said = format!("mapping {mapping} has given up 1 records (RetryAttemptsExhausted), and could not deliver them");
    eventually("the log says what was dropped", || log().contains(&said)).await;
}

#[tokio::test]
async fn a_role_that_may_not_read_the_stream_stops_the_mapping() {
    let streamed = Streamed::with_role(&stack().await, "unreadable", "dynamodb:DescribeStream").await;
    streamed.put([item("1")]).await;
    let mapping = streamed.map(json!({})).await;
    let said = format!("mapping {mapping} cannot read:");
    eventually("the log says what is not allowed", || log().contains(&said)).await;
    assert!(streamed.invocations().is_empty());
}
