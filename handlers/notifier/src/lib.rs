//! The notifier: people and programs are told what happened.
//!
//! One function, two steps, each with a queue ([`batch`]). An event becomes a message for each of the ways in which
//! somebody wants to hear of it (`fan_out`); each of these becomes one item in an inbox or one call of a webhook
//! (`deliver`, [`webhook`]), so that retries, delays and dead letters belong to one of them alone. What is an event is not
//! decided here.
#![warn(missing_docs)]

pub mod batch;
pub mod config;
mod deliver;
pub mod envelope;
mod fan_out;
mod report;
mod sentence;
mod verdict;
pub mod webhook;
