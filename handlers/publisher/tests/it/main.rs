//! The publisher on a topic in memory: what each change says, in which order, and what is given back.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, where the `allow-..-in-tests` settings do not reach"
)]

mod batch;
mod faults;
mod mapping;
mod oracle;
mod records;
mod topic;
mod writer;
