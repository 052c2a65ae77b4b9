//! A webhook is who it says it is, or it is not called.

use std::sync::Arc;

use coffeeshop_notifier::webhook::client::{Answer, CALL_MAX, HttpPost};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::receiver::{Receiver, Reply, Script, Seen, addresses, post};

/// A receiver with a certificate for this name.
async fn start(name: &str) -> (Receiver, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], signing_key.into())
        .unwrap();
    let reply = Reply::Text("HTTP/1.1 200 OK\r\n\r\n".to_owned());
    let receiver = Receiver::at("127.0.0.1:0", reply, Some(TlsAcceptor::from(Arc::new(settings)))).await;
    (receiver, cert.der().clone())
}

fn only(certificate: CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    roots
}

/// What comes of calling a name at a receiver that has a certificate, trusted or not, for a name.
async fn check(certified: &str, called: &str, is_trusted: bool, expected: &str) {
    let (mut receiver, certificate) = start(certified).await;
    let names = Script::new([Ok(addresses(&["127.0.0.1"]))]);
    let mut client = HttpPost::with(&names, CALL_MAX);
    if is_trusted {
        client = client.trusting(only(certificate)).unwrap();
    }
    let host = format!("{called}:{}", receiver.address.port());
    match post(&client, &format!("https://{host}/"), &host).await {
        Answer::Status { status, .. } => {
            assert_eq!(status.to_string(), expected);
            assert!(receiver.request().await.starts_with("POST / HTTP/1.1\r\n"));
        }
        Answer::Unreachable(text) => {
            assert!(text.starts_with(expected), "{text}");
            assert_eq!(receiver.next().await, Seen::Connection);
            assert_eq!(receiver.next().await, Seen::Gone);
        }
        other @ Answer::Refused(_) => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_has_to_be_trusted_and_for_the_name() {
    let start = "no secure connection could be made: invalid peer certificate:";
    check("hooks.example", "hooks.example", true, "200").await;
    check("hooks.example", "hooks.example.", true, "200").await;
    check("127.0.0.1", "127.0.0.1", true, "200").await;
    check("hooks.example", "other.example", true, &format!("{start} certificate not valid for name")).await;
    check("hooks.example", "127.0.0.1", true, &format!("{start} certificate not valid for name")).await;
    // By the machine's root certificates.
    check("hooks.example", "hooks.example", false, start).await;
}
