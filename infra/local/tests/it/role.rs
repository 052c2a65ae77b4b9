//! The thumbnailer's role may do what the pipeline needs, and nothing else.
//!
//! The role's statements are tried, not read; the function itself is not run here. `role_aggregator.rs` has the
//! aggregator's.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use coffeeshop_local::StackInfo;

use crate::stack;

/// As a function, as far as IAM can tell: the one whose role this output names.
pub(crate) async fn as_role(stack: &StackInfo, output: &str) -> SdkConfig {
    let sts = aws_sdk_sts::Client::new(&stack.sdk_config());
    let role = stack.output(output).unwrap();
    let assumed = sts.assume_role().role_arn(role).role_session_name("test").send().await.unwrap();
    let given = assumed.credentials.unwrap();
    let credentials =
        Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), None, "test");
    stack.sdk_config().to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

async fn as_thumbnailer(stack: &StackInfo) -> SdkConfig {
    as_role(stack, "ThumbnailerRoleArn").await
}

#[tokio::test]
async fn it_reads_originals_and_is_told_when_one_is_gone() {
    let stack = stack().await;
    let bucket = stack.output("OriginalsBucket").unwrap();
    let root = aws_sdk_s3::Client::new(&stack.sdk_config());
    let body = ByteStream::from_static(b"not a photo");
    root.put_object().bucket(bucket).key("uploads/role/there").body(body).send().await.unwrap();

    let s3 = aws_sdk_s3::Client::new(&as_thumbnailer(&stack).await);
    s3.get_object().bucket(bucket).key("uploads/role/there").send().await.unwrap();
    let gone = s3.get_object().bucket(bucket).key("uploads/role/gone").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("NoSuchKey"));
    let elsewhere = s3.get_object().bucket(bucket).key("elsewhere/role").send().await.unwrap_err();
    assert_eq!(elsewhere.code(), Some("AccessDenied"));
}

/// The other half of "Loops cannot be built".
#[tokio::test]
async fn it_cannot_change_originals() {
    let stack = stack().await;
    let bucket = stack.output("OriginalsBucket").unwrap();
    let s3 = aws_sdk_s3::Client::new(&as_thumbnailer(&stack).await);
    for key in ["uploads/role/loop", "photos/role/loop"] {
        let body = ByteStream::from_static(b"loop");
        let put = s3.put_object().bucket(bucket).key(key).body(body).send().await.unwrap_err();
        assert_eq!(put.code(), Some("AccessDenied"), "{key}");
        let delete = s3.delete_object().bucket(bucket).key(key).send().await.unwrap_err();
        assert_eq!(delete.code(), Some("AccessDenied"), "{key}");
    }
}

/// Every call is denied without TLS by the bucket's policy: the gap `loopback_is_secure`.
#[tokio::test]
async fn it_writes_lists_and_sweeps_renditions_only_below_photos() {
    let stack = stack().await;
    let bucket = stack.output("RenditionsBucket").unwrap();
    let s3 = aws_sdk_s3::Client::new(&as_thumbnailer(&stack).await);
    let put = |key: &str| s3.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"jpeg")).send();

    put("photos/role/photo/edition/thumb.jpg").await.unwrap();
    assert_eq!(put("elsewhere").await.unwrap_err().code(), Some("AccessDenied"));

    let listed = s3.list_objects_v2().bucket(bucket).prefix("photos/role/photo/").send().await.unwrap();
    assert_eq!(listed.contents().len(), 1);
    let everything = s3.list_objects_v2().bucket(bucket).send().await.unwrap_err();
    assert_eq!(everything.code(), Some("AccessDenied"));

    s3.delete_object().bucket(bucket).key("photos/role/photo/edition/thumb.jpg").send().await.unwrap();
}

#[tokio::test]
async fn it_reads_and_writes_outcomes_but_neither_deletes_nor_scans_them() {
    let stack = stack().await;
    let table = stack.output("PhotosTable").unwrap();
    let dynamodb = aws_sdk_dynamodb::Client::new(&as_thumbnailer(&stack).await);
    let id = || AttributeValue::S("role".to_owned());

    dynamodb.put_item().table_name(table).item("shop_id", id()).item("photo_id", id()).send().await.unwrap();
    dynamodb.get_item().table_name(table).key("shop_id", id()).key("photo_id", id()).send().await.unwrap();
    let delete = dynamodb.delete_item().table_name(table).key("shop_id", id()).key("photo_id", id()).send().await;
    assert_eq!(delete.unwrap_err().code(), Some("AccessDeniedException"));
    let scan = dynamodb.scan().table_name(table).send().await;
    assert_eq!(scan.unwrap_err().code(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn it_parks_messages_but_sends_none_to_itself() {
    let stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&as_thumbnailer(&stack).await);
    let send = |queue: &str| sqs.send_message().queue_url(stack.output(queue).unwrap()).message_body("role").send();
    send("UploadsDlqUrl").await.unwrap();
    assert_eq!(send("UploadsQueueUrl").await.unwrap_err().code(), Some("AccessDenied"));
}
