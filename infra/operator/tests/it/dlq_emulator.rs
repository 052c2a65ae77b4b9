//! `coffeeshop dlq` as a process, against the template on the emulator, where real functions handle what is replayed.
//!
//! How many messages are where is counted by the `aws` command line, which shares nothing with what is tested.

mod archives;
mod failures;
mod filtered;
mod killed;
mod photos;
pub(crate) mod pipeline;
mod process;
mod verbs;
