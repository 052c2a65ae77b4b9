//! What the `coffeeshop` command does: leaderboards read, scores proved against the ratings, and repaired.
//!
//! Everything goes through the ports of `coffeeshop-core`, so that it is tested on stores in memory, with workers that
//! interleave. Here is no AWS SDK, and no environment is read.

pub mod attempts;
mod bars;
pub mod cli;
mod command;
pub mod difference;
pub mod failure;
mod moment;
mod output;
pub mod progress;
pub mod rebuild;
pub mod run;
pub mod shops;
mod table;
pub mod verify;
mod walk;
mod wording;
