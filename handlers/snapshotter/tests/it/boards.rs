//! Leaderboards: which are announced and when, what is said of them, and what lies in the bucket, whatever goes wrong.

mod changes;
mod ends;
mod look;
mod races;
mod simulation;
mod town;

pub(crate) use town::{TICK, TIMEOUT_SECONDS, Town};
