//! What a function meets when it starts: Lambda's Runtime API, and S3 and DynamoDB that answer at once; all on one port of
//! loopback. Calls are told apart and counted, and the function's answer must be that all is done; nothing else is looked at.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use coffeeshop_aws::SystemClock;
use coffeeshop_core::ports::Clock as _;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const RUNTIME: &str = "/2018-06-01/runtime/";
const DEADLINE_MS: i64 = 120_000;

/// The first event that the function is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// One that asks for nothing.
    Nothing,
    /// An upload: the outcome is read, the original got, three renditions and the outcome are put.
    Photo,
}

impl First {
    /// How many objects and outcomes are put for it: the default is three renditions.
    pub(crate) fn puts(self) -> (usize, usize) {
        match self {
            Self::Nothing => (0, 0),
            Self::Photo => (3, 1),
        }
    }
}

/// When the function asked for an event first, and when it answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) next: Instant,
    pub(crate) answer: Instant,
    /// Objects and outcomes that it put before it answered.
    pub(crate) put: (usize, usize),
}

pub(crate) struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
    answers: tokio::sync::Mutex<UnboundedReceiver<Result<Seen>>>,
}

struct Shared {
    photo: Bytes,
    state: Mutex<State>,
    answers: UnboundedSender<Result<Seen>>,
}

#[derive(Default)]
struct State {
    first: Option<First>,
    next: Option<Instant>,
    /// Objects and outcomes that were put.
    put: (usize, usize),
}

impl Api {
    /// With this photo as every original.
    pub(crate) async fn start(photo: Vec<u8>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, answers) = unbounded_channel();
        let shared = Arc::new(Shared { photo: photo.into(), state: Mutex::default(), answers: sender });
        tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, answers: answers.into() })
    }

    /// What the next function that starts is given.
    pub(crate) fn expect(&self, first: First) {
        *self.shared.state() = State { first: Some(first), ..State::default() };
    }

    /// Waits for the answer.
    pub(crate) async fn answered(&self) -> Result<Seen> {
        self.answers.lock().await.recv().await.context("nobody listens")?
    }

    /// What Lambda and the template set.
    pub(crate) fn environment(&self) -> [(&'static str, String); 14] {
        let name = |name: &str| name.to_owned();
        let Self { address, .. } = self;
        [
            ("AWS_LAMBDA_RUNTIME_API", address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", name("thumbnailer")),
            ("AWS_LAMBDA_FUNCTION_VERSION", name("$LATEST")),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", name("2048")),
            ("AWS_REGION", name("eu-central-1")),
            ("AWS_ACCESS_KEY_ID", name("test")),
            ("AWS_SECRET_ACCESS_KEY", name("test")),
            ("AWS_ENDPOINT_URL", format!("http://{address}")),
            ("ORIGINALS_BUCKET", name("originals")),
            ("RENDITIONS_BUCKET", name("renditions")),
            ("PHOTOS_TABLE", name("photos")),
            ("UPLOADS_QUEUE_URL", format!("http://{address}/000000000000/uploads")),
            ("UPLOADS_DLQ_URL", format!("http://{address}/000000000000/uploads-dlq")),
            ("UPLOADS_VISIBILITY_SECONDS", "720".to_owned()),
        ]
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a function is told that asks for an event; one that asks again waits.
    fn next(&self) -> Option<First> {
        let mut state = self.state();
        state.next.get_or_insert_with(Instant::now);
        state.first.take()
    }

    /// The function's answer to its event, which must be that all is done.
    fn answer(&self, path: &str, body: &[u8]) {
        let answer = Instant::now();
        let body = String::from_utf8_lossy(body);
        let state = self.state();
        let done = path.ends_with("/response") && !body.contains("itemIdentifier");
        let seen = match state.next {
            Some(next) if done => Ok(Seen { next, answer, put: state.put }),
            _ => Err(anyhow::anyhow!("the function failed: {path} {body}")),
        };
        // Nobody waits for it any more.
        self.answers.send(seen).unwrap_or(());
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, Arc::clone(&shared)));
            // It breaks off whenever a function is ended.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).map(str::to_owned);
    let sent = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    if let Some(call) = path.strip_prefix(RUNTIME) {
        if call != "invocation/next" {
            shared.answer(&path, &sent);
            return Ok(response(StatusCode::ACCEPTED, &[], Bytes::new()));
        }
        let Some(first) = shared.next() else { return std::future::pending().await };
        return Ok(invocation(first));
    }
    let mut state = shared.state();
    match (&target, &method) {
        (Some(target), _) => state.put.1 += usize::from(target.ends_with("PutItem")),
        (None, method) => state.put.0 += usize::from(method == Method::PUT),
    }
    drop(state);
    Ok(match (target, method) {
        (Some(_), _) => response(StatusCode::OK, &[("content-type", "application/x-amz-json-1.0")], "{}".into()),
        (None, Method::GET) => {
            let headers = [("etag", "\"photo\""), ("x-amz-version-id", "v1")];
            response(StatusCode::OK, &headers, shared.photo.clone())
        }
        (None, _) => response(StatusCode::OK, &[("etag", "\"rendition\"")], Bytes::new()),
    })
}

fn response(status: StatusCode, headers: &[(&'static str, &'static str)], body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let mut map = HeaderMap::new();
    map.extend(headers.iter().filter_map(|(name, value)| Some((Some(name.parse().ok()?), value.parse().ok()?))));
    *response.headers_mut() = map;
    response
}

fn invocation(first: First) -> Response<Full<Bytes>> {
    let now = SystemClock.now();
    let body = match first {
        First::Nothing => json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "originals" }),
        First::Photo => json!({ "Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1", "eventTime": now.to_string(),
            "eventName": "ObjectCreated:Put", "userIdentity": { "principalId": "A" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" }, "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0", "configurationId": "uploads",
                "bucket": { "name": "originals", "ownerIdentity": { "principalId": "A" }, "arn": "arn:aws:s3:::originals" },
                "object": { "key": "uploads/shop/photo", "size": 1, "eTag": "photo", "sequencer": "01" },
            },
        }]}),
    };
    let event = json!({ "Records": [{
        "messageId": "message", "receiptHandle": "receipt", "body": body.to_string(), "eventSource": "aws:sqs",
        "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {}, "awsRegion": "eu-central-1",
    }]});
    let headers = [
        ("lambda-runtime-aws-request-id", "request"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:thumbnailer"),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000"),
        ("content-type", "application/json"),
    ];
    let mut response = response(StatusCode::OK, &headers, event.to_string().into());
    let deadline = now.as_millisecond() + DEADLINE_MS;
    response.headers_mut().insert("lambda-runtime-deadline-ms", deadline.into());
    response
}
