//! What the `coffeeshop` command does: leaderboards read, scores proved against the ratings, and repaired.
//!
//! Everything goes through the ports of `coffeeshop-core`, so that it is tested on stores in memory, with workers that
//! interleave. Here is no AWS SDK, and no environment is read.

pub mod difference;
pub mod rebuild;
pub mod shops;
pub mod verify;
mod walk;
