//! The configuration, read once at the start from the environment that the template sets.
//!
//! What is missing ends the start: there are no fallbacks.

use coffeeshop_aws::scores::ScoreStoreNames;
use coffeeshop_aws::variable::{Missing, required};

/// What the function needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Tables.
    pub store: ScoreStoreNames,
    /// Where records that make no sense are set aside.
    pub quarantine_queue_url: String,
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, Missing> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables through `lookup`.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Missing> {
        let required = |name| required(&lookup, name);
        Ok(Self {
            store: ScoreStoreNames {
                contributions_table: required("CONTRIBUTIONS_TABLE")?,
                scores_table: required("SCORES_TABLE")?,
                shops_table: required("SHOPS_TABLE")?,
            },
            quarantine_queue_url: required("QUARANTINE_QUEUE_URL")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let names = ["CONTRIBUTIONS_TABLE", "SCORES_TABLE", "SHOPS_TABLE", "QUARANTINE_QUEUE_URL"];
        for missing in names {
            let lookup = |name: &str| Some(if name == missing { String::new() } else { name.to_lowercase() });
            assert_eq!(Config::from_lookup(lookup), Err(Missing(missing)));
        }
        let config = Config::from_lookup(|name| Some(name.to_lowercase())).unwrap();
        assert_eq!(config.store.scores_table, "scores_table");
        assert_eq!(config.quarantine_queue_url, "quarantine_queue_url");
    }
}
