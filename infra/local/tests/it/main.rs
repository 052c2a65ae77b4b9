//! The local stack against the real emulator: one for all tests of this binary, which use resources of their own on it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod broken;
mod contract;
mod contract_boards;
mod contract_md;
mod contract_notifications;
mod contract_photo_records;
mod contract_queues;
mod contract_records;
mod contract_scores;
mod contract_snapshots;
mod hidden;
mod invoke_and_streams;
mod kills;
mod large_queues;
mod lifetime;
mod message_move;
mod notifications;
mod photos;
mod places;
mod post;
mod queue_lock;
mod ratings;
mod role;
mod role_aggregator;
mod role_notifier;
mod role_publisher;
mod role_snapshotter;
mod snapshots;
mod sns_batches;
mod sns_redrive;
mod stream_limits;
mod stream_mapping;
mod streamed;
mod template;
mod template_alarms;
mod template_analytics;
mod template_events;
mod template_notifications;
mod template_ratings;
mod world;

use coffeeshop_local::{Options, Stack, StackInfo};
use tokio::sync::OnceCell;

const VISIBILITY_SECONDS: &str = "7";

static STACK: OnceCell<Stack> = OnceCell::const_new();

/// Clients are made by each test, because they belong to its runtime.
async fn stack() -> StackInfo {
    let start = || async {
        let options = Options { stack_name: "shared".to_owned(), ..Options::new() };
        Stack::start(&options.parameter("UploadsVisibilityTimeout", VISIBILITY_SECONDS)).await.unwrap()
    };
    STACK.get_or_init(start).await.info().clone()
}

/// What the emulator of [`stack`] has logged by now.
fn log() -> String {
    std::fs::read_to_string(STACK.get().unwrap().log_path()).unwrap()
}
