//! The command: what it finds, repairs and says, on stores in memory and on the emulator.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod boards;
mod cli;
mod contract;
mod dlq;
mod dlq_emulator;
mod emulator;
mod export;
mod failures;
mod fakes;
mod faults;
mod help;
mod hot;
mod photos;
mod rebuild;
mod repairs;
mod reprocess_emulator;
mod spoilt;
mod transcript;
mod verify;
mod world;
