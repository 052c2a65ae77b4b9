//! Webhooks: a signed event is sent to an address that somebody else chose.
//!
//! That is why there are rules: a [`target`] says what may be called, [`address`] where it may be, [`signature`] who
//! calls, and [`client`] calls it, on a [`connection`] to an address that was checked. Whether a call is made again,
//! and which subscription it is for, is not decided here.

pub mod address;
pub mod client;
pub mod connection;
pub mod signature;
pub mod target;
