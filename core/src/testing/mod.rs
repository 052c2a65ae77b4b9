//! What tests of this and other crates share: a world in memory behind every port, and the contract that it, like
//! the real adapters, is held to.
//!
//! Nothing here is compiled into a binary that is deployed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is test code, and a failed assertion is its purpose")]

pub mod contract;
mod world;

pub use world::{Fault, Message, Parked, World};
