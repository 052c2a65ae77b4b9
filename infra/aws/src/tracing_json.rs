//! Logs as one JSON object a line on standard output, where Lambda collects them.
//!
//! What is logged is each function's business; levels below INFO are left out.

use tracing::level_filters::LevelFilter;

/// Installs the subscriber of the process. Call it once, first.
pub fn install() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(LevelFilter::INFO)
        .init();
}

/// An error and everything behind it, in one line.
pub fn with_cause(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
