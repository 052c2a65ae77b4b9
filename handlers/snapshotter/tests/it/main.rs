//! The snapshotter on ports in memory: what becomes of leaderboards and of snapshots, whatever fails and whenever it ends.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod boards;
mod jobs;
mod memory;
mod snapshots;
