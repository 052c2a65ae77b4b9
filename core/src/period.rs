//! Months and the periods that scores are kept for.
//!
//! No time zones: a month here is always one of UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_with::{DeserializeFromStr, SerializeDisplay};

/// The first year that a rating may be of.
pub const YEAR_MIN: i16 = 1990;

/// The last year that a rating may be of.
pub const YEAR_MAX: i16 = 2099;

/// A month of UTC from 1990-01 to 2099-12, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of UTC that `time` is in; `None` outside the range.
    pub fn of(time: Timestamp) -> Option<Self> {
        let date = Offset::UTC.to_datetime(time);
        Self::new(date.year(), date.month())
    }

    /// `None` outside the range.
    pub fn new(year: i16, month: i8) -> Option<Self> {
        let in_range = (YEAR_MIN..=YEAR_MAX).contains(&year) && (1..=12).contains(&month);
        in_range.then_some(Self { year, month })
    }

    /// The month before; `None` before the first.
    pub fn before(self) -> Option<Self> {
        if self.month > 1 { Self::new(self.year, self.month - 1) } else { Self::new(self.year - 1, 12) }
    }
}

/// How a month is written: `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthText([u8; 7]);

impl MonthText {
    /// As text.
    pub fn as_str(&self) -> &str {
        // Digits and a dash.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Month {
    /// How it is written, without an allocation.
    pub fn text(self) -> MonthText {
        let digit = |number: i16, place: i16| b'0' + u8::try_from(number / place % 10).unwrap_or_default();
        let (year, month) = (self.year, i16::from(self.month));
        let [a, b, c, d] = [1000, 100, 10, 1].map(|place| digit(year, place));
        MonthText([a, b, c, d, b'-', digit(month, 10), digit(month, 1)])
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither `all` nor a month from {YEAR_MIN}-01 to {YEAR_MAX}-12")]
pub struct PeriodError(String);

impl FromStr for Month {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            Self::new(year.parse().ok()?, month.parse().ok()?)
        };
        // One text a month: `+2026-1` parses too.
        parse().filter(|month| month.to_string() == text).ok_or_else(|| PeriodError(text.to_owned()))
    }
}

/// What a score is of: all time, or one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, into = "String", try_from = "String"))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^(all|(199[0-9]|20[0-9]{2})-(0[1-9]|1[0-2]))$")))]
pub enum Period {
    /// Every rating, written `all`.
    All,
    /// The ratings of one month, written `2026-11`.
    Month(Month),
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Month(month) => month.fmt(f),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::Month) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_written_as_it_is_read() {
        for text in ["all", "1990-01", "2026-11", "2099-12"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in ["", "All", "2026", "2026-1", "2026-13", "2026-00", "+2026-11", "2026-011", "1989-12", "2100-01"] {
            assert!(text.parse::<Period>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_month_begins_at_midnight_utc() {
        let month = |text: &str| Month::of(text.parse().unwrap()).map(|month| month.to_string());
        assert_eq!(month("2026-11-30T23:59:59.999999999Z").as_deref(), Some("2026-11"));
        assert_eq!(month("2026-12-01T00:30:00+01:00").as_deref(), Some("2026-11"));
        assert_eq!(month("1989-12-31T23:59:59Z"), None);
        assert_eq!(month("1989-12-31T23:30:00-01:00").as_deref(), Some("1990-01"));
        assert_eq!(month("2100-01-01T00:00:00Z"), None);
    }

    #[test]
    fn before_january_comes_december() {
        for (month, before) in [
            ("2026-11", Some("2026-10")),
            ("2026-02", Some("2026-01")),
            ("2026-01", Some("2025-12")),
            ("1990-01", None),
        ] {
            let month: Month = month.parse().unwrap();
            assert_eq!(month.before().map(|before| before.to_string()).as_deref(), before, "{month}");
        }
    }
}
