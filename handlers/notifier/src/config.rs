//! The configuration, read once at the start from the environment that the template sets.
//!
//! What is missing ends the start: there are no fallbacks. Only the list of webhooks that are exempt may be empty.

use std::num::ParseIntError;

use coffeeshop_aws::notifications::NotificationNames;
use coffeeshop_aws::variable::{Missing, required};

use crate::webhook::target::{Allow, BadEntry};

/// What the function needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Tables.
    pub store: NotificationNames,
    /// Where events come from.
    pub notifications: Queue,
    /// Where deliveries come from, and go to.
    pub deliveries: Queue,
    /// How often a delivery is tried: the `maxReceiveCount` of its queue.
    pub delivery_attempts: u32,
    /// Webhooks that are exempt from the rules.
    pub webhook_allow: Allow,
}

/// A queue and its dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// What Lambda calls it.
    pub arn: String,
    /// What SQS calls it.
    pub url: String,
    /// What SQS calls its dead-letter queue.
    pub dlq_url: String,
}

/// Why the function cannot start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that is not there, or empty.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// What is sent or parked would be received again as something else, or for ever.
    #[error("two of the queues and dead-letter queues are {0}")]
    SameQueue(String),
    /// A number that is none.
    #[error("DELIVERY_ATTEMPTS is not a number")]
    Attempts(#[source] ParseIntError),
    /// A list that cannot be read.
    #[error("WEBHOOK_ALLOW cannot be read")]
    Allow(#[source] BadEntry),
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
        let config = Self {
            store: NotificationNames {
                subscribers_table: required("SUBSCRIBERS_TABLE")?,
                deliveries_table: required("DELIVERIES_TABLE")?,
                inbox_table: required("INBOX_TABLE")?,
            },
            notifications: Queue {
                arn: required("NOTIFICATIONS_QUEUE_ARN")?,
                url: required("NOTIFICATIONS_QUEUE_URL")?,
                dlq_url: required("NOTIFICATIONS_DLQ_URL")?,
            },
            deliveries: Queue {
                arn: required("DELIVERIES_QUEUE_ARN")?,
                url: required("DELIVERIES_QUEUE_URL")?,
                dlq_url: required("DELIVERIES_DLQ_URL")?,
            },
            delivery_attempts: required("DELIVERY_ATTEMPTS")?.parse().map_err(ConfigError::Attempts)?,
            webhook_allow: lookup("WEBHOOK_ALLOW").unwrap_or_default().parse().map_err(ConfigError::Allow)?,
        };
        let queues = [&config.notifications, &config.deliveries];
        let mut urls: Vec<&String> = queues.into_iter().flat_map(|queue| [&queue.url, &queue.dlq_url]).collect();
        urls.sort_unstable();
        match urls.windows(2).find_map(|two| two.first().filter(|first| two.last() == Some(first))) {
            Some(twice) => Err(ConfigError::SameQueue((*twice).clone())),
            None => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [&str; 10] = [
        "SUBSCRIBERS_TABLE",
        "DELIVERIES_TABLE",
        "INBOX_TABLE",
        "NOTIFICATIONS_QUEUE_ARN",
        "NOTIFICATIONS_QUEUE_URL",
        "NOTIFICATIONS_DLQ_URL",
        "DELIVERIES_QUEUE_ARN",
        "DELIVERIES_QUEUE_URL",
        "DELIVERIES_DLQ_URL",
        "DELIVERY_ATTEMPTS",
    ];

    fn value(name: &str) -> Option<String> {
        match name {
            "DELIVERY_ATTEMPTS" => Some("12".to_owned()),
            "WEBHOOK_ALLOW" => None,
            name => Some(name.to_lowercase()),
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for missing in REQUIRED {
            let lookup = |name: &str| if name == missing { Some(String::new()) } else { value(name) };
            assert_eq!(Config::from_lookup(lookup), Err(Missing(missing).into()));
        }
    }

    #[test]
    fn everything_arrives_where_it_belongs() {
        let config = Config::from_lookup(value).unwrap();
        assert_eq!(config.store.deliveries_table, "deliveries_table");
        assert_eq!(config.delivery_attempts, 12);
        let queue = |name: &str| Queue {
            arn: format!("{name}_queue_arn"),
            url: format!("{name}_queue_url"),
            dlq_url: format!("{name}_dlq_url"),
        };
        assert_eq!((config.notifications, config.deliveries), (queue("notifications"), queue("deliveries")));
        assert_eq!(
            (config.store.subscribers_table.as_str(), config.store.inbox_table.as_str()),
            ("subscribers_table", "inbox_table")
        );
        assert_eq!(config.webhook_allow, Allow::default());

        let with = |wanted: &'static str, text: &'static str| {
            Config::from_lookup(move |name| if name == wanted { Some(text.to_owned()) } else { value(name) })
        };
        for name in ["NOTIFICATIONS_QUEUE_URL", "NOTIFICATIONS_DLQ_URL", "DELIVERIES_DLQ_URL"] {
            let same = ConfigError::SameQueue("deliveries_queue_url".to_owned());
            assert_eq!(with(name, "deliveries_queue_url"), Err(same), "{name}");
        }
        assert!(matches!(with("DELIVERY_ATTEMPTS", "often"), Err(ConfigError::Attempts(_))));
        assert!(matches!(with("WEBHOOK_ALLOW", "localhost"), Err(ConfigError::Allow(_))));
        assert_ne!(with("WEBHOOK_ALLOW", "127.0.0.1:8080").unwrap().webhook_allow, Allow::default());
    }
}
