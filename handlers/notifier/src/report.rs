//! What the outside hears of the work: metrics in CloudWatch's embedded format, and a log line for what went wrong.
//!
//! Ids, codes and statuses only: no secret, no URL, nothing that a person reads.

use coffeeshop_aws::sqs_batch::Received;
use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::delivery::DeliveryKey;
use coffeeshop_core::ports::{ParkReason, PortError, Put};
use metrics::counter;
use tracing::{error, info, warn};

use crate::verdict::Verdict;

/// So many deliveries were asked for.
pub(crate) fn fanned_out(deliveries: usize) {
    counter!("deliveries_asked_for").increment(deliveries as u64);
}

/// A channel of whoever is told is disabled.
pub(crate) fn disabled_channel() {
    counter!("channels_disabled").increment(1);
}

/// There was nothing to do, on purpose.
pub(crate) fn ignored(message: &Received, why: &'static str) {
    counter!("notifications_ignored").increment(1);
    info!(message.id = message.id.as_str(), why, "ignored");
}

/// An inbox has the item.
pub(crate) fn inbox(put: Put) {
    let outcome = if put == Put::Stored { "stored" } else { "there_before" };
    counter!("inbox_items", "outcome" => outcome).increment(1);
}

/// A webhook was called.
pub(crate) fn called(verdict: &Verdict) {
    let outcome = match verdict {
        Verdict::Delivered { .. } => "delivered",
        Verdict::Gone => "gone",
        Verdict::Refused(reason) | Verdict::Retry { reason, .. } => reason.code,
    };
    counter!("webhook_calls", "outcome" => outcome).increment(1);
}

/// A webhook wants no more calls.
pub(crate) fn disabled(key: &DeliveryKey) {
    info!(delivery.channel = key.channel(), "a webhook answered 410 and was disabled");
}

/// Another worker is at it, or died at it.
pub(crate) fn leased_by_another(message: &Received) {
    info!(message.id = message.id.as_str(), "leased by another worker, comes again when that ends");
}

/// A webhook is called again later.
pub(crate) fn retried(message: &Received, reason: &ParkReason, seconds: u64) {
    let (attempt, reason) = (message.receive_count, reason.code);
    info!(message.id = message.id.as_str(), attempt, reason, pause_s = seconds, "a webhook is called again later");
}

/// A message could not be handled now.
pub(crate) fn given_back(message: &Received, error: &PortError) {
    warn!(
        message.id = message.id.as_str(),
        receive_count = message.receive_count,
        call = error.call,
        error = with_cause(error),
        "failed, given back"
    );
}

/// A message was set aside. Why in words is an attribute of it: a part of that is what a webhook wrote.
pub(crate) fn parked(message: &Received, reason: &ParkReason) {
    counter!("notifications_parked", "reason" => reason.code).increment(1);
    error!(message.id = message.id.as_str(), reason = reason.code, "parked in the DLQ");
}

/// What became of a delivery could not be noted.
pub(crate) fn not_noted(message: &Received, error: &PortError) {
    warn!(message.id = message.id.as_str(), error = with_cause(error), "what became of a delivery could not be noted");
}
