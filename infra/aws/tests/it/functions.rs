//! A function that is invoked by hand: what its answers become, how long it is waited for, and that it is invoked once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::ErrorMetadata;
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use bytes::Bytes;
use coffeeshop_aws::functions::LambdaFunctions;
use coffeeshop_aws::stack::{Stack, StackInfo, Trouble};
use coffeeshop_core::ports::{Answer, Functions as _, PortError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::stack::at;

async fn invoked(rule: &Rule) -> Result<Answer, PortError> {
    let functions = LambdaFunctions::new(mock_client!(aws_sdk_lambda, RuleMode::Sequential, [rule]));
    functions.invoke("stack-aggregator", Bytes::from_static(b"{}")).await
}

fn answers(error: Option<&'static str>, payload: &'static str) -> Rule {
    let output = move || {
        let output = InvokeOutput::builder().status_code(200).payload(Blob::new(payload));
        output.set_function_error(error.map(str::to_owned)).build()
    };
    mock!(Client::invoke).then_output(output)
}

async fn failed_with(payload: &'static str) -> String {
    match invoked(&answers(Some("Unhandled"), payload)).await.unwrap() {
        Answer::Failed { error } => error,
        Answer::Returned(payload) => panic!("{payload:?}"),
    }
}

#[tokio::test]
async fn a_function_is_given_the_payload_and_its_answer_is_what_it_returned() {
    let invoke = mock!(Client::invoke)
        .match_requests(|request| {
            let payload = request.payload().map(AsRef::<[u8]>::as_ref);
            (request.function_name(), payload) == (Some("stack-aggregator"), Some(b"{}"))
                && request.invocation_type() == Some(&InvocationType::RequestResponse)
        })
        .then_output(|| InvokeOutput::builder().payload(Blob::new("{\"batchItemFailures\":[]}")).build());
    let returned = Answer::Returned(Bytes::from_static(b"{\"batchItemFailures\":[]}"));
    assert_eq!(invoked(&invoke).await.unwrap(), returned);
    let nothing = mock!(Client::invoke).then_output(|| InvokeOutput::builder().build());
    assert_eq!(invoked(&nothing).await.unwrap(), Answer::Returned(Bytes::new()));
    // Only the header says whether it has failed.
    let looks_so = r#"{"errorType":"a","errorMessage":"b"}"#;
    assert_eq!(invoked(&answers(None, looks_so)).await.unwrap(), Answer::Returned(looks_so.into()));
}

#[tokio::test]
async fn a_failed_function_is_quoted() {
    for (payload, words) in [
        (r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#, "Runtime.ExitError: exit status 1"),
        (r#"{"errorMessage":"Task timed out after 3.00 seconds"}"#, "Task timed out after 3.00 seconds"),
        (r#"{"errorType":"Runtime.OutOfMemory","errorMessage":""}"#, "Runtime.OutOfMemory"),
        (r#"{"errorType":"E","errorMessage":"two\nlines\u001b[1m"}"#, "E: two lines [1m"),
        (r#"{"errorType":7}"#, r#"{"errorType":7}"#),
        ("no JSON\0", "no JSON "),
        ("", "Unhandled"),
    ] {
        assert_eq!(failed_with(payload).await, words);
    }
    let long: &'static str = "ü".repeat(1_200).leak();
    assert_eq!(failed_with(long).await, "ü".repeat(1_000));
}

#[tokio::test]
async fn what_only_has_to_be_waited_for_is_told_apart() {
    for (code, busy) in [
        ("TooManyRequestsException", true),
        ("EC2ThrottledException", true),
        ("ENILimitReachedException", true),
        ("ENINotReadyException", true),
        ("CodeArtifactUserPendingException", true),
        ("RequestLimitExceeded", true),
        ("ResourceConflictException", true),
        ("ResourceNotReadyException", true),
        ("ServiceUnavailable", true),
        ("ServiceUnavailableException", true),
        ("SnapStartNotReadyException", true),
        ("SubnetIPAddressLimitReachedException", true),
        ("Throttling", true),
        ("ThrottlingException", true),
        ("ResourceNotFoundException", false),
        ("AccessDeniedException", false),
        ("RequestTooLargeException", false),
        ("ServiceException", false),
    ] {
        let rule =
            mock!(Client::invoke).then_error(move || InvokeError::generic(ErrorMetadata::builder().code(code).build()));
        let error = invoked(&rule).await.unwrap_err();
        assert_eq!((error.call, error.busy), ("functions.invoke", busy), "{code}");
        assert_eq!(rule.num_calls(), 1, "{code}");
    }
}

#[tokio::test]
async fn an_error_of_lambda_itself_is_no_reason_to_invoke_again() {
    let down = mock!(Client::invoke).sequence().http_status(500, None).times(3).build();
    assert!(!invoked(&down).await.unwrap_err().busy);
    assert_eq!(down.num_calls(), 1);
}

async fn read_request(stream: &mut TcpStream) {
    let (mut request, mut some) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"\r\n\r\n{}") {
        let bytes = stream.read(&mut some).await.unwrap();
        assert!(bytes > 0, "{}", String::from_utf8_lossy(&request));
        request.extend_from_slice(&some[..bytes]);
    }
}

/// Answers every invocation when so much time has gone by, and counts them. From the first on, waiting takes no time.
async fn answering_after(silence: Duration) -> (StackInfo, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let info = at(&format!("http://{}", listener.local_addr().unwrap()));
    let invocations = Arc::new(AtomicUsize::new(0));
    let counted = invocations.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            tokio::spawn(async move {
                read_request(&mut stream).await;
                if first {
                    tokio::time::pause();
                }
                tokio::time::sleep(silence).await;
                // The other side may be gone.
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull").await);
            });
        }
    });
    (info, invocations)
}

#[tokio::test]
async fn a_function_is_waited_for_as_long_as_it_may_run() {
    let (info, invocations) = answering_after(Duration::from_mins(15)).await;
    // As of a stack on AWS, and stricter.
    let limit = Duration::from_secs(10);
    let limits = TimeoutConfig::builder().operation_timeout(limit).operation_attempt_timeout(limit).read_timeout(limit);
    let sdk = info.sdk_config().to_builder().timeout_config(limits.connect_timeout(limit).build()).build();
    let answer = LambdaFunctions::new(Client::new(&sdk)).invoke("slow", Bytes::from_static(b"{}")).await;
    assert_eq!(answer.unwrap(), Answer::Returned(Bytes::from_static(b"null")));
    assert_eq!(invocations.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_lost_connection_has_an_end_and_is_no_reason_to_invoke_again() {
    let (info, invocations) = answering_after(Duration::from_hours(1)).await;
    let error = Stack::of(&info).functions().invoke("lost", Bytes::from_static(b"{}")).await.unwrap_err();
    assert_eq!(Trouble::of(&error), Some(Trouble::NoAnswer), "{error:?}");
    assert!(!error.busy);
    assert_eq!(invocations.load(Ordering::Relaxed), 1);
}
