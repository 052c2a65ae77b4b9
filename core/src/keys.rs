//! S3 keys: what an event says, what an original is called, where renditions lie.
//!
//! Nothing here talks to S3; a key that parses need not exist.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::edition::{Edition, EditionError};
use crate::ids::{IdError, PhotoId, RenditionName, ShopId};

/// The prefix of every original. Whatever is written below it in the bucket of originals is a photo to process.
pub const ORIGINALS_PREFIX: &str = "uploads/";

/// The prefix of every rendition.
pub const RENDITIONS_PREFIX: &str = "photos/";

/// Which photo of which shop: the key of the `photos` table, and a part of every S3 key of the photo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PhotoKey {
    /// The shop that the photo shows.
    pub shop_id: ShopId,
    /// The photo, unique within its shop.
    pub photo_id: PhotoId,
}

/// Why an S3 key is not an original's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("the key {0:?} has a % without two hexadecimal digits behind it")]
    BrokenEscape(String),
    /// Escapes that do not spell UTF-8.
    #[error("the key {0:?} does not decode to UTF-8")]
    NotUtf8(String),
    /// A key that is not `uploads/{shop_id}/{photo_id}`.
    #[error("the key {0:?} is not uploads/SHOP/PHOTO")]
    Shape(String),
    /// The right shape, around something that is not an id.
    #[error("the key {key:?} has a part that is not an id")]
    Id {
        /// The whole key.
        key: String,
        /// What is wrong with the part.
        #[source]
        cause: IdError,
    },
}

/// Decodes the key of an S3 event: form encoding, in one pass, so that `+` is a space and `%2B` a plus.
pub fn decode_event_key(raw: &str) -> Result<String, KeyError> {
    let whole = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !raw.split('%').skip(1).all(whole) {
        return Err(KeyError::BrokenEscape(raw.to_owned()));
    }
    let spaced = raw.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| KeyError::NotUtf8(raw.to_owned()))
}

impl PhotoKey {
    /// Reads the (decoded) key of an original, `uploads/{shop_id}/{photo_id}`.
    pub fn from_original(key: &str) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape(key.to_owned());
        let rest = key.strip_prefix(ORIGINALS_PREFIX).ok_or_else(shape)?;
        let (shop, photo) = rest.split_once('/').ok_or_else(shape)?;
        if photo.contains('/') {
            return Err(shape());
        }
        let id = |cause| KeyError::Id { key: key.to_owned(), cause };
        Ok(Self { shop_id: shop.parse().map_err(id)?, photo_id: photo.parse().map_err(id)? })
    }

    /// The key of the original.
    pub fn original(&self) -> String {
        format!("{ORIGINALS_PREFIX}{self}")
    }

    /// The prefix of all renditions of the photo, of every edition.
    pub fn renditions_prefix(&self) -> String {
        format!("{RENDITIONS_PREFIX}{self}/")
    }
}

impl fmt::Display for PhotoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shop_id, self.photo_id)
    }
}

/// What a rendition's key looks like, for schemas.
#[cfg(feature = "schema")]
const RENDITION_KEY_PATTERN: &str = concat!(
    "^photos/[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}/",
    "[0-9]{10,20}-[0-9A-Fa-f]{16}/[A-Za-z0-9_-]{1,64}\\.jpg$"
);

/// Where a rendition lies: `photos/{shop_id}/{photo_id}/{edition}/{name}.jpg`. What lies there never changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = RENDITION_KEY_PATTERN)))]
#[serde(try_from = "String", into = "String")]
pub struct RenditionKey {
    /// Whose rendition it is.
    pub photo: PhotoKey,
    /// Which answer it was made for.
    pub edition: Edition,
    /// What it is called.
    pub name: RenditionName,
}

/// A key that is not a rendition's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenditionKeyError {
    /// Not `photos/{shop_id}/{photo_id}/{edition}/{name}.jpg`.
    #[error("the key {0:?} is not photos/SHOP/PHOTO/EDITION/NAME.jpg")]
    Shape(String),
    /// A part that is not an id.
    #[error("a part of the key is not an id")]
    Id(#[from] IdError),
    /// A part that is not an edition.
    #[error("a part of the key is not an edition")]
    Edition(#[from] EditionError),
}

impl RenditionKey {
    /// Reads a key of the bucket of renditions.
    pub fn parse(key: &str) -> Result<Self, RenditionKeyError> {
        let parts: Option<Vec<&str>> = key
            .strip_prefix(RENDITIONS_PREFIX)
            .and_then(|rest| rest.strip_suffix(".jpg"))
            .map(|rest| rest.split('/').collect());
        let Some([shop, photo, edition, name]) = parts.as_deref() else {
            return Err(RenditionKeyError::Shape(key.to_owned()));
        };
        let photo = PhotoKey { shop_id: shop.parse()?, photo_id: photo.parse()? };
        Ok(Self { photo, edition: edition.parse()?, name: name.parse()? })
    }
}

impl TryFrom<String> for RenditionKey {
    type Error = RenditionKeyError;

    fn try_from(key: String) -> Result<Self, RenditionKeyError> {
        Self::parse(&key)
    }
}

impl From<RenditionKey> for String {
    fn from(key: RenditionKey) -> String {
        key.to_string()
    }
}

impl fmt::Display for RenditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}.jpg", self.photo.renditions_prefix(), self.edition, self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edition::Revision;

    #[test]
    fn event_keys_are_form_encoded() {
        #[track_caller]
        fn check(raw: &str, expected: &str) {
            assert_eq!(decode_event_key(raw).as_deref(), Ok(expected));
        }
        check("uploads/a/b", "uploads/a/b");
        check("uploads/a+b", "uploads/a b");
        check("uploads/a%2Bb", "uploads/a+b");
        check("uploads/a%252Bb", "uploads/a%2Bb");
        check("uploads/Caf%C3%A9", "uploads/Café");
        check("uploads/%e2%98%95", "uploads/☕");
        check("", "");
    }

    #[test]
    fn a_broken_escape_is_named() {
        for raw in ["%", "a%4", "a%zz", "%4é", "a%%41", "%+1"] {
            assert_eq!(decode_event_key(raw), Err(KeyError::BrokenEscape(raw.to_owned())), "{raw:?}");
        }
        for raw in ["%FF", "a%C3", "%C3%28"] {
            assert_eq!(decode_event_key(raw), Err(KeyError::NotUtf8(raw.to_owned())), "{raw:?}");
        }
    }

    #[test]
    fn an_original_is_uploads_shop_photo() {
        let photo = PhotoKey::from_original("uploads/shop-1/photo_2").unwrap();
        assert_eq!(photo.original(), "uploads/shop-1/photo_2");
        assert_eq!(photo.renditions_prefix(), "photos/shop-1/photo_2/");
        for shape in
            ["", "uploads", "uploads/", "uploads/a", "uploads/a/b/c", "photos/a/b", "/uploads/a/b", "uploads/a/b/"]
        {
            assert_eq!(PhotoKey::from_original(shape), Err(KeyError::Shape(shape.to_owned())), "{shape:?}");
        }
        for id in ["uploads//b", "uploads/a/", "uploads/a/b.jpg", "uploads/a b/c", "uploads/../b"] {
            assert!(matches!(PhotoKey::from_original(id), Err(KeyError::Id { .. })), "{id:?}");
        }
    }

    #[test]
    fn a_rendition_key_reads_back() {
        let edition = Edition::new(Revision(3), "v", "p", &"thumb=160x160:cover".parse().unwrap());
        let photo = PhotoKey::from_original("uploads/s/p").unwrap();
        let key = RenditionKey { photo, edition, name: "thumb".parse().unwrap() };
        assert_eq!(RenditionKey::parse(&key.to_string()), Ok(key.clone()));
        for other in
            ["photos/s/p/thumb.jpg", "photos/s/p/x/thumb.jpg", "photos/s/p/0000000003-0123456789abcdef/thumb.png"]
        {
            assert!(RenditionKey::parse(other).is_err(), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn what_s3_encodes_is_decoded(key: String) {
            let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC);
            prop_assert_eq!(decode_event_key(&encoded.to_string()), Ok(key.clone()));
            let formed = encoded.to_string().replace("%20", "+");
            prop_assert_eq!(decode_event_key(&formed), Ok(key));
        }

        #[test]
        fn no_key_panics(raw: String) {
            if let Ok(key) = decode_event_key(&raw) {
                let _ignored_outcome = PhotoKey::from_original(&key);
                let _ignored_outcome = RenditionKey::parse(&key);
            }
        }
    }
}
