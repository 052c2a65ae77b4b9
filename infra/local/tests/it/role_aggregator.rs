//! The aggregator's role may do what it and its mapping need, and nothing else.
//!
//! The role's statements are tried, not read; the function itself is not run here. `role.rs` has the thumbnailer's.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, Get, KeysAndAttributes, Put, TransactGetItem, TransactWriteItem, Update,
};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use coffeeshop_local::StackInfo;

use crate::role::as_role;
use crate::stack;

const DENIED: Option<&str> = Some("AccessDeniedException");

async fn as_aggregator(stack: &StackInfo) -> SdkConfig {
    as_role(stack, "AggregatorRoleArn").await
}

fn id() -> AttributeValue {
    AttributeValue::S("role".to_owned())
}

/// Contributions and scores, and the name of each one's range key.
fn written(stack: &StackInfo) -> [(String, &'static str); 2] {
    [("ContributionsTable", "user_id"), ("ScoresTable", "period")]
        .map(|(output, range)| (stack.output(output).unwrap().to_owned(), range))
}

#[tokio::test]
async fn it_reads_and_writes_contributions_and_scores_in_transactions() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_aggregator(&stack).await);
    let puts = written(&stack).map(|(table, range)| {
        let put = Put::builder().table_name(table).item("shop_id", id()).item(range, id()).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    });
    dynamodb.transact_write_items().set_transact_items(Some(puts.into())).send().await.unwrap();

    let gets = written(&stack).map(|(table, range)| {
        let get = Get::builder().table_name(table).key("shop_id", id()).key(range, id()).build().unwrap();
        TransactGetItem::builder().get(get).build()
    });
    dynamodb.transact_get_items().set_transact_items(Some(gets.into())).send().await.unwrap();
    for (table, range) in written(&stack) {
        let key = [("shop_id".to_owned(), id()), (range.to_owned(), id())].into();
        let keys = KeysAndAttributes::builder().keys(key).consistent_read(true).build().unwrap();
        dynamodb.batch_get_item().request_items(table, keys).send().await.unwrap();
    }
}

#[tokio::test]
async fn it_neither_updates_nor_deletes_nor_scans_them() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_aggregator(&stack).await);
    for (table, range) in written(&stack) {
        let delete = dynamodb.delete_item().table_name(&table).key("shop_id", id()).key(range, id()).send().await;
        assert_eq!(delete.unwrap_err().code(), DENIED, "{table}");
        let update = dynamodb.update_item().table_name(&table).key("shop_id", id()).key(range, id()).send().await;
        assert_eq!(update.unwrap_err().code(), DENIED, "{table}");
        let scan = dynamodb.scan().table_name(&table).send().await;
        assert_eq!(scan.unwrap_err().code(), DENIED, "{table}");
        let update = Update::builder().table_name(&table).key("shop_id", id()).key(range, id());
        let update = update.update_expression("REMOVE nothing").build().unwrap();
        let update = TransactWriteItem::builder().update(update).build();
        let write = dynamodb.transact_write_items().transact_items(update).send().await;
        assert_eq!(write.unwrap_err().code(), DENIED, "{table}");
    }
}

/// The source of truth is the app's; the aggregator sees its stream only.
#[tokio::test]
async fn it_neither_reads_nor_writes_ratings() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_aggregator(&stack).await);
    let ratings = stack.output("RatingsTable").unwrap();
    let get = dynamodb.get_item().table_name(ratings).key("shop_id", id()).key("user_id", id()).send().await;
    assert_eq!(get.unwrap_err().code(), DENIED);
    let put = dynamodb.put_item().table_name(ratings).item("shop_id", id()).item("user_id", id()).send().await;
    assert_eq!(put.unwrap_err().code(), DENIED);
    let scan = dynamodb.scan().table_name(ratings).send().await;
    assert_eq!(scan.unwrap_err().code(), DENIED);
}

#[tokio::test]
async fn it_looks_up_shops_and_does_not_write_them() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_aggregator(&stack).await);
    let shops = stack.output("ShopsTable").unwrap();
    let keys = KeysAndAttributes::builder().keys([("shop_id".to_owned(), id())].into()).build().unwrap();
    dynamodb.batch_get_item().request_items(shops, keys).send().await.unwrap();
    let put = dynamodb.put_item().table_name(shops).item("shop_id", id()).send().await;
    assert_eq!(put.unwrap_err().code(), DENIED);
    let photos = stack.output("PhotosTable").unwrap();
    let get = dynamodb.get_item().table_name(photos).key("shop_id", id()).key("photo_id", id()).send().await;
    assert_eq!(get.unwrap_err().code(), DENIED);
}

/// A batch of messages is allowed by the action of one: the gap `batch_actions`.
#[tokio::test]
async fn it_fills_the_quarantine_and_does_not_empty_it() {
    let stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&as_aggregator(&stack).await);
    let quarantine = stack.output("QuarantineQueueUrl").unwrap();
    sqs.send_message().queue_url(quarantine).message_body("role").send().await.unwrap();
    let entry = || SendMessageBatchRequestEntry::builder().id("0").message_body("role").build().unwrap();
    sqs.send_message_batch().queue_url(quarantine).entries(entry()).send().await.unwrap();
    let receive = sqs.receive_message().queue_url(quarantine).send().await;
    assert_eq!(receive.unwrap_err().code(), Some("AccessDenied"));
    let uploads = stack.output("UploadsQueueUrl").unwrap();
    let send = sqs.send_message().queue_url(uploads).message_body("role").send().await;
    assert_eq!(send.unwrap_err().code(), Some("AccessDenied"));
    let send = sqs.send_message_batch().queue_url(uploads).entries(entry()).send().await;
    assert_eq!(send.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn it_archives_failures_only_where_lambda_does_and_cannot_read_them() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&as_aggregator(&stack).await);
    let bucket = stack.output("FailuresBucket").unwrap();
    let put = |key: &str| s3.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"{}")).send();
    put("aws/lambda/role/shard/2026/11/20/role").await.unwrap();
    assert_eq!(put("elsewhere").await.unwrap_err().code(), Some("AccessDenied"));
    s3.head_bucket().bucket(bucket).send().await.unwrap();
    let get = s3.get_object().bucket(bucket).key("aws/lambda/role/shard/2026/11/20/role").send().await;
    assert_eq!(get.unwrap_err().code(), Some("AccessDenied"));
    let delete = s3.delete_object().bucket(bucket).key("aws/lambda/role/shard/2026/11/20/role").send().await;
    assert_eq!(delete.unwrap_err().code(), Some("AccessDenied"));
}
