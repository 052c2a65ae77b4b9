//! The aggregator: the scores follow the ratings.
//!
//! A batch of a DynamoDB stream comes in ([`envelope`]), each rating's last change of it is settled, shop by shop
//! ([`batch`], `group`), by transactions that `coffeeshop_core::ledger` decides. What makes no sense is set aside
//! (`quarantine`). What the world hears of a score is not said here: it is derived from the stream of `scores`.
#![warn(missing_docs)]

pub mod batch;
pub mod config;
pub mod envelope;
mod group;
mod quarantine;
mod report;
