//! The aggregator on ports in memory: what it makes of each record, each fault, and thousands of histories.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod batch;
mod faults;
mod history;
mod lanes;
mod rebuild;
mod records;
mod simulation;
mod slow;
mod support;
