//! What the outside hears of the work: metrics in CloudWatch's embedded format, and log lines.

use std::error::Error;

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::board::BoardKey;
use coffeeshop_core::ports::PortError;
use metrics::counter;
use tracing::{error, info, warn};

use crate::boards::Summary;
use crate::job::Job;
use crate::snapshot::Manifest;

/// Another run has the lease.
pub(crate) fn skipped(job: Job) {
    counter!("runs_skipped").increment(1);
    info!(?job, "another run is at it: skipped");
}

/// The lease could not be given back: the next run may be skipped.
pub(crate) fn lease_kept(job: Job, error: &PortError) {
    warn!(?job, call = error.call, error = with_cause(error), "lease not given back");
}

/// The job failed: the next schedule begins it anew.
pub(crate) fn failed(job: Job, cause: &(dyn Error + 'static)) {
    error!(?job, error = with_cause(cause), "job failed");
}

/// An item cannot be understood, or is no row, and is in no file.
pub(crate) fn left_out(dataset: &'static str, error: &(dyn Error + 'static)) {
    counter!("items_left_out").increment(1);
    error!(dataset, error = with_cause(error), "item left out of the snapshot");
}

/// A snapshot is there.
pub(crate) fn complete(manifest: &Manifest) {
    let Manifest { dataset, watermark, rows, bytes, left_out, .. } = manifest;
    counter!("snapshots_complete", "dataset" => dataset.clone()).increment(1);
    info!(dataset, %watermark, rows, bytes, left_out, "snapshot complete");
}

/// A leaderboard could not be looked at, written or exported: the next run tries again.
pub(crate) fn board_failed(key: &BoardKey, error: &PortError) {
    counter!("boards_failed").increment(1);
    let board = key.to_string();
    warn!(board, call = error.call, error = with_cause(error), "leaderboard not done");
}

/// What a run made of the leaderboards.
pub(crate) fn compared(summary: &Summary, failed: usize) {
    let Summary { compared, changed, exported, lost_races } = *summary;
    counter!("boards_compared").increment(compared);
    counter!("boards_changed").increment(changed);
    counter!("boards_lost_races").increment(lost_races);
    info!(compared, changed, exported, lost_races, failed, "leaderboards compared");
}
