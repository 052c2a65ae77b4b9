//! What the outside hears of the work: metrics in CloudWatch's embedded format, and a log line for what went wrong.
//!
//! Ids and numbers only. An event that was published is no line of its own, because there are thousands a second.

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::event::Event;
use coffeeshop_core::ports::PortError;
use metrics::counter;
use tracing::{error, warn};

use crate::envelope::Unreadable;

/// The topic has an event.
pub(crate) fn published(event: &Event) {
    counter!("events_published", "type" => event.data.kind()).increment(1);
}

/// So many states of scores were replaced within their batch.
pub(crate) fn superseded(scores: usize) {
    if scores > 0 {
        counter!("scores_superseded").increment(scores as u64);
    }
}

/// The topic may not have an event.
pub(crate) fn failed(event: &Event, error: &PortError) {
    warn!(event.id = event.id.as_str(), call = error.call, error = with_cause(error), "event not published");
}

/// These are not published: some failed, and for the others it was too late, or one before them failed.
pub(crate) fn given_back(events: usize) {
    if events > 0 {
        warn!(events, "events given back");
    }
}

/// A record cannot be read: Lambda bisects its batch, and archives it in the end.
pub(crate) fn unreadable(error: &Unreadable) {
    counter!("batches_unreadable").increment(1);
    error!(error = with_cause(error), "batch with a record that cannot be read, failed");
}
