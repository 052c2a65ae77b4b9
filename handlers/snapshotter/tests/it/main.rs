//! The snapshotter on ports in memory, whatever fails and whenever it ends; and its datasets as others read them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod boards;
mod contract;
mod dataset;
mod jobs;
mod memory;
mod snapshots;
#[path = "../tables/mod.rs"]
mod tables;
