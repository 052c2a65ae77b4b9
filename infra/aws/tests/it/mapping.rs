//! The SDK is mocked here and nowhere else.

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::error::NoSuchKey;
use aws_sdk_sqs::operation::delete_message_batch::DeleteMessageBatchOutput;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::{BatchResultErrorEntry, MessageAttributeValue};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::photos::{AwsPhotoStore, PhotoStoreNames};
use coffeeshop_aws::source_queue::SqsSource;
use coffeeshop_aws::sqs_batch::received;
use coffeeshop_core::SOURCE_BYTES_MAX;
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::Answer;
use coffeeshop_core::ports::{ParkReason, PhotoStore, PortError, Put, Receipt, SourceQueue};
use coffeeshop_core::testing::contract::ready;
use serde_json::json;

fn photo() -> PhotoKey {
    PhotoKey::from_original("uploads/shop/photo").unwrap()
}

fn store(s3_rules: &[&Rule], dynamodb_rules: &[&Rule]) -> AwsPhotoStore {
    let names = PhotoStoreNames {
        originals_bucket: "originals".to_owned(),
        renditions_bucket: "renditions".to_owned(),
        photos_table: "photos".to_owned(),
    };
    let s3 = mock_client!(aws_sdk_s3, RuleMode::Sequential, s3_rules);
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::Sequential, dynamodb_rules);
    AwsPhotoStore::new(s3, dynamodb, names)
}

fn rendition() -> RenditionKey {
    match ready(&photo(), 1).answer {
        Answer::Ready { mut renditions, .. } => renditions.remove(0).key,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_fails<T: std::fmt::Debug>(result: Result<T, PortError>, call: &str) {
    assert_eq!(result.unwrap_err().call, call);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_tried_again_and_then_an_error() {
    let busy_then_there = mock!(aws_sdk_s3::Client::get_object)
        .sequence()
        .http_status(503, None)
        .times(2)
        .output(|| GetObjectOutput::builder().content_length(3).body(ByteStream::from_static(b"abc")).build())
        .build();
    let original = store(&[&busy_then_there], &[]).original(&photo()).await.unwrap().unwrap();
    assert_eq!((original.bytes, original.version_id.as_str()), (3, "null"));
    assert_eq!(busy_then_there.num_calls(), 3);

    let busy = mock!(aws_sdk_s3::Client::get_object).sequence().http_status(503, None).times(3).build();
    assert_fails(store(&[&busy], &[]).original(&photo()).await, "originals.get");
    assert_eq!(busy.num_calls(), 3);
}

#[tokio::test]
async fn a_missing_original_is_a_value_and_a_denied_one_an_error() {
    let missing = mock!(aws_sdk_s3::Client::get_object)
        .match_requests(|request| request.key() == Some("uploads/shop/photo") && request.bucket() == Some("originals"))
        .then_error(|| GetObjectError::NoSuchKey(NoSuchKey::builder().build()));
    assert_eq!(store(&[&missing], &[]).original(&photo()).await.unwrap(), None);

    let denied = mock!(aws_sdk_s3::Client::get_object).sequence().http_status(403, None).build();
    assert_fails(store(&[&denied], &[]).original(&photo()).await, "originals.get");
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let large = mock!(aws_sdk_s3::Client::get_object).then_output(|| {
        let length = i64::try_from(SOURCE_BYTES_MAX + 1).unwrap();
        GetObjectOutput::builder().content_length(length).body(ByteStream::from_static(b"never read")).build()
    });
    let original = store(&[&large], &[]).original(&photo()).await.unwrap().unwrap();
    assert_eq!((original.bytes, original.body), (SOURCE_BYTES_MAX + 1, None));
}

#[tokio::test]
async fn one_key_that_cannot_be_deleted_is_an_error() {
    let denied = aws_sdk_s3::types::Error::builder().key("photos/..").code("AccessDenied").build();
    let partly = mock!(aws_sdk_s3::Client::delete_objects)
        .then_output(move || DeleteObjectsOutput::builder().errors(denied.clone()).build());
    assert_fails(store(&[&partly], &[]).delete_renditions(&[rendition()]).await, "renditions.delete");
}

#[tokio::test]
async fn reads_are_consistent_and_what_does_not_parse_is_an_error() {
    let strange = mock!(aws_sdk_dynamodb::Client::get_item)
        .match_requests(|request| request.consistent_read() == Some(true))
        .then_output(|| GetItemOutput::builder().item("status", AttributeValue::S("later".to_owned())).build());
    assert_fails(store(&[], &[&strange]).outcome(&photo()).await, "photos.get");

    let missing_table = mock!(aws_sdk_dynamodb::Client::get_item).then_error(|| {
        let missing = aws_sdk_dynamodb::types::error::ResourceNotFoundException::builder().build();
        GetItemError::ResourceNotFoundException(missing)
    });
    assert_fails(store(&[], &[&missing_table]).outcome(&photo()).await, "photos.get");
}

#[tokio::test]
async fn a_write_is_conditional_on_the_revision_before() {
    let first = mock!(aws_sdk_dynamodb::Client::put_item)
        .match_requests(|request| request.condition_expression() == Some("attribute_not_exists(#r)"))
        .then_output(|| PutItemOutput::builder().build());
    let later = mock!(aws_sdk_dynamodb::Client::put_item)
        .match_requests(|request| {
            let read = request.expression_attribute_values().and_then(|values| values.get(":read"));
            request.condition_expression() == Some("#r = :read") && read == Some(&AttributeValue::N("6".to_owned()))
        })
        .then_error(|| {
            PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
    let store = store(&[], &[&first, &later]);
    assert_eq!(store.put_outcome(&ready(&photo(), 1)).await.unwrap(), Put::Stored);
    assert_eq!(store.put_outcome(&ready(&photo(), 7)).await.unwrap(), Put::LostRace);
}

#[tokio::test]
async fn one_message_that_cannot_be_deleted_is_an_error() {
    let partly = mock!(aws_sdk_sqs::Client::delete_message_batch).then_output(|| {
        let failed = BatchResultErrorEntry::builder().id("1").code("InternalError").sender_fault(false).build();
        DeleteMessageBatchOutput::builder()
            .set_successful(Some(Vec::new()))
            .set_failed(Some(vec![failed.unwrap()]))
            .build()
            .unwrap()
    });
    let client = mock_client!(aws_sdk_sqs, RuleMode::Sequential, &[&partly]);
    let queue = SqsSource::new(client, "queue".to_owned(), "dlq".to_owned());
    let receipts = ["a", "b"].map(|receipt| Receipt(receipt.to_owned()));
    assert_fails(queue.delete(&receipts).await, "queue.delete");
}

#[tokio::test]
async fn what_is_parked_has_its_reason_and_the_mark_that_it_had() {
    for (replayed, expected) in [
        (None, vec![("error", "why"), ("reason", "code")]),
        (Some("2/run"), vec![("error", "why"), ("reason", "code"), ("replayed", "2/run")]),
    ] {
        let sent = mock!(aws_sdk_sqs::Client::send_message)
            .match_requests(move |request| {
                let attributes = request.message_attributes().into_iter().flatten();
                let text = |value: &MessageAttributeValue| value.string_value().unwrap().to_owned();
                let mut there: Vec<_> = attributes.map(|(name, value)| (name.clone(), text(value))).collect();
                there.sort();
                request.queue_url() == Some("dlq")
                    && there.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected.iter().copied())
            })
            .then_output(|| SendMessageOutput::builder().build());
        let client = mock_client!(aws_sdk_sqs, RuleMode::Sequential, &[&sent]);
        let queue = SqsSource::new(client, "queue".to_owned(), "dlq".to_owned());
        let reason = ParkReason { code: "code", error: "why".to_owned() };
        queue.park("body", &reason, replayed).await.unwrap();
    }
}

/// As [Lambda hands it over][1].
///
/// [1]: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
#[test]
fn a_received_message_has_the_mark_that_it_was_sent_with() {
    for (attributes, replayed) in [
        (json!({}), None),
        (json!({ "reason": { "stringValue": "code", "dataType": "String" } }), None),
        (json!({ "replayed": { "stringValue": "2/run", "dataType": "String" } }), Some("2/run")),
        (json!({ "replayed": { "stringValue": "often", "dataType": "String.ours" } }), Some("often")),
        (json!({ "replayed": { "binaryValue": "Mi9ydW4=", "dataType": "Binary" } }), None),
    ] {
        let message = json!({ "messageId": "a", "receiptHandle": "b", "body": "c", "messageAttributes": attributes });
        let message: SqsMessage = serde_json::from_value(message).unwrap();
        assert_eq!(received(message).unwrap().replayed.as_deref(), replayed, "{attributes}");
    }
}
