//! A stack is found, or it is said what to do: against an endpoint of this test's own, so that the SDK's own errors are
//! what is told apart.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use coffeeshop_aws::stack::{Stack, StackError, StackInfo, Trouble, advice, outputs};
use coffeeshop_core::board::Board;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Leaderboard, ShopRecords};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub(crate) fn at(endpoint: &str) -> StackInfo {
    let outputs = ["ContributionsTable", "RatingsTable", "ScoresTable", "ShopsTable"];
    StackInfo {
        endpoint: endpoint.to_owned(),
        region: "eu-west-1".to_owned(),
        access_key_id: "key".to_owned(),
        secret_access_key: "secret".to_owned(),
        stack_name: "coffeeshop".to_owned(),
        outputs: outputs.map(|name| (name.to_owned(), name.to_lowercase())).into(),
        pid: 1,
    }
}

/// Answers everybody so. It ends with the test's runtime.
pub(crate) async fn answering(status: &'static str, kind: &'static str, body: String) -> StackInfo {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let info = at(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65_536];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    info
}

fn cloudformation_error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}

async fn failing(code: &str, message: &str) -> StackError {
    let info = answering("400 Bad Request", "text/xml", cloudformation_error(code, message)).await;
    outputs(&info.sdk_config(), "coffeeshop").await.unwrap_err()
}

#[track_caller]
fn assert_trouble(error: &StackError, expected: Trouble) {
    let StackError::Trouble { trouble, .. } = error else { panic!("{error:?}") };
    assert_eq!(*trouble, expected);
    assert_eq!(error.to_string(), expected.to_string());
}

#[tokio::test]
async fn a_stack_has_its_outputs() {
    let output = |key: &str, value: &str| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let outputs_in_xml = output("RatingsTable", "the-ratings") + &output("ScoresTable", "the-scores");
    let body = format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>coffeeshop</StackName><CreationTime>2026-11-21T10:00:00Z</CreationTime>\
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs_in_xml}</Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    );
    let info = answering("200 OK", "text/xml", body).await;
    let found = outputs(&info.sdk_config(), "coffeeshop").await.unwrap();
    let found: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(found, [("RatingsTable", "the-ratings"), ("ScoresTable", "the-scores")]);
}

#[tokio::test]
async fn no_such_stack() {
    let error = failing("ValidationError", "Stack with id coffeeshop does not exist").await;
    assert_eq!(error.to_string(), "there is no stack `coffeeshop` in eu-west-1: check the name, and AWS_REGION");
    assert!(matches!(error, StackError::NoStack { .. }));
    let error = failing("ValidationError", "1 validation error detected").await;
    assert!(matches!(error, StackError::Other { .. }), "{error:?}");
}

#[tokio::test]
async fn refused_credentials() {
    for (code, trouble) in [
        ("ExpiredToken", Trouble::Expired),
        ("InvalidClientTokenId", Trouble::NotAccepted),
        ("SignatureDoesNotMatch", Trouble::NotAccepted),
        ("AccessDenied", Trouble::Denied),
    ] {
        let error = failing(code, "User: me is not authorized").await;
        assert_trouble(&error, trouble);
        assert!(error.source().is_some());
    }
}

#[derive(Debug)]
struct Nobody(fn() -> CredentialsError);

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn no_credentials() {
    let as_somebody = |error| {
        let info = at("http://127.0.0.1:1");
        let credentials = SharedCredentialsProvider::new(Nobody(error));
        info.sdk_config().to_builder().credentials_provider(credentials).build()
    };
    let none = outputs(&as_somebody(CredentialsError::not_loaded_no_source), "coffeeshop").await.unwrap_err();
    assert_trouble(&none, Trouble::NoCredentials);
    let signed_out = as_somebody(|| CredentialsError::provider_error("the session of SSO has expired"));
    assert_trouble(&outputs(&signed_out, "coffeeshop").await.unwrap_err(), Trouble::CredentialsNotLoaded);
}

#[tokio::test]
async fn no_region() {
    let nowhere = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
    let error = outputs(&nowhere, "coffeeshop").await.unwrap_err();
    assert_trouble(&error, Trouble::NoRegion);
    // As it comes out of a call, which nobody keeps from having none.
    let with_region = at("http://127.0.0.1:1").sdk_config();
    let mut nowhere = with_region.to_builder().endpoint_url("http://127.0.0.1:1");
    nowhere.set_region(None);
    nowhere.set_endpoint_url(None);
    let sdk = nowhere.build();
    let error = aws_sdk_dynamodb::Client::new(&sdk).scan().table_name("x").send().await.unwrap_err();
    assert_eq!(Trouble::of(&error), Some(Trouble::NoRegion), "{error:?}");
}

#[tokio::test]
async fn nobody_answers() {
    // Taken and given back, so that nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let info = at(&format!("http://127.0.0.1:{port}"));
    let began = Instant::now();
    assert_trouble(&outputs(&info.sdk_config(), "coffeeshop").await.unwrap_err(), Trouble::NoAnswer);
    let stack = Stack::of(&info);
    let error = stack.shop_records().unwrap().shops(None, 1).await.unwrap_err();
    assert_eq!(advice(&error), Some(Trouble::NoAnswer.to_string()), "{error:?}");
    let error = stack.leaderboard().unwrap().top(&Board::Global, Period::All, 1, None).await.unwrap_err();
    assert_eq!(advice(&error), Some(Trouble::NoAnswer.to_string()), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn somebody_listens_and_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let info = at(&format!("http://{}", listener.local_addr().unwrap()));
    let sdk = coffeeshop_aws::sdk::within(&info.sdk_config(), Duration::from_millis(300));
    assert_trouble(&outputs(&sdk, "coffeeshop").await.unwrap_err(), Trouble::NoAnswer);
}

#[tokio::test]
async fn what_dynamodb_refuses_is_told_apart_too() {
    for (code, expected) in [
        ("ExpiredTokenException", Some(Trouble::Expired)),
        ("UnrecognizedClientException", Some(Trouble::NotAccepted)),
        ("AccessDeniedException", Some(Trouble::Denied)),
        ("ResourceNotFoundException", None),
        ("ValidationException", None),
    ] {
        let body = format!("{{\"__type\":\"com.amazon.coral.service#{code}\",\"message\":\"no\"}}");
        let info = answering("400 Bad Request", "application/x-amz-json-1.0", body).await;
        let error = Stack::of(&info).shop_records().unwrap().scores_of(&"shop".parse().unwrap()).await.unwrap_err();
        assert_eq!(Trouble::of(&error), expected, "{error:?}");
    }
}

#[test]
fn a_local_stack_is_described_by_a_file() {
    let folder = std::env::temp_dir().join(format!("coffeeshop-aws-stack-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("stack.json");
    let absent = Stack::local(&file).unwrap_err();
    assert_eq!(absent.to_string(), "no local stack is running: start one with `cargo xtask local`");
    for text in ["", "{}", "{\"endpoint\":"] {
        std::fs::write(&file, text).unwrap();
        let error = Stack::local(&file).unwrap_err();
        assert!(matches!(error, StackError::NotReadable { .. }) && error.source().is_some(), "{error:?}");
    }
    let unreadable = Stack::local(Path::new("/")).unwrap_err();
    assert!(matches!(unreadable, StackError::NotReadable { .. }), "{unreadable:?}");
    let text = r#"{
        "endpoint": "http://127.0.0.1:4566", "region": "eu-central-1",
        "access_key_id": "a", "secret_access_key": "b", "stack_name": "coffeeshop",
        "outputs": { "RatingsTable": "ratings" }, "pid": 7
    }"#;
    std::fs::write(&file, text).unwrap();
    let stack = Stack::local(&file).unwrap();
    assert_eq!(stack.output("RatingsTable").unwrap(), "ratings");
    let lacks = stack.shop_records().unwrap_err();
    assert_eq!(
        lacks.to_string(),
        "the stack has no output `ContributionsTable`: deploy this version of infra/template.yaml"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
