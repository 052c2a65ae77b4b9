//! A webhook's receiver on this machine, and names that lead to it.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use coffeeshop_notifier::webhook::client::{Answer, Message, Post};
use coffeeshop_notifier::webhook::connection::Names;
use coffeeshop_notifier::webhook::target::Target;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What a receiver does with each request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Sends this, and closes.
    Text(String),
    /// Sends this, and then nothing, and closes nothing.
    Stall(String),
    /// Sends this, and then one letter after the other for ever.
    Endless(String),
}

/// What a receiver saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Connection,
    Request(String),
    /// The other side has gone away while something was sent.
    Gone,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Receiver {
    pub(crate) async fn start(reply: Reply) -> Self {
        Self::at("127.0.0.1:0", reply, None).await
    }

    pub(crate) async fn at(address: &str, reply: Reply, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tell, reply, tls) = (tell.clone(), reply.clone(), tls.clone());
                tell.send(Seen::Connection).ok();
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, reply, tell).await,
                        // A client that does not trust the certificate goes away.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, reply, tell).await,
                            Err(_) => drop(tell.send(Seen::Gone)),
                        },
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The next thing that it sees.
    pub(crate) async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// The request that comes on the next connection.
    pub(crate) async fn request(&mut self) -> String {
        assert_eq!(self.next().await, Seen::Connection);
        match self.next().await {
            Seen::Request(request) => request,
            other => unreachable!("{other:?}"),
        }
    }

    /// Whether it has seen nothing, not even a connection.
    pub(crate) fn is_alone(&mut self) -> bool {
        self.seen.try_recv().is_err()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: Reply, tell: mpsc::UnboundedSender<Seen>) {
    tell.send(Seen::Request(read(&mut stream).await)).ok();
    match reply {
        Reply::Text(text) => {
            // The other side may go away before the end.
            stream.write_all(text.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        Reply::Stall(text) => {
            stream.write_all(text.as_bytes()).await.unwrap();
            pending::<()>().await;
        }
        Reply::Endless(text) => {
            stream.write_all(text.as_bytes()).await.unwrap();
            while stream.write_all(&[b'x'; 1 << 12]).await.is_ok() {}
            tell.send(Seen::Gone).ok();
        }
    }
}

/// A request, as long as its head says.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    loop {
        let mut some = [0; 1024];
        let length = stream.read(&mut some).await.unwrap();
        text.push_str(str::from_utf8(some.get(..length).unwrap()).unwrap());
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            body.len() == length.unwrap().parse::<usize>().unwrap()
        });
        if whole || length == 0 {
            return text;
        }
    }
}

/// Names that answer as they are told, one answer a lookup, and after the last one never.
#[derive(Debug, Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<io::Result<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Vec<IpAddr>, &'static str>>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().map(|answer| answer.map_err(io::Error::other)).collect()),
            asked: Mutex::default(),
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Names for &Script {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    }
}

pub(crate) fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn message() -> Message {
    Message {
        id: "evt_1".to_owned(),
        timestamp: 1_614_265_330,
        signature: "v1,AAAA v1,BBBB".to_owned(),
        body: r#"{"data":"é"}"#.to_owned(),
    }
}

pub(crate) async fn post(client: &impl Post, url: &str, allow: &str) -> Answer {
    client.post(&Target::parse(url, &allow.parse().unwrap()).unwrap(), &message(), Duration::MAX).await
}
