//! What tests of this and other crates share: a world in memory behind every port, and the contract that it, like
//! the real adapters, is held to.
//!
//! Nothing here is compiled into a binary that is deployed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code, and a failed assertion is its purpose"
)]

mod board_store;
mod boards;
pub mod boards_contract;
mod calls;
pub mod contract;
mod notifications;
pub mod notifications_contract;
mod photo_records;
pub mod photo_records_contract;
mod queue;
mod queues;
pub mod queues_contract;
mod records;
pub mod records_contract;
mod scans;
mod scores;
pub mod scores_contract;
mod time;
mod uploads;
pub mod uploads_contract;
mod world;

pub use board_store::BoardWrite;
pub use calls::{Fault, suspend_once};
pub use notifications::{NotificationWorld, WorldQueue};
pub use queue::{Message, Parked};
pub use queues::QueueWorld;
pub use scores::{Sabotage, ScoreWorld};
pub use uploads::{UploadWorld, UploadedObject};
pub use world::World;
