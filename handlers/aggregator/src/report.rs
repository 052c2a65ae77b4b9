//! What the outside hears of the work: metrics in CloudWatch's embedded format, and a log line for what went wrong.
//!
//! Ids and numbers only: no comment of a rating, nothing about a person. A rating that was settled is no line of its
//! own, because there are thousands a second.

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::Transaction;
use coffeeshop_core::ports::{PortError, Quarantined};
use metrics::counter;
use tracing::{error, warn};

/// Ratings and scores are stored.
pub(crate) fn committed(transaction: &Transaction) {
    counter!("ratings_settled").increment(transaction.contributions.len() as u64);
    counter!("scores_written").increment(transaction.scores.len() as u64);
}

/// Changes that said nothing new.
pub(crate) fn stale(changes: usize) {
    counter!("ratings_stale").increment(changes as u64);
}

/// Another worker was first with these shops, or it was too much at once.
pub(crate) fn tried_again(shops: usize) {
    counter!("shops_tried_again").increment(shops as u64);
}

/// A shop could not be settled now.
pub(crate) fn failed(shop_id: &ShopId, error: &PortError) {
    warn!(
        shop.id = shop_id.as_str(),
        call = error.call,
        error = with_cause(error),
        "changes of a shop failed, given back"
    );
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
    // The message says more; but that is what somebody wrote.
    error!(record.event_id = message.event_id, reason = message.reason.code, "record in quarantine");
}

/// A record belongs into the quarantine and is not there: it comes again.
pub(crate) fn not_quarantined(message: &Quarantined, error: &PortError) {
    warn!(record.event_id = message.event_id, error = with_cause(error), "record not in quarantine, given back");
}
