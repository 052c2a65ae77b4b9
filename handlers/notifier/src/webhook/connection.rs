//! A connection to a webhook: its name is looked up once, every address is checked, and one of these is connected to.
//!
//! No request is sent here. Nothing is kept for another call but the root certificates: a connection that was kept
//! would have to be known to be of the same host and port, and would be dead after the function was frozen.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::target::{Refused, Target, literal};

/// What looks names up.
pub trait Names: Send + Sync {
    /// All addresses of a name, as they are now. Each call asks anew and once: what is answered is checked and
    /// connected to, so a name gains nothing by changing its answer in between.
    fn look_up(&self, name: &str) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The names that the machine knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("{step}")]
    Step {
        step: &'static str,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    #[error("no answer within {within:?}")]
    TooLate { within: Duration },
}

impl Failed {
    /// What came of a step.
    pub(super) fn at<E: Into<Box<dyn Error + Send + Sync>>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |cause| Self::Step { step, cause: cause.into() }
    }
}

/// Bytes both ways, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects to one of the target's addresses, after all of them were checked.
pub(super) async fn connect(
    names: &impl Names,
    trust: &Trust,
    target: &Target,
    until: Instant,
) -> Result<Box<dyn Stream>, Failed> {
    let name = target.host.to_string();
    let addresses = match literal(&target.host) {
        Some(address) => vec![address],
        None => names.look_up(&name).await.map_err(Failed::at("the name could not be looked up"))?,
    };
    target.check(&addresses)?;
    // From here on only what was checked is known: nothing that follows looks a name up.
    let plain = reach(&addresses, target.port, until).await?;
    if !target.is_https {
        return Ok(Box::new(plain));
    }
    let name = match literal(&target.host) {
        Some(address) => ServerName::from(address),
        None => ServerName::try_from(name).map_err(Failed::at("no certificate can have such a name"))?,
    };
    let tls = TlsConnector::from(trust.settings().await?).connect(name, plain).await;
    Ok(Box::new(tls.map_err(Failed::at("no secure connection could be made"))?))
}

/// Tries one address after another. Each has its share of the time, and one share is left for what follows, so that an
/// address that swallows everything does not hide one that answers.
async fn reach(addresses: &[IpAddr], port: u16, until: Instant) -> Result<TcpStream, Failed> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (address, shares) in addresses.iter().zip((2..=addresses.len() + 1).rev()) {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(shares).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(cause)) => error = cause,
            Err(late) => error = late.into(),
        }
    }
    Err(Failed::at("no connection could be made")(error))
}

/// Whose word is taken for who a webhook is. The machine's root certificates are read by the first call that needs them.
#[derive(Debug, Default)]
pub(super) struct Trust(OnceCell<Arc<ClientConfig>>);

impl Trust {
    pub(super) fn only(roots: RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self(OnceCell::new_with(Some(settings(roots)?))))
    }

    async fn settings(&self) -> Result<Arc<ClientConfig>, Failed> {
        let read = || async {
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            // A certificate that cannot be read vouches for nobody; the others do.
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(Failed::at("the machine has no root certificates")(format!("{:?}", found.errors)));
            }
            settings(roots).map_err(Failed::at("TLS could not be set up"))
        };
        self.0.get_or_try_init(read).await.cloned()
    }
}

fn settings(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    // The provider is named: which one is the process's default is another crate's decision.
    let mut settings = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(settings))
}
