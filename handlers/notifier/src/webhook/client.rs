//! One call of a webhook: a request, an answer, and no more.
//!
//! No redirect is followed, no proxy is asked, nothing is tried again, and no answer is judged: the caller knows what a
//! status means for a delivery.

use std::convert::Infallible;
use std::error::Error;
use std::future::pending;
use std::iter::successors;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::RootCertStore;
use tokio::time::{Instant, timeout_at};

use super::connection::{Failed, Names, Stream, SystemNames, Trust, connect};
use super::target::{Refused, Target};

/// How long a call may take, from the lookup of the name to the last byte that is read.
pub const CALL_MAX: Duration = Duration::from_secs(10);

/// How much of an answer's body is read.
pub const EXCERPT_BYTES_MAX: usize = 4 << 10;

/// How much is read at once, and so the most that an answer's head may have.
const READ_BYTES_MAX: usize = 64 << 10;

/// The longest text of an error: a receiver's certificate has a part in it.
const ERROR_CHARS_MAX: usize = 500;

/// An event, as [CloudEvents over HTTP](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md)
/// has it in structured mode.
const EVENT: HeaderValue = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");

const AGENT: HeaderValue = HeaderValue::from_static("coffeeshop-notifier");

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The header `webhook-id`: the same each time an event is sent, so that the receiver can tell a repetition.
    pub id: String,
    /// The header `webhook-timestamp`: when this call is made, in seconds since 1970.
    pub timestamp: i64,
    /// The header `webhook-signature`, by [`super::signature::signature`] of the other three.
    pub signature: String,
    /// The event as JSON.
    pub body: String,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The webhook answered.
    Status {
        /// The status, whatever it is.
        status: u16,
        /// When the webhook wants to be called again, if it says so and can be understood. Anything can be asked for:
        /// the caller sets the bounds.
        retry_after: Option<RetryAfter>,
        /// The beginning of the body, of at most [`EXCERPT_BYTES_MAX`]; what is no UTF-8 is replaced.
        excerpt: String,
    },
    /// It may not be called: a name has an address that is not public. Nothing was connected to.
    Refused(Refused),
    /// No answer: the name, the connection, TLS, HTTP, or the time. The whole chain of errors, without the URL.
    Unreachable(String),
}

/// The header `retry-after`, in either of its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long after the answer.
    In(Duration),
    /// Not before this time.
    At(Timestamp),
}

/// What calls webhooks.
pub trait Post {
    /// Makes one call, which takes no longer than `within`. Every outcome is an answer; an `Unreachable` may have been
    /// received all the same.
    fn post(&self, target: &Target, message: &Message, within: Duration) -> impl Future<Output = Answer> + Send;
}

/// Calls over HTTP/1.1. To make one costs nothing: certificates are read at the first call over TLS.
#[derive(Debug)]
pub struct HttpPost<N = SystemNames> {
    names: N,
    trust: Trust,
    within: Duration,
}

impl HttpPost {
    /// Calls what the machine's names and certificates lead to.
    pub fn new() -> Self {
        Self::with(SystemNames, CALL_MAX)
    }
}

impl Default for HttpPost {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Names> HttpPost<N> {
    /// Calls with other names, and no call takes longer than `within`.
    pub fn with(names: N, within: Duration) -> Self {
        Self { names, trust: Trust::default(), within }
    }

    /// Takes the word of these certificates instead of the machine's.
    pub fn trusting(self, roots: RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self { trust: Trust::only(roots)?, ..self })
    }

    async fn call(&self, target: &Target, message: &Message, within: Duration) -> Result<Answer, Failed> {
        let within = within.min(self.within);
        let limit = Limit { until: Instant::now() + within, within };
        let request = request(target, message)?;
        let stream = limit.hold(connect(&self.names, &self.trust, target, limit.until)).await?;
        exchange(stream, request, limit).await
    }
}

impl<N: Names> Post for HttpPost<N> {
    async fn post(&self, target: &Target, message: &Message, within: Duration) -> Answer {
        match self.call(target, message, within).await {
            Ok(answer) => answer,
            Err(Failed::Refused(refused)) => Answer::Refused(refused),
            Err(error) => Answer::Unreachable(words(&error)),
        }
    }
}

fn request(target: &Target, message: &Message) -> Result<Request<Full<Bytes>>, Failed> {
    Request::post(target.path.clone())
        .header(HOST, target.host_header.clone())
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, EVENT)
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", message.timestamp)
        .header("webhook-signature", &message.signature)
        .body(Full::from(message.body.clone()))
        .map_err(Failed::at("the message does not fit into HTTP"))
}

/// Sends the request and reads the answer. The connection does its work while this is polled: it ends with the call,
/// however much of the answer is left.
async fn exchange(stream: Box<dyn Stream>, request: Request<Full<Bytes>>, limit: Limit) -> Result<Answer, Failed> {
    let handshake = http1::Builder::new().max_buf_size(READ_BYTES_MAX).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(Failed::at("HTTP could not be spoken"))?;
    let answered = async {
        let response = sender.send_request(request);
        let response = limit.hold(async { response.await.map_err(Failed::at("there was no answer in HTTP")) }).await?;
        Ok(answer(response, limit).await)
    };
    let driven = async {
        // What is wrong with it is told to the sender and to the body as well.
        drop(connection.await);
        pending::<Infallible>().await
    };
    tokio::select! {
        answer = answered => answer,
        never = driven => match never {},
    }
}

async fn answer(response: Response<Incoming>, limit: Limit) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(retry_after);
    Answer::Status { status, retry_after, excerpt: excerpt(response.into_body(), limit).await }
}

/// The status is known by now: a body that breaks off or is slow is as long as it is.
async fn excerpt(mut body: Incoming, limit: Limit) -> String {
    let mut read = Vec::new();
    let reading = async {
        while read.len() < EXCERPT_BYTES_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            let data = frame.into_data().unwrap_or_default();
            read.extend(data.iter().take(EXCERPT_BYTES_MAX - read.len()));
        }
    };
    drop(timeout_at(limit.until, reading).await);
    String::from_utf8_lossy(&read).into_owned()
}

/// [RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
fn retry_after(value: &HeaderValue) -> Option<RetryAfter> {
    let text = value.to_str().ok()?.trim();
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Some(RetryAfter::In(Duration::from_secs(text.parse().ok()?)));
    }
    Some(RetryAfter::At(httpdate::parse_http_date(text).ok()?.try_into().ok()?))
}

fn words(error: &(dyn Error + 'static)) -> String {
    let chain: Vec<_> = successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    chain.join(": ").chars().take(ERROR_CHARS_MAX).collect()
}

/// The time that is left for a call.
#[derive(Clone, Copy)]
struct Limit {
    until: Instant,
    within: Duration,
}

impl Limit {
    async fn hold<T>(self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        timeout_at(self.until, work).await.unwrap_or(Err(Failed::TooLate { within: self.within }))
    }
}
