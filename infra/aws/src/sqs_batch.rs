//! A batch of SQS messages, as Lambda hands it to a function and takes the answer.
//!
//! What a message says is each function's own business.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use coffeeshop_core::ids::BatchItemId;
use coffeeshop_core::ports::Receipt;
use coffeeshop_core::replayed::REPLAYED;

/// A message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What a partial batch response calls it.
    pub id: BatchItemId,
    /// What the queue calls this receipt of it.
    pub receipt: Receipt,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// What it says.
    pub body: String,
    /// Its attribute [`REPLAYED`], which it keeps when it is parked.
    pub replayed: Option<String>,
}

/// A batch that is not what SQS delivers; none of it can be answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of the batch has no {0}")]
pub struct MalformedBatch(&'static str);

/// Reads a message.
pub fn received(mut message: SqsMessage) -> Result<Received, MalformedBatch> {
    let id = message.message_id.and_then(BatchItemId::new).ok_or(MalformedBatch("message id"))?;
    let receipt = message.receipt_handle.map(Receipt).ok_or(MalformedBatch("receipt handle"))?;
    let receive_count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    let replayed = message.message_attributes.remove(REPLAYED).and_then(|attribute| attribute.string_value);
    let body = message.body.unwrap_or_default();
    Ok(Received { id, receipt, receive_count: receive_count.unwrap_or(1), body, replayed })
}

/// The answer: these messages come again.
pub fn response(again: impl IntoIterator<Item = BatchItemId>) -> SqsBatchResponse {
    let failure = |id: BatchItemId| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id.into();
        failure
    };
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = again.into_iter().map(failure).collect();
    response
}
