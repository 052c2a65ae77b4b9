//! What a webhook may be: its URL, read as browsers read URLs, and the rules that it keeps.
//!
//! A name is not looked up here: whether its addresses are public is found at each call, by [`super::connection`].

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use hyper::header::HeaderValue;
use url::{Host, Position, Url};

use super::address::is_public;

const HTTPS_PORT: u16 = 443;

/// From which length on a part of a path is left out of what is shown, in bytes: shorter ones are words, or no password.
const HIDDEN_BYTES_MIN: usize = 6;

/// Hosts, each with a port, that are exempt from all rules: `WEBHOOK_ALLOW`, for a receiver on the developer's machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow(Vec<(Host, u16)>);

/// An entry of the list that is not `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` in the list of allowed webhooks is not `host:port`")]
pub struct BadEntry {
    /// The entry.
    pub entry: String,
}

/// A URL that may be called.
///
/// What is shown of it is scheme, host and port: the rest of a webhook's URL is often its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub(super) is_https: bool,
    pub(super) host: Host,
    pub(super) port: u16,
    /// Of `WEBHOOK_ALLOW`: its addresses are not checked.
    pub(super) is_exempt: bool,
    /// The host, and the port if it is not the scheme's.
    pub(super) host_header: HeaderValue,
    /// Path and query. There is no way to send a user or a fragment.
    pub(super) path: Uri,
}

/// The rule that a webhook breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read, or has no host.
    #[error("the webhook is not a URL that can be called")]
    NotAUrl,
    /// Another scheme.
    #[error("the webhook's scheme is not https")]
    NotHttps,
    /// A user or a password before the host.
    #[error("the webhook's URL has a user or a password")]
    Userinfo,
    /// Another port.
    #[error("the webhook's port is {port}, not {HTTPS_PORT}")]
    Port {
        /// The port.
        port: u16,
    },
    /// The host is an address that is not public, or has one among its addresses.
    #[error("the webhook's address {address} is not public")]
    Address {
        /// The address.
        address: IpAddr,
    },
}

impl Refused {
    /// The reason, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAUrl => "not_a_url",
            Self::NotHttps => "not_https",
            Self::Userinfo => "userinfo",
            Self::Port { .. } => "port",
            Self::Address { .. } => "address",
        }
    }
}

impl FromStr for Allow {
    type Err = BadEntry;

    /// Entries have commas between them; nothing at all is the empty list.
    fn from_str(list: &str) -> Result<Self, BadEntry> {
        if list.trim().is_empty() {
            return Ok(Self::default());
        }
        let entry = |entry: &str| allowed(entry).ok_or_else(|| BadEntry { entry: entry.to_owned() });
        list.split(',').map(|text| entry(text.trim())).collect::<Result<_, _>>().map(Self)
    }
}

/// There are no patterns: a `*` would be a name that no host has.
fn allowed(entry: &str) -> Option<(Host, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    let is_number = port.bytes().all(|digit| digit.is_ascii_digit());
    let port = port.parse().ok().filter(|port| *port != 0 && is_number)?;
    Some((Host::parse(host).ok().filter(|_| !host.contains('*'))?, port))
}

impl Allow {
    fn exempts(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|(allowed, of)| allowed == host && *of == port)
    }
}

impl Target {
    /// Reads a URL and holds it against the rules.
    ///
    /// The parser makes addresses of all the ways to write one (`0x7f.1`, `2130706433`), so that no other program
    /// downstream can find one where this has seen a name.
    pub fn parse(url: &str, allow: &Allow) -> Result<Self, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::NotAUrl)?;
        let is_https = url.scheme() == "https";
        if !is_https && url.scheme() != "http" {
            return Err(Refused::NotHttps);
        }
        let (Some(host), Some(port)) = (url.host().map(|host| host.to_owned()), url.port_or_known_default()) else {
            return Err(Refused::NotAUrl);
        };
        let is_exempt = allow.exempts(&host, port);
        if !is_exempt {
            keeps_the_rules(&url, &host, port)?;
        }
        let host_header = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
        let path = Uri::from_str(&url[Position::BeforePath..Position::AfterQuery]);
        let (Ok(host_header), Ok(path)) = (host_header, path) else { return Err(Refused::NotAUrl) };
        Ok(Self { is_https, host, port, is_exempt, host_header, path })
    }

    /// A text in which path and query, and the longer parts of them, are left out.
    pub fn without_path(&self, text: &str) -> String {
        let whole = self.path.to_string();
        let parts = whole.split(['/', '?', '&', '=', ';']).filter(|part| part.len() >= HIDDEN_BYTES_MIN);
        let text = if whole.len() > 1 { text.replace(&whole, "..") } else { text.to_owned() };
        parts.fold(text, |text, part| text.replace(part, ".."))
    }

    /// The addresses that may be connected to: all of them, or none.
    pub(super) fn check(&self, addresses: &[IpAddr]) -> Result<(), Refused> {
        match addresses.iter().find(|address| !self.is_exempt && !is_public(**address)) {
            Some(address) => Err(Refused::Address { address: *address }),
            None => Ok(()),
        }
    }
}

fn keeps_the_rules(url: &Url, host: &Host<String>, port: u16) -> Result<(), Refused> {
    if url.scheme() != "https" {
        return Err(Refused::NotHttps);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Userinfo);
    }
    if port != HTTPS_PORT {
        return Err(Refused::Port { port });
    }
    match literal(host) {
        Some(address) if !is_public(address) => Err(Refused::Address { address }),
        Some(_) | None => Ok(()),
    }
}

/// The address of a host that is one.
pub(super) fn literal(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.is_https { "https" } else { "http" }, self.host, self.port)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}
