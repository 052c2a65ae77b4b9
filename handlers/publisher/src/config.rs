//! The configuration, read once at the start from the environment that the template sets.
//!
//! What is missing ends the start: there are no fallbacks.

use coffeeshop_aws::variable::{Missing, required};

use crate::envelope::Tables;

/// What the function needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whose streams are read.
    pub tables: Tables,
    /// Where events are published.
    pub events_topic_arn: String,
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
            tables: Tables {
                photos: required("PHOTOS_TABLE")?,
                scores: required("SCORES_TABLE")?,
                boards: required("BOARDS_TABLE")?,
            },
            events_topic_arn: required("EVENTS_TOPIC_ARN")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        for missing in ["PHOTOS_TABLE", "SCORES_TABLE", "BOARDS_TABLE", "EVENTS_TOPIC_ARN"] {
            let lookup = |name: &str| Some(if name == missing { String::new() } else { name.to_lowercase() });
            assert_eq!(Config::from_lookup(lookup), Err(Missing(missing)));
        }
        let Config { tables, events_topic_arn } = Config::from_lookup(|name| Some(name.to_lowercase())).unwrap();
        let names = [tables.photos, tables.scores, tables.boards, events_topic_arn];
        assert_eq!(names, ["photos_table", "scores_table", "boards_table", "events_topic_arn"]);
    }
}
