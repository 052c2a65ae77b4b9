//! Revisions of an outcome, and the editions that renditions are stored under.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use sha2::{Digest, Sha256};

use crate::renditions::RenditionSpecs;

/// How often a photo has been answered; 0 when it never was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision that the next answer gets.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one set of renditions is stored under: `{revision, 10 digits}-{16 hexadecimal digits}`.
///
/// The digits are the first 16 of SHA-256 over version id, pipeline version and rendition specification, each
/// ended by a zero byte. Because the revision is a part of it, an edition that a later outcome did not take can
/// never be named again, and may be deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct Edition {
    revision: Revision,
    fingerprint: String,
}

/// How many hexadecimal digits of the hash an edition carries.
const FINGERPRINT_DIGITS: usize = 16;

impl Edition {
    /// The edition of `revision`, made from the object version `version_id` (empty when there is none).
    pub fn new(revision: Revision, version_id: &str, pipeline: &str, specs: &RenditionSpecs) -> Self {
        let mut hash = Sha256::new();
        for part in [version_id, pipeline, &specs.to_string()] {
            hash.update(part);
            hash.update([0]);
        }
        let mut fingerprint = hex::encode(hash.finalize());
        fingerprint.truncate(FINGERPRINT_DIGITS);
        Self { revision, fingerprint }
    }

    /// The revision that this edition was made for.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether both were made from one version, by one pipeline and one specification, for whichever revisions.
    pub fn made_as(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}-{}", self.revision.0, self.fingerprint)
    }
}

/// A text that is not an edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an edition is 10 digits, a hyphen and {FINGERPRINT_DIGITS} hexadecimal digits")]
pub struct EditionError;

impl FromStr for Edition {
    type Err = EditionError;

    fn from_str(text: &str) -> Result<Self, EditionError> {
        let (digits, fingerprint) = text.split_once('-').ok_or(EditionError)?;
        let revision = digits.parse().map(Revision).map_err(|_| EditionError)?;
        let edition = Self { revision, fingerprint: fingerprint.to_owned() };
        let hex = fingerprint.len() == FINGERPRINT_DIGITS && hex::decode(fingerprint).is_ok();
        // The text must be the one that this edition is written as: `+1-..` or `1-..` is not it.
        if !hex || edition.to_string() != text {
            return Err(EditionError);
        }
        Ok(edition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(revision: u64, version_id: &str, pipeline: &str, specs: &str) -> Edition {
        Edition::new(Revision(revision), version_id, pipeline, &specs.parse().unwrap())
    }

    #[test]
    fn every_part_counts() {
        let base = edition(7, "v1", "photo/1", "card=480:fit");
        let later = edition(8, "v1", "photo/1", "card=480:fit");
        assert!(base != later && base.made_as(&later));
        assert_eq!(base, edition(7, "v1", "photo/1", "card=480:fit"));
        assert_eq!(base.to_string().len(), 27);
        assert!(base.to_string().starts_with("0000000007-"));
        for other in [
            edition(7, "v2", "photo/1", "card=480:fit"),
            edition(7, "v1", "photo/2", "card=480:fit"),
            edition(7, "v1", "photo/1", "card=481:fit"),
            edition(7, "v1photo/1", "", "card=480:fit"),
        ] {
            assert!(base != other && !base.made_as(&other), "{other}");
        }
    }

    #[test]
    fn the_text_reads_back_and_nothing_else_does() {
        let base = edition(12_345, "v", "p", "card=480:fit");
        assert_eq!(base.to_string().parse(), Ok(base));
        for bad in [
            "",
            "0000000001",
            "1-0123456789abcdef",
            "+000000001-0123456789abcdef",
            "0000000001-0123",
            "0000000001-0123456789abcdeg",
        ] {
            assert_eq!(bad.parse::<Edition>(), Err(EditionError), "{bad:?}");
        }
    }
}
