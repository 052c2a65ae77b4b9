//! Domain types, decisions and ports of CoffeeShopRanker.
//!
//! A decision is a pure function here; an effect is a trait in [`ports`]. This crate does not know AWS, a runtime,
//! a clock or the process environment: those come in through ports and arguments.
#![warn(missing_docs)]

pub mod announce;
pub mod backoff;
pub mod board;
pub mod contribution;
pub mod delivery;
pub mod edition;
pub mod event;
pub mod fence;
pub mod histogram;
pub mod ids;
pub mod inbox;
pub mod keys;
pub mod ledger;
pub mod outcome;
pub mod period;
pub mod photo;
pub mod pipeline;
pub mod place;
pub mod ports;
pub mod rating;
pub mod recount;
pub mod renditions;
pub mod replayed;
pub mod reprocess;
pub mod score;
pub mod sequencer;
pub mod subscription;
#[cfg(feature = "testing")]
pub mod testing;

/// The largest original that is read, in bytes: 50 MiB. Anything larger is rejected unread.
pub const SOURCE_BYTES_MAX: u64 = 50 << 20;

/// The largest original that is decoded, in pixels: 100 million. Anything larger is rejected after its header.
pub const SOURCE_PIXELS_MAX: u64 = 100_000_000;
