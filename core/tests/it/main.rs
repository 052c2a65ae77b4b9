//! The world in memory keeps the contract of the ports; the decisions, and what the world reads of them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod announce;
mod board;
mod board_document;
mod boards_world;
mod event;
mod formula;
mod item;
mod ledger;
mod notification_world;
mod photo;
mod photo_records_world;
mod published;
mod queue_world;
mod records_world;
mod recount;
mod score_item;
mod scores_world;
mod subscription;
mod uploads_world;
mod world;
