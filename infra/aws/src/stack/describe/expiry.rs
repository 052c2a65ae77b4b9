//! What a bucket deletes by itself, as S3 describes it.
//!
//! Only what is deleted so many days after it was written, whatever it is tagged and however large it is.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationError;
use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, LifecycleRuleFilter};

/// What is deleted, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Expiry {
    /// Every object whose key begins with it; empty: every object.
    pub(in super::super) prefix: String,
    /// So long after it was written.
    pub(in super::super) after: Duration,
}

/// What the bucket deletes; nothing if that may not be read, because it is for a person to see and not to be relied on.
pub(super) async fn of(
    s3: &Client,
    bucket: &str,
) -> Result<Vec<Expiry>, SdkError<GetBucketLifecycleConfigurationError>> {
    match s3.get_bucket_lifecycle_configuration().bucket(bucket).send().await {
        Ok(answer) => Ok(answer.rules.unwrap_or_default().iter().filter_map(expiry).collect()),
        Err(error) => match error.code() {
            // A bucket that stays when its stack is deleted can be deleted by hand.
            Some("AccessDenied" | "NoSuchBucket" | "NoSuchLifecycleConfiguration") => Ok(Vec::new()),
            _ => Err(error),
        },
    }
}

fn expiry(rule: &LifecycleRule) -> Option<Expiry> {
    if *rule.status() != ExpirationStatus::Enabled {
        return None;
    }
    let days = u64::try_from(rule.expiration()?.days()?).ok()?;
    let prefix = match rule.filter() {
        Some(filter) => plain_prefix(filter)?,
        #[expect(deprecated, reason = "rules that were made before there were filters have it")]
        None => rule.prefix().unwrap_or_default(),
    };
    Some(Expiry { prefix: prefix.to_owned(), after: Duration::from_hours(24 * days) })
}

/// The prefix that the filter asks for; `None`: it asks for something else too.
fn plain_prefix(filter: &LifecycleRuleFilter) -> Option<&str> {
    let by_size = filter.object_size_greater_than().is_some() || filter.object_size_less_than().is_some();
    let plain = !by_size && filter.tag().is_none() && filter.and().is_none();
    plain.then(|| filter.prefix().unwrap_or_default())
}

#[cfg(test)]
mod tests;
