//! A receiver of webhooks on this machine: it notes what it gets.
//!
//! It answers with the status that is the path, such as `/410`, and else with 204. Signatures are not checked here: whoever
//! reads what it noted does that.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A call of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub path: String,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    pub body: String,
}

/// The receiver. It ends when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    hooks: Arc<Mutex<Vec<Hook>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for a receiver of webhooks")?;
        let address = listener.local_addr()?;
        let hooks = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(listen(listener, Arc::clone(&hooks)));
        Ok(Self { address, hooks, task })
    }

    /// What the template's parameter `WebhookAllow` must say for it to be called.
    pub fn allow(&self) -> String {
        self.address.to_string()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What it got, in order.
    pub fn hooks(&self) -> Vec<Hook> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, hooks: Arc<Mutex<Vec<Hook>>>) {
    // A connection that cannot be taken is the caller's to try again.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let hooks = Arc::clone(&hooks);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, Arc::clone(&hooks)));
            // One that breaks off has its say in what was noted.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    hooks: Arc<Mutex<Vec<Hook>>>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let header =
        |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let status = path.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
    if let Ok(body) = request.into_body().collect().await {
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let hook = Hook { path, id, timestamp, signature, body };
        hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status.unwrap_or(StatusCode::NO_CONTENT);
    Ok(response)
}
