//! The snapshotter: leaderboards are announced, and scores and photos can be queried as they were.
//!
//! A schedule names a job ([`job`]). One run at a time has a job's lease. [`boards`] compares leaderboards with those that
//! were last announced, and writes what differs; who hears of it is not known here. [`snapshot`] writes a whole table as a
//! [`dataset`], which is there only when all of it is.
#![warn(missing_docs)]

pub mod boards;
pub mod config;
pub mod dataset;
pub mod job;
mod report;
pub mod snapshot;
