//! The configuration, read once at the start from the environment that the template sets.
//!
//! What is missing ends the start: there are no fallbacks.

use coffeeshop_aws::variable::{Missing, required};

/// What the function needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What Lambda calls it: its alarms look for its metrics by this name, so that two stacks are not taken for one.
    pub function_name: String,
    /// Scores and their leaderboards.
    pub scores_table: String,
    /// Outcomes of photos.
    pub photos_table: String,
    /// Leaderboards as they were last announced, and the leases.
    pub boards_table: String,
    /// Which cities there are.
    pub shops_table: String,
    /// Where snapshots go.
    pub analytics_bucket: String,
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
            function_name: required("AWS_LAMBDA_FUNCTION_NAME")?,
            scores_table: required("SCORES_TABLE")?,
            photos_table: required("PHOTOS_TABLE")?,
            boards_table: required("BOARDS_TABLE")?,
            shops_table: required("SHOPS_TABLE")?,
            analytics_bucket: required("ANALYTICS_BUCKET")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let names = [
            "AWS_LAMBDA_FUNCTION_NAME",
            "SCORES_TABLE",
            "PHOTOS_TABLE",
            "BOARDS_TABLE",
            "SHOPS_TABLE",
            "ANALYTICS_BUCKET",
        ];
        for missing in names {
            let lookup = |name: &str| Some(if name == missing { String::new() } else { name.to_lowercase() });
            assert_eq!(Config::from_lookup(lookup), Err(Missing(missing)));
        }
        let config = Config::from_lookup(|name| Some(name.to_lowercase())).unwrap();
        let values = [
            config.function_name,
            config.scores_table,
            config.photos_table,
            config.boards_table,
            config.shops_table,
            config.analytics_bucket,
        ];
        assert_eq!(values, names.map(str::to_lowercase));
    }
}
