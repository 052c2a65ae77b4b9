//! The order of S3 events of one key.
//!
//! It says nothing about events of different keys: S3 does not order those.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use serde_with::SerializeDisplay;

/// How many hexadecimal digits a sequencer is padded to.
pub const SEQUENCER_DIGITS: usize = 32;

/// S3's `sequencer`: hexadecimal, upper case, padded with zeros on the right to 32 digits, so that text order is
/// event order ([S3 user guide, "Event message structure"][1]).
///
/// [`none`](Self::none) is below all of them. It can be stored and read from an item, as the empty text; but an event
/// always has one, so `from_str`, which reads those of events, refuses the empty text.
///
/// [1]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay)]
pub struct Sequencer(String);

impl Sequencer {
    /// No event at all: below every event's.
    pub const fn none() -> Self {
        Self(String::new())
    }
}

/// A text that is not a sequencer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sequencer is 1 to {SEQUENCER_DIGITS} hexadecimal digits")]
pub struct SequencerError;

impl FromStr for Sequencer {
    type Err = SequencerError;

    fn from_str(text: &str) -> Result<Self, SequencerError> {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
        if !digits || text.len() > SEQUENCER_DIGITS {
            return Err(SequencerError);
        }
        Ok(Self(format!("{:0<SEQUENCER_DIGITS$}", text.to_ascii_uppercase())))
    }
}

impl<'de> Deserialize<'de> for Sequencer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Ok(Self::none()) } else { text.parse().map_err(de::Error::custom) }
    }
}

impl fmt::Display for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sequencer(text: &str) -> Sequencer {
        text.parse().unwrap()
    }

    #[test]
    fn the_shorter_is_padded_on_the_right() {
        assert!(sequencer("0055AED6DCD90281E5") > sequencer("0055AED6DCD90281"));
        assert!(sequencer("1") > sequencer("0FFFFFFF"));
        assert_eq!(sequencer("1"), sequencer("1000"));
        assert_eq!(sequencer("ab").to_string(), format!("AB{}", "0".repeat(30)));
    }

    #[test]
    fn case_does_not_count() {
        assert_eq!(sequencer("0055aed6"), sequencer("0055AED6"));
    }

    #[test]
    fn what_is_no_sequencer_is_refused() {
        let long = "0".repeat(SEQUENCER_DIGITS + 1);
        for bad in ["", "xyz", "00 55", "+5", long.as_str()] {
            assert_eq!(bad.parse::<Sequencer>(), Err(SequencerError), "{bad:?}");
        }
    }

    #[test]
    fn none_is_stored_as_the_empty_text_and_nothing_else_is_read_more_kindly() {
        let item = serde_json::to_value(Sequencer::none()).unwrap();
        assert_eq!(item, "");
        assert_eq!(serde_json::from_value::<Sequencer>(item).unwrap(), Sequencer::none());
        for bad in [serde_json::json!("xyz"), serde_json::json!(" "), serde_json::json!(null), serde_json::json!(1)] {
            assert!(serde_json::from_value::<Sequencer>(bad.clone()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn none_is_below_every_event(text in "[0-9a-fA-F]{1,32}") {
            prop_assert!(Sequencer::none() < sequencer(&text));
        }

        #[test]
        fn equal_length_sorts_as_numbers(a: u64, b: u64) {
            let [x, y] = [a, b].map(|n| sequencer(&format!("{n:016X}")));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }

        #[test]
        fn the_stored_form_reads_back(text in "[0-9a-fA-F]{1,32}") {
            let once = sequencer(&text);
            prop_assert_eq!(sequencer(&once.to_string()), once.clone());
            let item = serde_json::to_value(&once).unwrap();
            prop_assert_eq!(serde_json::from_value::<Sequencer>(item).unwrap(), once);
        }
    }
}
