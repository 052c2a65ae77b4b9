//! How often a message was replayed: a mark that travels with it, through the handlers and back.
//!
//! What is replayed, and when it has been too often, is not decided here.

use std::fmt;
use std::str::FromStr;

/// The attribute that a replayed message has, from then on. What a handler sets aside keeps it, as it is.
pub const REPLAYED: &str = "replayed";

/// The value of the attribute [`REPLAYED`]: `{times}/{run}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// How often, the last time included.
    pub times: u32,
    /// Which run of the operator's command did it last.
    pub run: String,
}

/// A text that is no value of the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not `TIMES/RUN`")]
pub struct NotReplayed;

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.times, self.run)
    }
}

impl FromStr for Replayed {
    type Err = NotReplayed;

    fn from_str(text: &str) -> Result<Self, NotReplayed> {
        let (times, run) = text.split_once('/').ok_or(NotReplayed)?;
        Ok(Self { times: times.parse().map_err(|_| NotReplayed)?, run: run.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_read_back() {
        let replayed = Replayed { times: 2, run: "20261121T201500Z-uploads-dlq".to_owned() };
        assert_eq!(replayed.to_string(), "2/20261121T201500Z-uploads-dlq");
        assert_eq!(replayed.to_string().parse(), Ok(replayed));
        for nothing in ["", "2", "/run", "x/run", "-1/run", "4294967296/run"] {
            assert_eq!(nothing.parse::<Replayed>(), Err(NotReplayed), "{nothing}");
        }
    }
}
