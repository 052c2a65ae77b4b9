//! Signatures of [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md),
//! version 1: HMAC-SHA256 with a secret that sender and receiver share.
//!
//! Secrets are not kept or rotated here, and nothing here is verified: that is the receiver's part.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// The shortest key that the specification takes.
pub const KEY_BYTES_MIN: usize = 24;

/// The longest key that the specification takes.
pub const KEY_BYTES_MAX: usize = 64;

/// What signs. It is never shown.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

/// Why a text is no secret. The text itself is never part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It begins with something else.
    #[error("the secret does not begin with `{SECRET_PREFIX}`")]
    Prefix,
    /// What follows is not base64, or has something around it.
    #[error("what follows `{SECRET_PREFIX}` in the secret is not base64")]
    Base64,
    /// The key is too short or too long.
    #[error("the secret's key has {bytes} bytes, and should have {KEY_BYTES_MIN} to {KEY_BYTES_MAX}")]
    Length {
        /// How long it is.
        bytes: usize,
    },
}

impl FromStr for SigningKey {
    type Err = BadSecret;

    fn from_str(secret: &str) -> Result<Self, BadSecret> {
        let encoded = secret.strip_prefix(SECRET_PREFIX).ok_or(BadSecret::Prefix)?;
        // The decoder's own error shows a character of the secret.
        let key = STANDARD.decode(encoded).map_err(|_| BadSecret::Base64)?;
        let wrong_length = BadSecret::Length { bytes: key.len() };
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key.len()) {
            return Err(wrong_length);
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|_| wrong_length)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// The header `webhook-signature`: a signature by each key, in their order, with spaces between them.
///
/// While a secret is replaced there are two, and the receiver takes either. With no key it is empty, which no receiver
/// takes.
pub fn signature(keys: &[SigningKey], id: &str, timestamp_seconds: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp_seconds}.{body}");
    let signatures = keys.iter().map(|SigningKey(key)| {
        let code = key.clone().chain_update(signed.as_bytes()).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(code))
    });
    signatures.collect::<Vec<_>>().join(" ")
}
