//! Ids of events. Which event has which is decided in [`announce`](crate::announce).

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_with::{DeserializeFromStr, SerializeDisplay};

/// What is escaped in the parts of an id.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A part of an id, or of the key of an object: letters, digits, `-`, `_`, and `%` with two digits for any other byte of UTF-8.
pub(crate) fn escaped(part: &str) -> PercentEncode<'_> {
    utf8_percent_encode(part, &ESCAPED)
}

/// The longest id of an event, in bytes: it is a part of the keys of tables, of which the shorter kind has 1,024.
pub const EVENT_ID_BYTES_MAX: usize = 900;

/// The id of an event, such as `photo/SHOP/PHOTO/3`: letters, digits and `-_/%`, so that it can stand in a header, in a
/// key, and between dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[A-Za-z0-9_%/-]{1,900}$")))]
pub struct EventId(String);

/// A text that is no event's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is 1 to {EVENT_ID_BYTES_MAX} of A-Z a-z 0-9 - _ / %, this is {0:?}")]
pub struct EventIdError(String);

impl EventId {
    /// The id of a revision of `subject`, whose parts are escaped.
    pub(crate) fn of(subject: &str, revision: u64) -> Self {
        Self(format!("{subject}/{revision}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '%');
        if text.is_empty() || text.len() > EVENT_ID_BYTES_MAX || !text.chars().all(plain) {
            return Err(EventIdError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
