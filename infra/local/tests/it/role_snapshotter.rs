//! The snapshotter's role may do what its jobs need, and nothing else.
//!
//! The role's statements are tried, not read; the function itself is not run here. `role.rs` has the thumbnailer's.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use coffeeshop_local::StackInfo;

use crate::role::as_role;
use crate::stack;

const DENIED: Option<&str> = Some("AccessDeniedException");
const DENIED_BY_S3: Option<&str> = Some("AccessDenied");

async fn as_snapshotter(stack: &StackInfo) -> SdkConfig {
    as_role(stack, "SnapshotterRoleArn").await
}

fn id() -> AttributeValue {
    AttributeValue::S("role".to_owned())
}

#[tokio::test]
async fn it_reads_whole_tables_and_leaderboards() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_snapshotter(&stack).await);
    for table in ["ScoresTable", "PhotosTable", "ShopsTable"] {
        let scan = dynamodb.scan().table_name(stack.output(table).unwrap()).segment(0).total_segments(2);
        scan.consistent_read(true).send().await.unwrap();
    }
    let scores = stack.output("ScoresTable").unwrap();
    for (index, key) in [("by-city", "city_period"), ("by-period", "period_part")] {
        let query = dynamodb.query().table_name(scores).index_name(index).key_condition_expression("#key = :role");
        let query = query.expression_attribute_names("#key", key).expression_attribute_values(":role", id());
        query.send().await.unwrap();
    }
    let query = dynamodb.query().table_name(scores).key_condition_expression("shop_id = :role");
    let query = query.expression_attribute_values(":role", id()).send().await;
    assert_eq!(query.unwrap_err().code(), DENIED);
}

#[tokio::test]
async fn it_changes_nothing_of_what_it_reads() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_snapshotter(&stack).await);
    for (output, range) in [("ScoresTable", Some("period")), ("PhotosTable", Some("photo_id")), ("ShopsTable", None)] {
        let table = stack.output(output).unwrap();
        let put = dynamodb.put_item().table_name(table).item("shop_id", id());
        let delete = dynamodb.delete_item().table_name(table).key("shop_id", id());
        let (put, delete) = match range {
            Some(range) => (put.item(range, id()), delete.key(range, id())),
            None => (put, delete),
        };
        assert_eq!(put.send().await.unwrap_err().code(), DENIED, "{output}");
        assert_eq!(delete.send().await.unwrap_err().code(), DENIED, "{output}");
    }
}

#[tokio::test]
async fn it_neither_reads_nor_writes_other_tables() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_snapshotter(&stack).await);
    for (output, hash, range) in [
        ("RatingsTable", "shop_id", "user_id"),
        ("ContributionsTable", "shop_id", "user_id"),
        ("SubscribersTable", "subscriber", "channel_id"),
        ("InboxTable", "user_id", "event_id"),
    ] {
        let table = stack.output(output).unwrap();
        let scan = dynamodb.scan().table_name(table).send().await;
        assert_eq!(scan.unwrap_err().code(), DENIED, "{output}");
        let get = dynamodb.get_item().table_name(table).key(hash, id()).key(range, id()).send().await;
        assert_eq!(get.unwrap_err().code(), DENIED, "{output}");
        let put = dynamodb.put_item().table_name(table).item(hash, id()).item(range, id()).send().await;
        assert_eq!(put.unwrap_err().code(), DENIED, "{output}");
    }
}

#[tokio::test]
async fn it_writes_boards_and_takes_and_gives_back_leases() {
    let stack = stack().await;
    let dynamodb = Client::new(&as_snapshotter(&stack).await);
    let boards = stack.output("BoardsTable").unwrap();
    // A lease, so that nobody hears of it.
    let lease = || AttributeValue::S("lease".to_owned());
    let put = dynamodb.put_item().table_name(boards).item("board", id()).item("period", lease());
    put.condition_expression("attribute_not_exists(board)").send().await.unwrap();
    let keys = [("board".to_owned(), id()), ("period".to_owned(), lease())].into();
    let keys = KeysAndAttributes::builder().keys(keys).consistent_read(true).build().unwrap();
    dynamodb.batch_get_item().request_items(boards, keys).send().await.unwrap();
    dynamodb.scan().table_name(boards).consistent_read(true).send().await.unwrap();
    let update = dynamodb.update_item().table_name(boards).key("board", id()).key("period", lease());
    let update = update.update_expression("SET exported = :role").expression_attribute_values(":role", id());
    update.send().await.unwrap();
    let delete = dynamodb.delete_item().table_name(boards).key("board", id()).key("period", lease());
    delete.send().await.unwrap();
}

#[tokio::test]
async fn it_writes_analytics_whole_and_in_parts_only_where_its_jobs_do() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&as_snapshotter(&stack).await);
    let bucket = stack.output("AnalyticsBucket").unwrap();
    let body = || ByteStream::from_static(b"role");
    for place in ["leaderboards", "scores", "photos"] {
        let key = format!("{place}/role-snapshotter");
        s3.put_object().bucket(bucket).key(&key).body(body()).send().await.unwrap();
        s3.get_object().bucket(bucket).key(&key).send().await.unwrap();

        let begin = || s3.create_multipart_upload().bucket(bucket).key(&key).send();
        let id = begin().await.unwrap().upload_id.unwrap();
        let part = s3.upload_part().bucket(bucket).key(&key).upload_id(&id).part_number(1).body(body());
        let etag = part.send().await.unwrap().e_tag.unwrap();
        let parts = CompletedPart::builder().part_number(1).e_tag(etag).build();
        let parts = CompletedMultipartUpload::builder().parts(parts).build();
        let complete = s3.complete_multipart_upload().bucket(bucket).key(&key).upload_id(id);
        complete.multipart_upload(parts).send().await.unwrap();
        let id = begin().await.unwrap().upload_id.unwrap();
        s3.abort_multipart_upload().bucket(bucket).key(&key).upload_id(id).send().await.unwrap();

        let listed = s3.list_objects_v2().bucket(bucket).prefix(&key).send().await.unwrap();
        assert_eq!(listed.contents().len(), 1, "{place}");
        s3.delete_object().bucket(bucket).key(&key).send().await.unwrap();
        let gone = s3.get_object().bucket(bucket).key(&key).send().await.unwrap_err();
        assert_eq!(gone.code(), Some("NoSuchKey"), "{place}");
    }
    let key = "elsewhere/role-snapshotter";
    let put = s3.put_object().bucket(bucket).key(key).body(body()).send().await;
    assert_eq!(put.unwrap_err().code(), DENIED_BY_S3);
    let begin = s3.create_multipart_upload().bucket(bucket).key(key).send().await;
    assert_eq!(begin.unwrap_err().code(), DENIED_BY_S3);
    let delete = s3.delete_object().bucket(bucket).key(key).send().await;
    assert_eq!(delete.unwrap_err().code(), DENIED_BY_S3);
    let delete = s3.delete_bucket_lifecycle().bucket(bucket).send().await;
    assert_eq!(delete.unwrap_err().code(), DENIED_BY_S3);
}

#[tokio::test]
async fn it_touches_no_other_bucket_and_tells_nobody() {
    let stack = stack().await;
    let sdk = as_snapshotter(&stack).await;
    let s3 = aws_sdk_s3::Client::new(&sdk);
    for bucket in ["OriginalsBucket", "RenditionsBucket", "FailuresBucket"] {
        let list = s3.list_objects_v2().bucket(stack.output(bucket).unwrap()).send().await;
        assert_eq!(list.unwrap_err().code(), DENIED_BY_S3, "{bucket}");
        let put = s3.put_object().bucket(stack.output(bucket).unwrap()).key("photos/role").send().await;
        assert_eq!(put.unwrap_err().code(), DENIED_BY_S3, "{bucket}");
    }
    let topic = stack.output("EventsTopicArn").unwrap();
    let publish = aws_sdk_sns::Client::new(&sdk).publish().topic_arn(topic).message("role").send().await;
    assert_eq!(publish.unwrap_err().code(), Some("AuthorizationError"));
    let queue = stack.output("NotificationsQueueUrl").unwrap();
    let send = aws_sdk_sqs::Client::new(&sdk).send_message().queue_url(queue).message_body("role").send().await;
    assert_eq!(send.unwrap_err().code(), DENIED_BY_S3);
}
