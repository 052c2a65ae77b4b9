//! Functions as an operator has them do something again.

use std::future::Future;

use bytes::Bytes;

use super::PortError;

/// The most bytes that a function is invoked with, when its answer is waited for ([Lambda][1]).
///
/// [1]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
pub const INVOCATION_BYTES_MAX: usize = 6 << 20;

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The function returned this, JSON.
    Returned(Bytes),
    /// The function failed, with an error or without a word.
    Failed {
        /// What is known of it, for people.
        error: String,
    },
}

/// Functions that are invoked by hand.
pub trait Functions {
    /// Invokes a function with JSON of at most [`INVOCATION_BYTES_MAX`], and waits until it is through. After an error it may
    /// have run, or be running still.
    fn invoke(&self, function: &str, payload: Bytes) -> impl Future<Output = Result<Answer, PortError>> + Send;
}
