//! Rules of a bucket, and what is made of them.

use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::types::builders::LifecycleRuleBuilder;
use aws_sdk_s3::types::{LifecycleExpiration, LifecycleRuleAndOperator, Tag};
use aws_smithy_mocks::{RuleMode, mock, mock_client};

use super::*;

fn after(days: i32) -> LifecycleRuleBuilder {
    let expiration = LifecycleExpiration::builder().days(days).build();
    LifecycleRule::builder().status(ExpirationStatus::Enabled).expiration(expiration)
}

fn tag() -> Tag {
    Tag::builder().key("a").value("b").build().unwrap()
}

async fn expiries(rules: Vec<LifecycleRule>) -> Vec<(String, u64)> {
    let output = move || GetBucketLifecycleConfigurationOutput::builder().set_rules(Some(rules.clone())).build();
    let rule = mock!(Client::get_bucket_lifecycle_configuration)
        .match_requests(|request| request.bucket() == Some("failures"))
        .then_output(output);
    let expiries = of(&mock_client!(aws_sdk_s3, RuleMode::Sequential, [&rule]), "failures").await.unwrap();
    expiries.into_iter().map(|expiry| (expiry.prefix, expiry.after.as_secs() / 86_400)).collect()
}

#[tokio::test]
async fn a_rule_that_asks_for_nothing_but_a_prefix_counts() {
    #[expect(deprecated, reason = "rules that were made before there were filters have it")]
    let old = after(30).prefix("aws/").build().unwrap();
    let filter = |filter: aws_sdk_s3::types::builders::LifecycleRuleFilterBuilder| filter.build();
    let rules = vec![
        after(90).build().unwrap(),
        after(60).filter(filter(LifecycleRuleFilter::builder())).build().unwrap(),
        after(45).filter(filter(LifecycleRuleFilter::builder().prefix("aws/lambda/"))).build().unwrap(),
        old,
    ];
    let expected = [("", 90), ("", 60), ("aws/lambda/", 45), ("aws/", 30)];
    assert_eq!(expiries(rules).await, expected.map(|(prefix, days)| (prefix.to_owned(), days)));
}

#[tokio::test]
async fn others_do_not() {
    let filtered = |filter: aws_sdk_s3::types::builders::LifecycleRuleFilterBuilder| {
        after(7).filter(filter.build()).build().unwrap()
    };
    let and = LifecycleRuleAndOperator::builder().prefix("").tags(tag()).build();
    let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    let rules = vec![
        after(7).status(ExpirationStatus::Disabled).build().unwrap(),
        LifecycleRule::builder().status(ExpirationStatus::Enabled).build().unwrap(),
        LifecycleRule::builder().status(ExpirationStatus::Enabled).expiration(markers).build().unwrap(),
        filtered(LifecycleRuleFilter::builder().tag(tag())),
        filtered(LifecycleRuleFilter::builder().and(and)),
        filtered(LifecycleRuleFilter::builder().object_size_greater_than(9)),
        filtered(LifecycleRuleFilter::builder().object_size_less_than(9)),
    ];
    assert_eq!(expiries(rules).await, []);
}

#[tokio::test]
async fn a_bucket_without_rules_or_whose_rules_may_not_be_read_is_no_error() {
    for (code, fine) in [
        ("NoSuchLifecycleConfiguration", true),
        ("AccessDenied", true),
        ("NoSuchBucket", true),
        ("InvalidAccessKeyId", false),
    ] {
        let rule = mock!(Client::get_bucket_lifecycle_configuration).then_error(move || {
            GetBucketLifecycleConfigurationError::generic(ErrorMetadata::builder().code(code).build())
        });
        let expiries = of(&mock_client!(aws_sdk_s3, RuleMode::Sequential, [&rule]), "failures").await;
        assert_eq!(expiries.is_ok_and(|expiries| expiries.is_empty()), fine, "{code}");
    }
}
