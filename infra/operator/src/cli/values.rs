//! What stands behind an option: a rate, a destination, the name of a run.
//!
//! Nothing is opened or made here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::typed_word;

/// So many messages a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub u32);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix("/s").unwrap_or(text);
        number
            .parse()
            .ok()
            .filter(|rate| *rate > 0)
            .map(Self)
            .ok_or("a rate is a whole number a second, such as `50/s`")
    }
}

/// Where an archive is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// On this machine.
    File(PathBuf),
    /// In S3.
    Object {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
}

impl Destination {
    /// The same from every folder.
    pub(crate) fn absolute(self) -> Self {
        match self {
            Self::File(path) => Self::File(std::path::absolute(&path).unwrap_or(path)),
            object @ Self::Object { .. } => object,
        }
    }
}

impl FromStr for Destination {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(place) = text.strip_prefix("s3://") else {
            return if text.is_empty() { Err("a file needs a name") } else { Ok(Self::File(text.into())) };
        };
        match place.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => Err("an object is named `s3://BUCKET/KEY`"),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// What a run calls itself: its journal is a file of that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Of a run on this place, begun now; `chance` tells it from another of the same second.
    pub(crate) fn new(place: &str, now: Timestamp, chance: u16) -> Self {
        Self(format!("{}-{place}-{chance:04x}", now.strftime("%Y%m%dT%H%M%SZ")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = &'static str;

    /// Only what can be the name of a file in the folder of journals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !text.is_empty() && text.chars().all(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a run is called as it said when it began, such as `20261121T201500Z-uploads-dlq-3f9a`")
        }
    }
}

/// Writes an option as it is typed, with a space before it; nothing for one that was not given.
pub(super) fn option(f: &mut fmt::Formatter<'_>, name: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    let value = value.to_string();
    // clap would take it for another option.
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    write!(f, " --{name}{separator}{}", typed_word(&value))
}
