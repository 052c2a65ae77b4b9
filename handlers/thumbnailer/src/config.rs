//! The configuration, read once at the start from the environment that the template sets.
//!
//! What is missing or wrong ends the start: there are no fallbacks, but for the default renditions.

use std::num::ParseIntError;

use coffeeshop_aws::photos::PhotoStoreNames;
use coffeeshop_aws::variable::{Missing, required};
use coffeeshop_core::renditions::{RenditionSpecError, RenditionSpecs};
use jiff::SignedDuration;

/// The renditions that are made unless the configuration names others.
pub const RENDITIONS_DEFAULT: &str = "thumb=160x160:cover,card=480:fit,full=1080:fit";

/// What the function needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Buckets and table.
    pub store: PhotoStoreNames,
    /// Where messages come from.
    pub uploads_queue_url: String,
    /// Where what cannot be used is set aside.
    pub uploads_dlq_url: String,
    /// For how long the queue hides a message that was received.
    pub uploads_visibility_timeout: SignedDuration,
    /// Which renditions are made.
    pub renditions: RenditionSpecs,
}

/// Why the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that is not there, or empty.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A timeout that is no number.
    #[error("UPLOADS_VISIBILITY_SECONDS is not a number of seconds")]
    VisibilityTimeout(#[from] ParseIntError),
    /// A list of renditions that cannot be made.
    #[error("the environment variable RENDITIONS cannot be used")]
    Renditions(#[from] RenditionSpecError),
    /// What is parked would be received again, and parked again.
    #[error("UPLOADS_QUEUE_URL and UPLOADS_DLQ_URL are both {0}: what is parked would come again")]
    ParkedLoop(String),
    /// Renditions would be written where uploads are read, and each would be rendered again.
    #[error("ORIGINALS_BUCKET and RENDITIONS_BUCKET are both {0}: the output would be input again")]
    Loop(String),
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables through `lookup`.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let required = |name| required(&lookup, name);
        let store = PhotoStoreNames {
            originals_bucket: required("ORIGINALS_BUCKET")?,
            renditions_bucket: required("RENDITIONS_BUCKET")?,
            photos_table: required("PHOTOS_TABLE")?,
        };
        if store.originals_bucket == store.renditions_bucket {
            return Err(ConfigError::Loop(store.originals_bucket));
        }
        let [uploads_queue_url, uploads_dlq_url] = [required("UPLOADS_QUEUE_URL")?, required("UPLOADS_DLQ_URL")?];
        if uploads_queue_url == uploads_dlq_url {
            return Err(ConfigError::ParkedLoop(uploads_queue_url));
        }
        Ok(Self {
            store,
            uploads_queue_url,
            uploads_dlq_url,
            uploads_visibility_timeout: SignedDuration::from_secs(required("UPLOADS_VISIBILITY_SECONDS")?.parse()?),
            renditions: required("RENDITIONS").as_deref().unwrap_or(RENDITIONS_DEFAULT).parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        ("ORIGINALS_BUCKET", "originals"),
        ("RENDITIONS_BUCKET", "renditions"),
        ("PHOTOS_TABLE", "photos"),
        ("UPLOADS_QUEUE_URL", "https://sqs/uploads"),
        ("UPLOADS_DLQ_URL", "https://sqs/uploads-dlq"),
        ("UPLOADS_VISIBILITY_SECONDS", "720"),
    ];

    fn with(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let find = |pairs: &[(&str, &str)], name: &str| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Config::from_lookup(|name| find(changes, name).or_else(|| find(&GOOD, name)))
    }

    #[test]
    fn the_default_renditions_are_made() {
        assert_eq!(with(&[]).unwrap().renditions, RENDITIONS_DEFAULT.parse().unwrap());
        assert_eq!(with(&[("RENDITIONS", "a=9:fit")]).unwrap().renditions.to_string(), "a=9:fit");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in GOOD {
            assert_eq!(with(&[(name, "")]), Err(Missing(name).into()));
        }
    }

    #[test]
    fn wrong_renditions_end_the_start() {
        assert!(matches!(with(&[("RENDITIONS", "thumb=0:fit")]), Err(ConfigError::Renditions(_))));
    }

    #[test]
    fn the_timeout_is_in_seconds() {
        assert_eq!(with(&[]).unwrap().uploads_visibility_timeout, SignedDuration::from_mins(12));
        let error = with(&[("UPLOADS_VISIBILITY_SECONDS", "12m")]).unwrap_err();
        assert!(matches!(error, ConfigError::VisibilityTimeout(_)), "{error}");
    }

    #[test]
    fn a_loop_cannot_be_built() {
        let error = with(&[("RENDITIONS_BUCKET", "originals")]).unwrap_err();
        assert_eq!(error, ConfigError::Loop("originals".to_owned()));
        let error = with(&[("UPLOADS_DLQ_URL", "https://sqs/uploads")]).unwrap_err();
        assert_eq!(error, ConfigError::ParkedLoop("https://sqs/uploads".to_owned()));
    }
}
