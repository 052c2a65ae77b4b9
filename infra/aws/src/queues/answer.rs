//! What SQS says: about each entry of a call, and about a call that failed.
//!
//! What follows from it is not decided here.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;
use coffeeshop_core::ports::PortError;

/// What is said about an entry.
#[derive(Debug)]
pub(super) enum Said<T> {
    /// It is done.
    Done(T),
    /// It is not done.
    Refused(BatchResultErrorEntry),
    /// Nothing.
    Nothing,
}

/// What is said about each entry of a call, whose ids are their places.
pub(super) fn said<T>(
    count: usize,
    mut done: HashMap<String, T>,
    failed: Vec<BatchResultErrorEntry>,
) -> impl Iterator<Item = Said<T>> {
    let mut failed: HashMap<String, _> = failed.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
    (0..count).map(move |i| {
        let id = i.to_string();
        match (done.remove(&id), failed.remove(&id)) {
            (Some(result), _) => Said::Done(result),
            (None, Some(entry)) => Said::Refused(entry),
            (None, None) => Said::Nothing,
        }
    })
}

/// Why an entry was refused.
pub(super) fn refused(call: &'static str, entry: &BatchResultErrorEntry) -> PortError {
    let cause = format!("{}: {}", entry.code, entry.message.as_deref().unwrap_or("no reason given"));
    if is_busy(&entry.code) { PortError::busy(call, cause) } else { PortError::new(call, cause) }
}

/// Whether an entry was refused because its receipt is not the last one of a hidden message.
///
/// Which code says so depends on how long ago it was, and there is none of its own for a receipt that has expired.
pub(super) fn no_longer_counts(entry: &BatchResultErrorEntry) -> bool {
    match plain(&entry.code) {
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => true,
        "InvalidParameterValue" => {
            let message = entry.message.as_deref().unwrap_or_default().to_lowercase();
            message.contains("receipthandle") || message.contains("receipt handle")
        }
        _ => false,
    }
}

/// An error of a call, and whether it was only too much at once.
pub(super) fn unable<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(
    call: &'static str,
    error: SdkError<E>,
) -> PortError {
    let busy = error.code().is_some_and(is_busy);
    if busy { PortError::busy(call, error) } else { PortError::new(call, error) }
}

/// The error of a call for each of its entries, at least one. The first has its causes, so that a person can be advised.
pub(super) fn for_each(count: usize, error: PortError) -> impl Iterator<Item = PortError> {
    let others: Vec<PortError> = (1..count).map(|_| error.again()).collect();
    std::iter::once(error).chain(others)
}

/// Whether the attempt that the error is of has certainly had no effect: it was not made, or was refused as a whole.
pub(super) fn left_nothing<E>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(error) => is_refusal(error.raw()),
        _ => false,
    }
}

/// Whether an answer says that nothing was done. SQS itself does not know that when it answers with a 5xx.
pub(super) fn is_refusal(response: &HttpResponse) -> bool {
    response.status().is_client_error()
}

fn is_busy(code: &str) -> bool {
    const BUSY: [&str; 7] = [
        "KmsThrottled",
        "OverLimit",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottlingException",
    ];
    BUSY.contains(&plain(code))
}

/// A code as in SQS's documents, without what [its older protocol][1] has before some of them.
///
/// [1]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
fn plain(code: &str) -> &str {
    code.trim_start_matches("AWS.SimpleQueueService.").trim_start_matches("KMS.")
}
