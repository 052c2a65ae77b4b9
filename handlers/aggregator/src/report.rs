//! What the outside hears of the work: metrics in CloudWatch's embedded format, and a log line for what went wrong.
//!
//! Ids and numbers only: no comment of a rating, nothing about a person. A rating that was settled is no line of its
//! own, because there are thousands a second.

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::ledger::Transaction;
use coffeeshop_core::ports::{PortError, Quarantined};
use metrics::counter;
use tracing::{error, warn};

/// Ratings and scores are stored.
pub(crate) fn committed(transaction: &Transaction) {
    counter!("ratings_settled").increment(transaction.contributions.len() as u64);
    counter!("scores_written").increment(transaction.scores.len() as u64);
}

/// Another worker was first, or it was too much at once: it is tried again.
pub(crate) fn lost_race() {
    counter!("conflicts").increment(1);
}

/// A shop could not be settled now.
pub(crate) fn failed(error: &PortError) {
    warn!(call = error.call, error = with_cause(error), "changes of a shop failed, given back");
}

/// There was no time left for these.
pub(crate) fn given_back(shops: usize) {
    if shops > 0 {
        warn!(shops, "no time left, given back");
    }
}

/// A record is in the quarantine.
pub(crate) fn quarantined(message: &Quarantined) {
    counter!("records_quarantined", "reason" => message.reason.code).increment(1);
    error!(
        record.event_id = message.event_id,
        reason = message.reason.code,
        error = message.reason.error,
        "record in quarantine"
    );
}

/// A record belongs into the quarantine and is not there: it comes again.
pub(crate) fn not_quarantined(message: &Quarantined, error: &PortError) {
    warn!(record.event_id = message.event_id, error = with_cause(error), "record not in quarantine, given back");
}
