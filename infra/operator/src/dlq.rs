//! Messages that rest in dead-letter queues: seen, grouped, sent back and deleted, with a journal of what was done.
//!
//! What is printed is in `command::dlq`.

pub(crate) mod about;
pub(crate) mod archive_pass;
pub(crate) mod archives;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod canary;
pub(crate) mod entry;
pub(crate) mod function;
pub(crate) mod group;
pub(crate) mod outgoing;
pub(crate) mod pace;
pub(crate) mod pass;
pub(crate) mod plan;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod run;
pub(crate) mod select;
pub(crate) mod spool;
pub(crate) mod stop;
pub(crate) mod sweep;
pub(crate) mod wording;
