//! How the adapters map what AWS answers: to a value that the port's contract names, or to an error.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod boards;
mod delivery_queue;
mod functions;
mod headers;
mod leaderboard;
mod mapping;
mod notifications;
mod objects;
mod photo_records;
mod quarantine;
mod queues;
mod scores;
mod shop_records;
mod stack;
mod streams;
mod topic;
