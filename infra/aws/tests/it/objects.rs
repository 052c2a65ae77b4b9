//! Files in buckets: what is sent, and what an answer means.

use std::io::Write as _;

use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_s3::operation::delete_object::{DeleteObjectError, DeleteObjectOutput};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::objects::S3Objects;
use coffeeshop_core::ports::{Object, ObjectPage, Objects as _, Put};
use jiff::Timestamp;
use tempfile::NamedTempFile;

fn file() -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(b"{}\n").unwrap();
    file
}

fn objects(rule: &Rule) -> S3Objects {
    S3Objects::new(mock_client!(aws_sdk_s3, RuleMode::Sequential, [rule]))
}

fn refused(code: &'static str) -> Rule {
    let error = move || PutObjectError::generic(ErrorMetadata::builder().code(code).build());
    mock!(aws_sdk_s3::Client::put_object).then_error(error)
}

#[tokio::test]
async fn a_new_object_replaces_nothing() {
    let stored = mock!(aws_sdk_s3::Client::put_object)
        .match_requests(|put| (put.bucket(), put.key(), put.if_none_match()) == (Some("kept"), Some("a/b"), Some("*")))
        .then_output(|| PutObjectOutput::builder().build());
    assert_eq!(objects(&stored).put_new("kept", "a/b", file().path()).await.unwrap(), Put::Stored);
    let there = objects(&refused("PreconditionFailed")).put_new("kept", "a/b", file().path()).await;
    assert_eq!(there.unwrap(), Put::LostRace);
    for code in ["AccessDenied", "NoSuchBucket", "ConditionalRequestConflict"] {
        let error = objects(&refused(code)).put_new("kept", "a/b", file().path()).await.unwrap_err();
        assert_eq!(error.call, "objects.put_new", "{code}");
    }
}

#[tokio::test]
async fn an_object_is_replaced_on_no_condition() {
    let stored = mock!(aws_sdk_s3::Client::put_object)
        .match_requests(|put| put.if_none_match().is_none())
        .then_output(|| PutObjectOutput::builder().build());
    objects(&stored).replace("audit", "a", file().path()).await.unwrap();
    let error = objects(&refused("AccessDenied")).replace("audit", "a", file().path()).await.unwrap_err();
    assert_eq!(error.call, "objects.replace");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_error() {
    let never = mock!(aws_sdk_s3::Client::put_object).then_output(|| PutObjectOutput::builder().build());
    let gone = file().path().with_extension("gone");
    objects(&never).replace("audit", "a", &gone).await.unwrap_err();
    assert_eq!(never.num_calls(), 0);
}

fn listed(key: &str) -> aws_sdk_s3::types::Object {
    aws_sdk_s3::types::Object::builder().key(key).size(7).last_modified(DateTime::from_secs(60)).build()
}

fn object(key: &str) -> Object {
    Object { key: key.to_owned(), bytes: 7, written_at: Timestamp::from_second(60).unwrap() }
}

#[tokio::test]
async fn objects_are_listed_by_the_page() {
    let first = mock!(aws_sdk_s3::Client::list_objects_v2)
        .match_requests(|list| (list.bucket(), list.prefix(), list.start_after()) == (Some("b"), Some("a/"), None))
        .then_output(|| {
            ListObjectsV2Output::builder().is_truncated(true).contents(listed("a/1")).contents(listed("a/2")).build()
        });
    let page = objects(&first).list("b", "a/", None).await.unwrap();
    let expected = ObjectPage { objects: vec![object("a/1"), object("a/2")], next: Some("a/2".to_owned()) };
    assert_eq!(page, expected);

    let last = mock!(aws_sdk_s3::Client::list_objects_v2)
        .match_requests(|list| list.start_after() == Some("a/2"))
        .then_output(|| ListObjectsV2Output::builder().is_truncated(false).contents(listed("a/3")).build());
    let page = objects(&last).list("b", "a/", Some("a/2")).await.unwrap();
    assert_eq!(page, ObjectPage { objects: vec![object("a/3")], next: None });

    let none = mock!(aws_sdk_s3::Client::list_objects_v2).then_output(|| ListObjectsV2Output::builder().build());
    assert_eq!(objects(&none).list("b", "a/", None).await.unwrap(), ObjectPage::default());
}

#[tokio::test]
async fn what_cannot_be_listed_is_an_error() {
    let denied = mock!(aws_sdk_s3::Client::list_objects_v2)
        .then_error(|| ListObjectsV2Error::generic(ErrorMetadata::builder().code("AccessDenied").build()));
    let nameless = mock!(aws_sdk_s3::Client::list_objects_v2).then_output(|| {
        let object = aws_sdk_s3::types::Object::builder().last_modified(DateTime::from_secs(60));
        ListObjectsV2Output::builder().contents(object.build()).build()
    });
    let timeless = mock!(aws_sdk_s3::Client::list_objects_v2).then_output(|| {
        let object = aws_sdk_s3::types::Object::builder().key("a/1");
        ListObjectsV2Output::builder().contents(object.build()).build()
    });
    for rule in [denied, nameless, timeless] {
        assert_eq!(objects(&rule).list("b", "a/", None).await.unwrap_err().call, "objects.list");
    }
}

#[tokio::test]
async fn an_object_is_there_or_not() {
    let there = mock!(aws_sdk_s3::Client::get_object)
        .match_requests(|get| (get.bucket(), get.key()) == (Some("b"), Some("a/1")))
        .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(b"{}")).build());
    assert_eq!(objects(&there).get("b", "a/1").await.unwrap().unwrap().as_ref(), b"{}");
    let get = |code: &'static str| {
        let error = move || GetObjectError::generic(ErrorMetadata::builder().code(code).build());
        mock!(aws_sdk_s3::Client::get_object).then_error(error)
    };
    assert_eq!(objects(&get("NoSuchKey")).get("b", "a/1").await.unwrap(), None);
    // Whoever may not list a bucket is told so of an object that is not there.
    for code in ["AccessDenied", "NoSuchBucket"] {
        assert_eq!(objects(&get(code)).get("b", "a/1").await.unwrap_err().call, "objects.get", "{code}");
    }
}

#[tokio::test]
async fn an_object_is_deleted() {
    let deleted = mock!(aws_sdk_s3::Client::delete_object)
        .match_requests(|delete| (delete.bucket(), delete.key()) == (Some("b"), Some("a/1")))
        .then_output(|| DeleteObjectOutput::builder().build());
    objects(&deleted).delete("b", "a/1").await.unwrap();
    assert_eq!(deleted.num_calls(), 1);
    let denied = mock!(aws_sdk_s3::Client::delete_object)
        .then_error(|| DeleteObjectError::generic(ErrorMetadata::builder().code("AccessDenied").build()));
    assert_eq!(objects(&denied).delete("b", "a/1").await.unwrap_err().call, "objects.delete");
}
