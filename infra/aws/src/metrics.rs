//! Metrics in CloudWatch's embedded format: lines on stdout, which Lambda hands on.
//!
//! What is counted is each function's own business.

use std::error::Error;

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::tracing_json::with_cause;

/// The namespace of every metric.
pub const METRICS_NAMESPACE: &str = "CoffeeShopRanker";

/// Installs the metrics of a function's process, with this dimension. Call it once; flush what it returns after each batch.
pub fn install(function: impl Into<String>) -> Result<&'static Collector, Box<dyn Error + Send + Sync>> {
    Builder::new().cloudwatch_namespace(METRICS_NAMESPACE).with_dimension("function", function.into()).init()
}

/// Writes the metrics of a batch. That they cannot be written is no reason to do the batch again.
pub fn flush(collector: &Collector) {
    if let Err(error) = collector.flush(std::io::stdout()) {
        tracing::warn!(error = with_cause(&error), "metrics lost");
    }
}
