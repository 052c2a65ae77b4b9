//! The publisher: the world hears what was written to photos, scores and leaderboards.
//!
//! A batch of one of their streams comes in ([`envelope`]); what each change says is decided in
//! `coffeeshop_core::announce`, and published in order ([`batch`]). It writes nothing but to the topic, and who listens
//! there is not known here.
#![warn(missing_docs)]

pub mod batch;
pub mod config;
pub mod envelope;
mod report;
