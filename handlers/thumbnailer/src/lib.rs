//! The thumbnailer: an upload becomes renditions and an outcome.
//!
//! An SQS batch of S3 notifications and of operators' requests comes in ([`envelope`]), each message is worked on in the right order and time
//! ([`batch`]), each photo is answered ([`photo`]), its pixels are worked on off the async threads ([`pool`]) by a
//! pure function ([`render`]). Notifications to people are not sent here: they are derived from the table's stream.

pub mod batch;
pub mod config;
pub mod envelope;
pub mod photo;
pub mod pool;
pub mod render;
pub mod report;
