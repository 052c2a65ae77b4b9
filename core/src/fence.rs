//! The order of the changes of one rating.
//!
//! It says nothing about changes of different ratings: a stream orders those only by chance.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many digits a sequence number is padded to.
pub const SEQUENCE_DIGITS: usize = 40;

/// Where a change stands among those of its rating: `{stream label}/{sequence number padded to 40 digits}`.
///
/// Text order is the order of the changes: a stream's label is the time at which it was switched on, so that a
/// table that was created again or restored goes on above all that was before, and within a stream an item's sequence
/// numbers only grow. They have up to 40 digits, which is more than a DynamoDB number holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(String);

/// A stream record that cannot be put into an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FenceError {
    /// Not the ARN of a stream.
    #[error(
        "{0:?} is not the ARN of a table's stream, which ends in /stream/ and a time such as 2026-11-21T10:00:00.000"
    )]
    StreamArn(String),
    /// Not a sequence number.
    #[error("the sequence number {0:?} is not 1 to {SEQUENCE_DIGITS} digits")]
    SequenceNumber(String),
}

impl Fence {
    /// Below all others: of a contribution that was made from its rating, and not from a change of it.
    pub fn lowest() -> Self {
        Self(String::new())
    }

    /// The fence of the change with `sequence_number` in the stream `stream_arn`
    /// (`arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`).
    pub fn new(stream_arn: &str, sequence_number: &str) -> Result<Self, FenceError> {
        let label = stream_arn.rsplit_once("/stream/").map(|(_, label)| label).filter(|label| is_label(label));
        let label = label.ok_or_else(|| FenceError::StreamArn(stream_arn.to_owned()))?;
        let digits = !sequence_number.is_empty() && sequence_number.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || sequence_number.len() > SEQUENCE_DIGITS {
            return Err(FenceError::SequenceNumber(sequence_number.to_owned()));
        }
        Ok(Self(format!("{label}/{sequence_number:0>SEQUENCE_DIGITS$}")))
    }
}

/// Labels are times, to the second at least; any other text might stand above them all for ever.
fn is_label(label: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == *shape };
    label.len() >= SHAPE.len() && label.bytes().zip(SHAPE).all(fits)
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(label: &str, sequence_number: &str) -> Fence {
        Fence::new(&format!("arn:aws:dynamodb:eu-central-1:1:table/ratings/stream/{label}"), sequence_number).unwrap()
    }

    #[test]
    fn the_later_change_has_the_greater_fence() {
        let (old, new) = ("2026-11-21T10:00:00.000", "2026-11-21T10:00:00.001");
        assert!(Fence::lowest() < fence(old, "0"));
        assert!(fence(old, "9") < fence(old, "10"), "numbers, not text");
        assert!(fence(old, "100000000000000000000000000000000000001") < fence(old, &"9".repeat(40)));
        assert!(fence(old, &"9".repeat(40)) < fence(new, "1"), "a new stream goes on above the old one");
        assert_eq!(fence(old, "0010"), fence(old, "10"));
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        let arn = "arn:aws:dynamodb:eu-central-1:1:table/ratings/stream/2026-11-21T10:00:00.000";
        for number in ["", "-1", "1e9", "٣", &"9".repeat(41)] {
            assert_eq!(Fence::new(arn, number), Err(FenceError::SequenceNumber(number.to_owned())));
        }
        for arn in [
            "",
            "arn:aws:sqs:eu-central-1:1:queue",
            "table/ratings/stream/",
            "table/ratings/stream/zzz",
            "t/stream/2026-11-21",
        ] {
            assert_eq!(Fence::new(arn, "1"), Err(FenceError::StreamArn(arn.to_owned())));
        }
    }
}
