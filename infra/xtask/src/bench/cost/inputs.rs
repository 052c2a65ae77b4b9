//! What the reckoning stands on: four files of `infra/bench`, and the template.
//!
//! A file that somebody must measure first is named with the command that makes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// `infra/bench/prices.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Prices {
    pub(super) region: String,
    pub(super) read_on: String,
    pub(super) usd_a_million: Rates,
}

/// US dollars for a million of each.
#[derive(Debug, Deserialize)]
pub(super) struct Rates {
    pub(super) lambda_gb_seconds: Rate,
    pub(super) lambda_requests: Rate,
    pub(super) s3_put: Rate,
    pub(super) s3_list: Rate,
    pub(super) s3_get: Rate,
    pub(super) dynamodb_write_units: Rate,
    pub(super) dynamodb_read_units: Rate,
    pub(super) sns_publishes: Rate,
    pub(super) sqs_requests: Rate,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rate {
    pub(super) usd: f64,
    pub(super) certain: bool,
}

impl Rates {
    /// The names of those that nobody could check against AWS's own word.
    pub(super) fn uncertain(&self) -> Vec<&'static str> {
        [
            ("GB-seconds", &self.lambda_gb_seconds),
            ("Lambda requests", &self.lambda_requests),
            ("S3 PUT", &self.s3_put),
            ("S3 LIST", &self.s3_list),
            ("S3 GET", &self.s3_get),
            ("DynamoDB write units", &self.dynamodb_write_units),
            ("DynamoDB read units", &self.dynamodb_read_units),
            ("SNS publishes", &self.sns_publishes),
            ("SQS requests", &self.sqs_requests),
        ]
        .into_iter()
        .filter(|(_, rate)| !rate.certain)
        .map(|(name, _)| name)
        .collect()
    }
}

/// `infra/bench/calls.json`, which tests hold.
#[derive(Debug, Deserialize)]
pub(super) struct Calls {
    pub(super) photo: PhotoCalls,
    pub(super) rating_alone: RatingCalls,
    pub(super) ratings_batch: RatingCalls,
}

/// What the thumbnailer does for a first upload.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PhotoCalls {
    pub(super) s3_get: f64,
    pub(super) s3_put: f64,
    pub(super) s3_list: f64,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
}

/// What the aggregator does for a batch.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RatingCalls {
    pub(super) ratings: f64,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
    /// Scores written: records of their stream.
    pub(super) scores: f64,
}

/// What is read here of `infra/bench/photos.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Photos {
    pub(super) machine: String,
    pub(super) date: String,
    engines: Vec<Engine>,
}

#[derive(Debug, Deserialize)]
struct Engine {
    name: String,
    /// Of a photo, user and system. The mean, because the sum is what is paid for.
    cpu_ms_mean: Option<f64>,
}

impl Photos {
    /// Milliseconds of CPU for a photo; `None` when the engine was not there.
    pub(super) fn cpu_ms(&self, engine: &str) -> Option<f64> {
        self.engines.iter().find(|found| found.name == engine)?.cpu_ms_mean
    }
}

/// What is read here of `infra/bench/outcome.json`.
#[derive(Debug, Deserialize)]
struct Outcome {
    /// What the function spends on a photo beyond pixels, at the median.
    beyond_pixels_ms_median: f64,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) prices: Prices,
    pub(super) calls: Calls,
    pub(super) photos: Photos,
    /// `None` when nobody has measured it.
    pub(super) beyond_pixels_ms: Option<f64>,
    pub(super) functions: BTreeMap<&'static str, Function>,
}

/// What the template gives a function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Function {
    pub(super) memory_mb: f64,
}

const FUNCTIONS: [&str; 4] = ["ThumbnailerFunction", "AggregatorFunction", "PublisherFunction", "NotifierFunction"];

/// Reads all of it; the error of what is missing says which command makes it.
pub(super) fn read(root: &Path) -> Result<Inputs> {
    let file = |name: &str| root.join("infra/bench").join(name);
    let outcome = file("outcome.json");
    let template = fs::read_to_string(root.join("infra/template.yaml")).context("the template cannot be read")?;
    let functions = FUNCTIONS
        .into_iter()
        .map(|name| Ok((name, function(&template, name).with_context(|| format!("the template has no {name}"))?)))
        .collect::<Result<_>>()?;
    Ok(Inputs {
        prices: json(&file("prices.json"), "it is written by hand")?,
        calls: json(&file("calls.json"), "it is written by hand, and tests say what it must be")?,
        photos: json(&file("photos.json"), "`cargo xtask bench photos` makes it")?,
        beyond_pixels_ms: if outcome.exists() {
            Some(json::<Outcome>(&outcome, "`cargo xtask bench outcome` makes it")?.beyond_pixels_ms_median)
        } else {
            None
        },
        functions,
    })
}

fn json<T: DeserializeOwned>(path: &Path, origin: &str) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read: {origin}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as expected: {origin}", path.display()))
}

/// By the template's lines, which are regular.
fn function(template: &str, name: &str) -> Option<Function> {
    let lines = template.lines().skip_while(|line| *line != format!("  {name}:")).skip(1);
    let memory = lines
        .take_while(|line| line.is_empty() || line.starts_with("   ") || line.starts_with("  #"))
        .find_map(|line| line.trim().strip_prefix("MemorySize: "))?;
    Some(Function { memory_mb: memory.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_own_memory() {
        let template = "Resources:\n  AFunction:\n    Properties:\n      # why\n      MemorySize: 512\n\n  BFunction:\n    \
                        Type: x\n\n  CFunction:\n    Properties:\n      MemorySize: 2048\n";
        assert_eq!(function(template, "AFunction"), Some(Function { memory_mb: 512.0 }));
        assert_eq!(function(template, "BFunction"), None);
        assert_eq!(function(template, "CFunction"), Some(Function { memory_mb: 2048.0 }));
        assert_eq!(function(template, "Function"), None);
    }

    #[test]
    fn the_committed_files_can_be_read() {
        let root = coffeeshop_local::repo_root();
        let prices: Prices = json(&root.join("infra/bench/prices.json"), "").unwrap();
        assert!(!prices.usd_a_million.uncertain().contains(&"Lambda requests"));
        let calls: Calls = json(&root.join("infra/bench/calls.json"), "").unwrap();
        assert!(calls.photo.s3_put > 0.0 && calls.ratings_batch.ratings > 1.0);
    }
}
