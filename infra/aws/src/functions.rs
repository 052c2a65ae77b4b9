//! [`Functions`] over Lambda.
//!
//! What a function is invoked with, and whether it is invoked once more after an error, is not decided here.

use std::error::Error;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{Builder, Config};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use bytes::Bytes;
use coffeeshop_core::ports::{Answer, Functions, PortError};
use serde_json::Value;

/// How long an invocation is waited for: the 15 minutes that [a function may run][1], and one to get it started.
///
/// There is an end to it because a connection may be lost without a word, and nothing comes over it meanwhile.
///
/// [1]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(16);

/// How much is said of an error, in characters.
const ERROR_CHARACTERS_MAX: usize = 1_000;

const INVOKE: &str = "functions.invoke";

/// The functions of an account and a region.
#[derive(Debug, Clone)]
pub struct LambdaFunctions {
    client: Client,
}

impl LambdaFunctions {
    /// All that the client may use. Nothing is called yet. The client's time limits, and how often it tries a call, do not
    /// count here.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

/// One attempt, which may be silent for as long as a function may run.
///
/// One, because the SDK would take a lost connection, a time limit or Lambda's own 5xx as reasons to invoke once more,
/// while the function is perhaps at work. Its other means against calls that hang do not count silence: its [protection
/// against streams that stall][1] looks at a request until it is sent, and at an answer from its first byte on.
///
/// [1]: https://docs.aws.amazon.com/sdk-for-rust/latest/dg/timeouts.html
fn patient() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(INVOCATION_TIMEOUT)
        .disable_operation_attempt_timeout()
        .disable_read_timeout();
    Config::builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts.build())
}

impl Functions for LambdaFunctions {
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Answer, PortError> {
        let invocation = self.client.invoke().function_name(function).invocation_type(InvocationType::RequestResponse);
        let invocation = invocation.payload(Blob::new(payload)).customize().config_override(patient());
        let answer = invocation.send().await.map_err(unable)?;
        let payload = Bytes::from(answer.payload.map(Blob::into_inner).unwrap_or_default());
        Ok(match answer.function_error {
            Some(kind) => Answer::Failed { error: in_words(&kind, &payload) },
            None => Answer::Returned(payload),
        })
    }
}

/// What a failed function says, or [what Lambda says of it][1], on one line.
///
/// [1]: https://docs.aws.amazon.com/lambda/latest/dg/invocation-sync.html
fn in_words(kind: &str, payload: &[u8]) -> String {
    let said: Option<Value> = serde_json::from_slice(payload).ok();
    let text = |name: &str| said.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty());
    let words = match (text("errorType"), text("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(word), None) | (None, Some(word)) => word.to_owned(),
        (None, None) if payload.is_empty() => kind.to_owned(),
        (None, None) => String::from_utf8_lossy(payload).into_owned(),
    };
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    words.chars().take(ERROR_CHARACTERS_MAX).map(printable).collect()
}

/// An error of a call, and whether it was only too much at once, or too early.
fn unable<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(error: SdkError<E>) -> PortError {
    if error.code().is_some_and(is_busy) { PortError::busy(INVOKE, error) } else { PortError::new(INVOKE, error) }
}

/// Of [the errors of `Invoke`][1], those after which nothing has to be changed for it to work out, only waited: a limit on
/// what is under way at once, or a function that is being updated or woken. And what AWS calls a throttle elsewhere.
///
/// [1]: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
fn is_busy(code: &str) -> bool {
    const BUSY: [&str; 14] = [
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "ENILimitReachedException",
        "ENINotReadyException",
        "RequestLimitExceeded",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SnapStartNotReadyException",
        "SubnetIPAddressLimitReachedException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ];
    BUSY.contains(&code)
}
