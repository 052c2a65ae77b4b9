//! The ports of `coffeeshop-core` over the AWS SDK, and what every function needs to start.
//!
//! No decisions here: each call maps to one port method, and each failure to a `PortError` or to the value that the
//! port's contract names for it.
#![warn(missing_docs)]

mod batches;
pub mod boards;
pub mod delivery_queue;
mod dynamo;
#[cfg(feature = "stack")]
pub mod functions;
mod headers;
pub mod leaderboard;
pub mod metrics;
pub mod notifications;
pub mod objects;
#[cfg(feature = "stack")]
pub mod photo_records;
pub mod photos;
pub mod quarantine;
pub mod queues;
pub mod scan;
pub mod scores;
pub mod sdk;
pub mod shop_records;
pub mod source_queue;
pub mod sqs_batch;
#[cfg(feature = "stack")]
pub mod stack;
#[cfg(feature = "stack")]
pub mod streams;
mod tables;
pub mod topic;
pub mod tracing_json;
pub mod uploads;
pub mod variable;

use std::error::Error;
use std::time::Duration;

use aws_sdk_sqs::types::MessageAttributeValue;
use coffeeshop_core::ports::{Clock, PortError};
use jiff::Timestamp;

/// What became of a call that is no value of the port's contract.
fn failed<E: Error + Send + Sync + 'static>(call: &'static str) -> impl FnOnce(E) -> PortError {
    move |cause| PortError::new(call, cause)
}

/// An attribute of an SQS message.
fn text_attribute(call: &'static str, value: &str) -> Result<MessageAttributeValue, PortError> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().map_err(failed(call))
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the port through which time enters")]
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
