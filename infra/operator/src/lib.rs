//! What the `coffeeshop` command does: leaderboards read, scores proved against the ratings, and repaired; what failed
//! found, grouped and replayed; photos looked at, and made anew.
//!
//! Everything goes through the ports of `coffeeshop-core`, so that it is tested on stores in memory, with workers that
//! interleave. Here is no AWS SDK, and only `config` reads the environment.

pub mod attempts;
mod bars;
pub mod cli;
pub mod command;
pub mod config;
pub mod difference;
mod dlq;
pub mod export;
pub mod failure;
mod journal;
mod moment;
mod output;
mod photos;
pub mod progress;
pub mod rebuild;
pub mod run;
pub mod shops;
mod table;
pub mod verify;
mod walk;
mod whole_file;
pub mod wiring;
mod wording;
