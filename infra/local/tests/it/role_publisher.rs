//! The publisher's role may do what it and its mappings need, and nothing else.
//!
//! The role's statements are tried, not read, except those on the streams: for these the emulator asks as for all
//! resources at once. The function itself is not run here. `role.rs` has the thumbnailer's.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use coffeeshop_local::StackInfo;

use crate::role::as_role;
use crate::stack;

const DENIED: Option<&str> = Some("AccessDeniedException");
const DENIED_BY_SNS: Option<&str> = Some("AuthorizationError");

async fn as_publisher(stack: &StackInfo) -> SdkConfig {
    as_role(stack, "PublisherRoleArn").await
}

/// Of no type that anybody is subscribed to.
fn entry() -> PublishBatchRequestEntry {
    let kind = MessageAttributeValue::builder().data_type("String").string_value("role").build().unwrap();
    PublishBatchRequestEntry::builder().id("0").message("role").message_attributes("type", kind).build().unwrap()
}

/// A batch of messages is allowed by the action of one: the gap `batch_actions`.
#[tokio::test]
async fn it_publishes_events_and_nothing_elsewhere() {
    let stack = stack().await;
    let sns = aws_sdk_sns::Client::new(&as_publisher(&stack).await);
    let topic = stack.output("EventsTopicArn").unwrap();
    let published = sns.publish_batch().topic_arn(topic).publish_batch_request_entries(entry()).send().await.unwrap();
    assert_eq!(published.successful().len(), 1);

    let root = aws_sdk_sns::Client::new(&stack.sdk_config());
    let other = root.create_topic().name("role-publisher").send().await.unwrap().topic_arn.unwrap();
    let publish = sns.publish_batch().topic_arn(&other).publish_batch_request_entries(entry()).send().await;
    assert_eq!(publish.unwrap_err().code(), DENIED_BY_SNS);
    let publish = sns.publish().topic_arn(other).message("role").send().await;
    assert_eq!(publish.unwrap_err().code(), DENIED_BY_SNS);
}

#[tokio::test]
async fn it_neither_subscribes_to_the_topic_nor_changes_it() {
    let stack = stack().await;
    let sns = aws_sdk_sns::Client::new(&as_publisher(&stack).await);
    let topic = stack.output("EventsTopicArn").unwrap();
    let subscribe = sns.subscribe().topic_arn(topic).protocol("sqs").endpoint("arn:aws:sqs:us-east-1:1:role");
    assert_eq!(subscribe.send().await.unwrap_err().code(), DENIED_BY_SNS);
    let set = sns.set_topic_attributes().topic_arn(topic).attribute_name("DisplayName").attribute_value("role");
    assert_eq!(set.send().await.unwrap_err().code(), DENIED_BY_SNS);
    let delete = sns.delete_topic().topic_arn(topic).send().await;
    assert_eq!(delete.unwrap_err().code(), DENIED_BY_SNS);
}

/// It sees the streams only.
#[tokio::test]
async fn it_neither_reads_nor_writes_the_tables() {
    let stack = stack().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&as_publisher(&stack).await);
    let id = || AttributeValue::S("role".to_owned());
    for (output, hash, range) in [
        ("PhotosTable", "shop_id", "photo_id"),
        ("ScoresTable", "shop_id", "period"),
        ("BoardsTable", "board", "period"),
        ("RatingsTable", "shop_id", "user_id"),
    ] {
        let table = stack.output(output).unwrap();
        let get = dynamodb.get_item().table_name(table).key(hash, id()).key(range, id()).send().await;
        assert_eq!(get.unwrap_err().code(), DENIED, "{output}");
        let put = dynamodb.put_item().table_name(table).item(hash, id()).item(range, id()).send().await;
        assert_eq!(put.unwrap_err().code(), DENIED, "{output}");
        let scan = dynamodb.scan().table_name(table).send().await;
        assert_eq!(scan.unwrap_err().code(), DENIED, "{output}");
    }
}

#[tokio::test]
async fn it_archives_failures_only_where_lambda_does_and_cannot_read_them() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&as_publisher(&stack).await);
    let bucket = stack.output("FailuresBucket").unwrap();
    let put = |key: &str| s3.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"{}")).send();
    put("aws/lambda/role-publisher/shard/2026/11/20/role").await.unwrap();
    assert_eq!(put("elsewhere").await.unwrap_err().code(), Some("AccessDenied"));
    s3.head_bucket().bucket(bucket).send().await.unwrap();
    let get = s3.get_object().bucket(bucket).key("aws/lambda/role-publisher/shard/2026/11/20/role").send().await;
    assert_eq!(get.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn it_sends_to_no_queue() {
    let stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&as_publisher(&stack).await);
    for queue in ["NotificationsQueueUrl", "DeliveriesQueueUrl", "QuarantineQueueUrl"] {
        let send = sqs.send_message().queue_url(stack.output(queue).unwrap()).message_body("role").send().await;
        assert_eq!(send.unwrap_err().code(), Some("AccessDenied"), "{queue}");
    }
}
