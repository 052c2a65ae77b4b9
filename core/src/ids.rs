//! Identifiers: 1 to 64 characters of `[A-Za-z0-9_-]`, checked once where they enter.
//!
//! Ids are opaque: nothing here knows who gives them out or what they refer to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest id, in characters.
pub const ID_CHARS_MAX: usize = 64;

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to {ID_CHARS_MAX} characters of A-Z a-z 0-9 _ -, this has {chars} characters{}", outside(*first))]
pub struct IdError {
    /// How many characters the text has.
    pub chars: usize,
    /// The first character that an id cannot have.
    pub first: Option<char>,
}

fn outside(first: Option<char>) -> String {
    first.map(|c| format!(", one of them {c:?}")).unwrap_or_default()
}

fn check(text: &str) -> Result<(), IdError> {
    let chars = text.chars().count();
    let first = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    if chars == 0 || chars > ID_CHARS_MAX || first.is_some() {
        return Err(IdError { chars, first });
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[A-Za-z0-9_-]{1,64}$")))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A coffee shop.
    ShopId
}
id! {
    /// A photo, unique within its shop.
    PhotoId
}
id! {
    /// A person who uses the app.
    UserId
}
id! {
    /// What a rendition is called, such as `thumb`: the file name in its key, without `.jpg`.
    RenditionName
}

id! {
    /// One of the ways in which a subscriber is told, unique for the subscriber.
    ChannelId
}

/// What a partial batch response calls an item of the batch: a message's id, a record's sequence number.
///
/// Never empty, because an empty one in a response means that the whole batch failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItemId(String);

impl BatchItemId {
    /// `None` for an empty text.
    pub fn new(id: String) -> Option<Self> {
        (!id.is_empty()).then_some(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<BatchItemId> for String {
    fn from(id: BatchItemId) -> String {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        let longest = "x".repeat(ID_CHARS_MAX);
        for good in ["a", "A-9_z", longest.as_str()] {
            assert_eq!(good.parse::<ShopId>().map(String::from).as_deref(), Ok(good));
        }
        let too_long = "x".repeat(ID_CHARS_MAX + 1);
        for bad in ["", " ", "a b", "a/b", "ü", "a.b", "%41", too_long.as_str()] {
            assert!(bad.parse::<ShopId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_id_of_a_batch_item_is_never_empty() {
        assert_eq!(BatchItemId::new(String::new()), None);
        assert_eq!(BatchItemId::new("1".to_owned()).map(String::from).as_deref(), Some("1"));
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        let error = "Café".parse::<PhotoId>().unwrap_err();
        assert_eq!(error, IdError { chars: 4, first: Some('é') });
        assert!(error.to_string().contains("'é'"), "{error}");
    }
}
