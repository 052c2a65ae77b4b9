//! The thumbnailer against the world in memory, and its pictures against the fixtures.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

#[path = "../fixtures/mod.rs"]
mod fixtures;

mod batch;
mod cost;
mod events;
mod faults;
mod first;
mod images;
mod interleaved;
mod photos;
mod reference;
mod reprocess;
mod simulation;
mod support;
