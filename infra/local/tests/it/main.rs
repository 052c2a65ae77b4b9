//! The local stack against the real emulator: one for all tests of this binary, which use resources of their own on it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod contract;
mod contract_md;
mod lifetime;
mod message_move;
mod photos;
mod post;
mod queue_lock;
mod role;
mod template;
mod world;

use coffeeshop_local::{Options, Stack, StackInfo};
use tokio::sync::OnceCell;

const VISIBILITY_SECONDS: &str = "7";

/// Clients are made by each test, because they belong to its runtime.
async fn stack() -> StackInfo {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    let start = || async {
        let options = Options { stack_name: "shared".to_owned(), ..Options::new() };
        Stack::start(&options.parameter("UploadsVisibilityTimeout", VISIBILITY_SECONDS)).await.unwrap()
    };
    STACK.get_or_init(start).await.info().clone()
}
