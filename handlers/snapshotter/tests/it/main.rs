//! The snapshotter on ports in memory, and its datasets as others read them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod dataset;
