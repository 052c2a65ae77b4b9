//! What an operator sees of the snapshotter: a job run by hand, and what lies in the bucket of analytics.
//!
//! What the jobs do, and what is in the objects, is not known here.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use coffeeshop_core::ports::{Answer, Functions as _, Uploads as _};
use serde_json::{Value, json};

use super::App;

/// How often, and at what times, it is looked whether another run is through: somewhat longer than a lease can last.
const LOOKS_MAX: usize = 300;
const LOOK: Duration = Duration::from_secs(1);

impl App {
    /// Runs a job of the snapshotter, such as `scores`, and returns what it answers. While another run is at it, it is waited
    /// for.
    pub async fn snapshot(&self, job: &str) -> Result<Value> {
        for _ in 0..LOOKS_MAX {
            let answer = match self.invoke_snapshotter(job).await? {
                Answer::Returned(answer) => answer,
                Answer::Failed { error } => bail!("the snapshotter failed at {job}: {error}"),
            };
            let answer: Value = serde_json::from_slice(&answer).context("the snapshotter's answer is not JSON")?;
            if answer.get("ended").and_then(Value::as_str) != Some("skipped") {
                return Ok(answer);
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("another run has the lease of {job}, and does not give it back");
    }

    /// Invokes the snapshotter once.
    pub async fn invoke_snapshotter(&self, job: &str) -> Result<Answer> {
        let payload = Bytes::from(json!({ "job": job }).to_string());
        Ok(self.functions.invoke(&self.snapshotter, payload).await?)
    }

    /// The keys of the objects in the bucket of analytics that begin so, in order.
    pub async fn analytics_keys(&self, prefix: &str) -> Result<Vec<String>> {
        Ok(self.analytics.keys(prefix).await?)
    }

    /// An object of the bucket of analytics.
    pub async fn analytics_object(&self, key: &str) -> Result<Bytes> {
        self.analytics.read(key).await?.with_context(|| format!("{key} is not in the bucket of analytics"))
    }
}
