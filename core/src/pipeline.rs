//! The versions of the code that makes renditions, and their order.
//!
//! Which version is running is said where that code is; what a version changed is said in its history.

use std::fmt;
use std::str::FromStr;

use serde_with::{DeserializeFromStr, SerializeDisplay};

const PREFIX: &str = "photo/";

/// A version: `photo/N`, in the order of N as a number, from 1.
///
/// An [`Outcome`](crate::outcome::Outcome) carries it as text, so that one which cannot be read spoils no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct Pipeline(u32);

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version of the pipeline: photo/ and a number from 1, such as photo/2")]
pub struct PipelineError(String);

impl FromStr for Pipeline {
    type Err = PipelineError;

    fn from_str(text: &str) -> Result<Self, PipelineError> {
        let number = text.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
        // The text must be the one that this version is written as: `photo/+1` or `photo/01` is not it.
        let version = number.filter(|number| *number > 0).map(Self).filter(|version| version.to_string() == text);
        version.ok_or_else(|| PipelineError(text.to_owned()))
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nine_is_before_ten() {
        let [one, nine, ten] = ["photo/1", "photo/9", "photo/10"].map(|text| text.parse::<Pipeline>().unwrap());
        assert!(one < nine && nine < ten);
    }

    #[test]
    fn what_is_no_version_is_said() {
        for bad in ["", "photo", "photo/", "photo/0", "photo/01", "photo/+1", "photo/1 ", "Photo/1", "1", "score/1"] {
            assert_eq!(bad.parse::<Pipeline>(), Err(PipelineError(bad.to_owned())));
        }
        let error = "photo/x".parse::<Pipeline>().unwrap_err().to_string();
        assert_eq!(error, r#""photo/x" is not a version of the pipeline: photo/ and a number from 1, such as photo/2"#);
    }

    proptest! {
        #[test]
        fn the_text_reads_back_in_order(a in 1u32.., b in 1u32..) {
            let [x, y] = [a, b].map(|n| format!("photo/{n}").parse::<Pipeline>().unwrap());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.to_string(), format!("photo/{a}"));
            prop_assert_eq!(serde_json::to_value(x).unwrap(), x.to_string());
        }
    }
}
