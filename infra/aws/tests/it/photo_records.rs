//! What is asked of DynamoDB and S3 for all that there is of photos, and what their answers become.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::scan::{ScanError, ScanOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::photos::{AwsPhotoStore, PhotoStoreNames};
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::{OutcomeMark, PhotoRecords as _};

fn store(rules: &[&Rule]) -> AwsPhotoStore {
    let [originals_bucket, renditions_bucket, photos_table] =
        ["originals", "renditions", "photos"].map(ToOwned::to_owned);
    let s3 = mock_client!(aws_sdk_s3, RuleMode::Sequential, rules);
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::Sequential, rules);
    AwsPhotoStore::new(s3, dynamodb, PhotoStoreNames { originals_bucket, renditions_bucket, photos_table })
}

fn key(shop_id: &str, photo_id: &str) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("shop_id".to_owned(), text(shop_id)), ("photo_id".to_owned(), text(photo_id))])
}

#[tokio::test]
async fn a_page_goes_on_behind_the_last_key_even_if_it_is_none_of_a_photo() {
    let after = OutcomeMark { shop_id: "not an id".to_owned(), photo_id: "p".to_owned() };
    let scan = mock!(aws_sdk_dynamodb::Client::scan)
        .match_requests(|scan| {
            scan.exclusive_start_key() == Some(&key("not an id", "p")) && scan.consistent_read() == Some(true)
        })
        .then_output(|| ScanOutput::builder().set_last_evaluated_key(Some(key("s", "9"))).build());
    let page = store(&[&scan]).outcomes(None, Some(&after)).await.unwrap();
    assert!(page.outcomes.is_empty());
    assert_eq!(page.next, Some(OutcomeMark { shop_id: "s".to_owned(), photo_id: "9".to_owned() }));
}

#[tokio::test]
async fn an_item_that_cannot_be_understood_is_named() {
    let query =
        mock!(aws_sdk_dynamodb::Client::query).then_output(|| QueryOutput::builder().items(key("s", "1")).build());
    let page = store(&[&query]).outcomes(Some(&"s".parse().unwrap()), None).await.unwrap();
    let [Err(error)] = page.outcomes.as_slice() else { panic!("{page:?}") };
    assert!(error.cause.to_string().starts_with("s/1 cannot be understood: "), "{error:?}");
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn too_much_at_once_is_busy() {
    let throttled = mock!(aws_sdk_dynamodb::Client::scan)
        .then_error(|| ScanError::generic(ErrorMetadata::builder().code("ThrottlingException").build()));
    assert!(store(&[&throttled]).outcomes(None, None).await.unwrap_err().busy);
}

fn version(key: &str, id: &str, seconds: i64, is_latest: bool) -> ObjectVersion {
    let version = ObjectVersion::builder().key(key).version_id(id).size(1).is_latest(is_latest);
    version.last_modified(DateTime::from_secs(seconds)).build()
}

fn marker(key: &str, id: &str, seconds: i64) -> DeleteMarkerEntry {
    let marker = DeleteMarkerEntry::builder().key(key).version_id(id).is_latest(false);
    marker.last_modified(DateTime::from_secs(seconds)).build()
}

#[tokio::test]
async fn versions_are_read_to_the_end_of_the_key_and_no_further() {
    let first = mock!(aws_sdk_s3::Client::list_object_versions)
        .match_requests(|list| (list.prefix(), list.key_marker()) == (Some("uploads/s/p"), None))
        .then_output(|| {
            let page = ListObjectVersionsOutput::builder().is_truncated(true);
            let page = page.next_key_marker("uploads/s/p").next_version_id_marker("c");
            let page = page.versions(version("uploads/s/p", "d", 40, true));
            page.versions(version("uploads/s/p", "b", 20, false)).delete_markers(marker("uploads/s/p", "c", 30)).build()
        });
    let second = mock!(aws_sdk_s3::Client::list_object_versions)
        .match_requests(|list| (list.key_marker(), list.version_id_marker()) == (Some("uploads/s/p"), Some("c")))
        .then_output(|| {
            let page = ListObjectVersionsOutput::builder().is_truncated(true).next_key_marker("uploads/s/p-2");
            let page = page.versions(version("uploads/s/p", "a", 10, false));
            page.versions(version("uploads/s/p-2", "z", 50, true)).build()
        });
    let photo = PhotoKey::from_original("uploads/s/p").unwrap();
    let listed = store(&[&first, &second]).versions(&photo).await.unwrap();
    let read: Vec<_> = listed.iter().map(|version| (version.version_id.as_str(), version.bytes)).collect();
    assert_eq!(read, [("d", Some(1)), ("c", None), ("b", Some(1)), ("a", Some(1))]);
    assert_eq!((first.num_calls(), second.num_calls()), (1, 1));
}
