//! What a rating holds of its shop's scores: the one function that says so for everybody.
//!
//! The app writes ratings; `CONTRACT.md` says how. Nothing here reads or writes a store.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ShopId, UserId};
use crate::period::Month;

/// The most stars of a rating.
pub const STARS_MAX: u8 = 5;

/// Whose rating of which shop: the key of `ratings` and of `contributions`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RatingKey {
    /// The shop that is rated.
    pub shop_id: ShopId,
    /// Who rates it.
    pub user_id: UserId,
}

impl fmt::Display for RatingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shop_id, self.user_id)
    }
}

/// 1 to 5 stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Stars(u8);

/// A number that no rating has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stars are 1 to {STARS_MAX}, not {0}")]
pub struct StarsError(u8);

impl TryFrom<u8> for Stars {
    type Error = StarsError;

    fn try_from(stars: u8) -> Result<Self, StarsError> {
        if (1..=STARS_MAX).contains(&stars) { Ok(Self(stars)) } else { Err(StarsError(stars)) }
    }
}

impl From<Stars> for u8 {
    fn from(stars: Stars) -> u8 {
        stars.0
    }
}

/// What a rating holds of its shop's scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// How many stars.
    pub stars: Stars,
    /// In which month, beside all time.
    pub month: Month,
}

/// The attributes of a rating's item that scores depend on; `None` where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatingItem {
    /// `stars`.
    pub stars: Option<Attribute>,
    /// `rated_at`.
    pub rated_at: Option<Attribute>,
}

/// An attribute of a DynamoDB item, as far as anybody here looks at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A number, as DynamoDB writes it: `5`, never `5.0`.
    Number(String),
    /// A string.
    Text(String),
    /// Anything else.
    Other,
}

/// Why a rating makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// There is no number of stars.
    #[error("`stars` is missing or not a number")]
    NoStars,
    /// The number of stars is no rating's.
    #[error("`stars` is {0}, not a whole number from 1 to {STARS_MAX}")]
    WrongStars(String),
    /// There is no time.
    #[error("`rated_at` is missing or not a string")]
    NoDate,
    /// The time cannot be read.
    #[error("`rated_at` is {0:?}, not a time of RFC 3339 with an offset")]
    NotADate(String),
    /// The time is one that nobody rates at.
    #[error("`rated_at` is {0:?}, not in a month from 1990-01 to 2099-12 of UTC")]
    MonthOutOfRange(String),
}

impl Nonsense {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoStars => "no_stars",
            Self::WrongStars(_) => "wrong_stars",
            Self::NoDate => "no_date",
            Self::NotADate(_) => "not_a_date",
            Self::MonthOutOfRange(_) => "month_out_of_range",
        }
    }
}

/// What a rating holds; one that makes no sense holds nothing. Total, and the same for whoever asks.
pub fn held(rating: &RatingItem) -> Result<Held, Nonsense> {
    let stars = match &rating.stars {
        Some(Attribute::Number(text)) => text
            .parse::<u8>()
            .ok()
            .and_then(|stars| Stars::try_from(stars).ok())
            .ok_or_else(|| Nonsense::WrongStars(text.clone()))?,
        _ => return Err(Nonsense::NoStars),
    };
    let Some(Attribute::Text(text)) = &rating.rated_at else { return Err(Nonsense::NoDate) };
    let time = rfc3339(text).ok_or_else(|| Nonsense::NotADate(text.clone()))?;
    let month = Month::of(time).ok_or_else(|| Nonsense::MonthOutOfRange(text.clone()))?;
    Ok(Held { stars, month })
}

/// RFC 3339, section 5.6. `jiff` reads more than that, and may read other things in another version; so the shape is
/// looked at first.
fn rfc3339(text: &str) -> Option<Timestamp> {
    const DATE_TIME: &[u8] = b"0000-00-00T00:00:00";
    const OFFSET: &[u8] = b"+00:00";
    /// Up to nanoseconds. The RFC allows more digits, which say nothing about the month.
    const LOCAL_CHARS_MAX: usize = 29;
    let (date_time, rest) = text.as_bytes().split_at_checked(DATE_TIME.len())?;
    let offset = match rest.strip_prefix(b".") {
        Some(rest) => match rest.iter().position(|byte| !byte.is_ascii_digit())? {
            0 => return None,
            digits => rest.get(digits..)?,
        },
        None => rest,
    };
    let with_hours = || has_shape(offset, OFFSET) && offset.get(1..3).is_some_and(|hours| hours < b"24".as_slice());
    if !has_shape(date_time, DATE_TIME) || !(matches!(offset, b"Z" | b"z") || with_hours()) {
        return None;
    }
    let (local, offset) = text.split_at_checked(text.len() - offset.len())?;
    let local = local.get(..LOCAL_CHARS_MAX).unwrap_or(local);
    format!("{local}{offset}").parse().ok()
}

/// In a shape, `0` is any digit, `T` is `T` or `t`, and `+` is `+` or `-`.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't'),
            b'+' => matches!(byte, b'+' | b'-'),
            other => byte == other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rating(stars: &str, rated_at: &str) -> RatingItem {
        let (stars, rated_at) = (Attribute::Number(stars.to_owned()), Attribute::Text(rated_at.to_owned()));
        RatingItem { stars: Some(stars), rated_at: Some(rated_at) }
    }

    #[track_caller]
    fn check(rating: &RatingItem, expected: Result<(u8, &str), &str>) {
        let found = held(rating).map(|held| (u8::from(held.stars), held.month.to_string()));
        let found = found.as_ref().map(|(stars, month)| (*stars, month.as_str())).map_err(Nonsense::code);
        assert_eq!(found, expected, "{rating:?}");
    }

    #[test]
    fn a_rating_holds_its_stars_in_its_month() {
        check(&rating("1", "2026-11-21T10:00:00Z"), Ok((1, "2026-11")));
        check(&rating("5", "2026-12-01T00:59:59.5+01:00"), Ok((5, "2026-11")));
        check(&rating("3", "1990-01-01t00:00:00z"), Ok((3, "1990-01")));
        check(&rating("3", "2099-12-31T23:59:60Z"), Ok((3, "2099-12")));
        check(&rating("4", "2024-02-29T00:00:00.123456789012345678-00:00"), Ok((4, "2024-02")));
    }

    #[test]
    fn stars_are_one_to_five() {
        for stars in ["0", "6", "-1", "2.5", "256", "1e0", "", "five"] {
            check(&rating(stars, "2026-11-21T10:00:00Z"), Err("wrong_stars"));
        }
        for stars in [None, Some(Attribute::Text("5".to_owned())), Some(Attribute::Other)] {
            check(&RatingItem { stars, ..rating("5", "2026-11-21T10:00:00Z") }, Err("no_stars"));
        }
    }

    #[test]
    fn a_time_is_of_rfc_3339() {
        for text in [
            "",
            "yesterday",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00Z",
            "2026-11-21T10Z",
            "2026-11-21 10:00:00Z",
            "20261121T100000Z",
            "2026-11-21T10:00:00+01",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00,5Z",
            "2026-11-21T10:00:00Z[Europe/Berlin]",
            "2026-11-21T10:00:00Zé",
            "2026-02-30T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:00:00+24:00",
            "2026-11-21T10:00:00+10:60",
            "+002026-11-21T10:00:00Z",
            "2026-11-2éT10:00:00Z",
        ] {
            check(&rating("5", text), Err("not_a_date"));
        }
        for rated_at in [None, Some(Attribute::Number("1792000000".to_owned())), Some(Attribute::Other)] {
            check(&RatingItem { rated_at, ..rating("5", "") }, Err("no_date"));
        }
        check(&rating("5", "1989-12-31T23:59:59Z"), Err("month_out_of_range"));
        check(&rating("5", "2100-01-01T00:00:00Z"), Err("month_out_of_range"));
        check(&rating("5", "2099-12-31T23:30:00-01:00"), Err("month_out_of_range"));
    }
}
