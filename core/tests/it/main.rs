//! The world in memory keeps the contract of the ports; the decisions of the photo protocol.
#![expect(clippy::unwrap_used, reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach")]

mod board;
mod formula;
mod item;
mod ledger;
mod photo;
mod records_world;
mod recount;
mod score_item;
mod scores_world;
mod world;
