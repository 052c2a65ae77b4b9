//! Files in buckets: what is sent, and what an answer means.

use std::io::Write as _;

use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::objects::S3Objects;
use coffeeshop_core::ports::{Objects as _, Put};
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
