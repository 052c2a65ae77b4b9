//! The two steps, on everything in memory; and webhooks: what may be called, how it is signed, and what a real server on
//! this machine gets and answers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod address;
mod client;
mod receiver;
mod signature;
mod steps;
mod target;
mod tls;
