//! How many ratings have how many stars, and the numbers that follow from that alone.
//!
//! Integers only: no number here depends on the order in which ratings came.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::rating::{STARS_MAX, Stars};

/// The formula of [`Histogram::score_micros`], as scores name it.
pub const FORMULA: &str = "star-lcb/1";

/// The most ratings that a score is exact for.
pub const COUNT_MAX: u64 = 1_000_000_000_000;

/// Millionths in one.
const MICRO: u128 = 1_000_000;

/// The square of the formula's 1.65, in units of 1/10,000.
const Z_SQUARED_E4: u128 = 27_225;

/// How many ratings have 1, 2, 3, 4 and 5 stars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(try_from = "[u64; STARS_MAX as usize]", into = "[u64; STARS_MAX as usize]")]
pub struct Histogram([u64; STARS_MAX as usize]);

/// More ratings than a score is exact for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} are more than {COUNT_MAX} ratings")]
pub struct TooManyRatings([u64; STARS_MAX as usize]);

impl TryFrom<[u64; STARS_MAX as usize]> for Histogram {
    type Error = TooManyRatings;

    fn try_from(counts: [u64; STARS_MAX as usize]) -> Result<Self, TooManyRatings> {
        let count = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        if count.is_some_and(|count| count <= COUNT_MAX) { Ok(Self(counts)) } else { Err(TooManyRatings(counts)) }
    }
}

impl From<Histogram> for [u64; STARS_MAX as usize] {
    fn from(histogram: Histogram) -> Self {
        histogram.0
    }
}

impl Histogram {
    /// Counts one more.
    pub fn add(&mut self, stars: Stars) {
        if let Some(count) = self.0.get_mut(usize::from(u8::from(stars)) - 1) {
            *count += 1;
        }
    }

    /// Counts one less; `false`, and nothing is changed, when there is none.
    #[must_use]
    pub fn remove(&mut self, stars: Stars) -> bool {
        match self.0.get_mut(usize::from(u8::from(stars)) - 1) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// How many ratings have 1, 2, 3, 4 and 5 stars.
    pub fn counts(&self) -> [u64; STARS_MAX as usize] {
        self.0
    }

    /// How many ratings there are.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// All their stars together.
    pub fn sum(&self) -> u64 {
        self.0.iter().zip(1..).map(|(count, stars)| count * stars).sum()
    }

    /// The mean in millionths of a star, to the nearest, ties to even; `None` when there are no ratings.
    pub fn mean_micros(&self) -> Option<u64> {
        let (count, sum) = (u128::from(self.count()), u128::from(self.sum()));
        let quotient = (sum * MICRO).checked_div(count)?;
        let rest = 2 * (sum * MICRO - quotient * count);
        let up = rest > count || (rest == count && quotient % 2 == 1);
        u64::try_from(quotient + u128::from(up)).ok()
    }

    /// The lower bound of the credible interval of the mean, in millionths of a star, to the nearest, ties to even.
    ///
    /// With N ratings, `n_k` of k stars, K = 5 and a prior of one rating of each kind, `p_k = (n_k + 1) / (N + K)`,
    /// `m = Σ k·p_k`, the score is `m − 1.65·√((Σ k²·p_k − m²) / (N + K + 1))`: Evan Miller, ["Ranking Items With Star
    /// Ratings"][1]. It is greater than 1 and less than 5 (from about two million equal ratings on, rounding reaches
    /// these), and 2.047 when there are no ratings.
    ///
    /// Exact up to [`COUNT_MAX`] ratings: everything is multiplied by `A = N + K`, and the root is compared by squares.
    ///
    /// [1]: https://www.evanmiller.org/ranking-items-with-star-ratings.html
    pub fn score_micros(&self) -> u64 {
        let with_prior = || self.0.iter().map(|count| u128::from(*count) + 1).zip(1_u128..);
        let total: u128 = with_prior().map(|(count, _)| count).sum();
        let first: u128 = with_prior().map(|(count, stars)| count * stars).sum();
        let second: u128 = with_prior().map(|(count, stars)| count * stars * stars).sum();
        let spread = second * total - first * first;

        // score · A = first · 10⁶ − √(1.65² · 10¹² · spread / (A + 1))
        let root = (Z_SQUARED_E4 * (MICRO * MICRO / 10_000) * spread / (total + 1)).isqrt();
        let mut score = (first * MICRO - root) / total;
        // The score compared with the middle between `below` and the next: twice its distance, times A, is
        // `2 · first · 10⁶ − A · (2 · below + 1)` less twice the root.
        let compare = |below: u128| match (2 * first * MICRO).checked_sub(total * (2 * below + 1)) {
            None => Ordering::Less,
            Some(distance) => {
                (distance * distance * (total + 1)).cmp(&(4 * Z_SQUARED_E4 * (MICRO * MICRO / 10_000) * spread))
            }
        };
        let rounds_up = |below: u128| match compare(below) {
            Ordering::Greater => true,
            Ordering::Equal => below % 2 == 1,
            Ordering::Less => false,
        };
        while rounds_up(score) {
            score += 1;
        }
        while score > 0 && !rounds_up(score - 1) {
            score -= 1;
        }
        u64::try_from(score).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(counts: [u64; 5]) -> Histogram {
        Histogram(counts)
    }

    #[test]
    fn the_mean_is_rounded_to_even() {
        for (counts, mean) in [
            ([0, 0, 0, 0, 0], None),
            ([0, 0, 0, 0, 1], Some(5_000_000)),
            ([1, 1, 0, 0, 0], Some(1_500_000)),
            ([2, 1, 0, 0, 0], Some(1_333_333)),
            ([1, 2, 0, 0, 0], Some(1_666_667)),
            // 1 + 1/128 and 1 + 3/128: both in the middle, 1.0078125 and 1.0234375.
            ([127, 1, 0, 0, 0], Some(1_007_812)),
            ([125, 3, 0, 0, 0], Some(1_023_438)),
        ] {
            assert_eq!(histogram(counts).mean_micros(), mean, "{counts:?}");
        }
    }

    #[test]
    fn an_absurd_histogram_is_not_understood() {
        assert!(Histogram::try_from([COUNT_MAX, 0, 0, 0, 0]).is_ok());
        for counts in [[COUNT_MAX, 1, 0, 0, 0], [u64::MAX, u64::MAX, 0, 0, 2]] {
            assert_eq!(Histogram::try_from(counts), Err(TooManyRatings(counts)));
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_removed() {
        let (mut counts, five) = (Histogram::default(), Stars::try_from(5).unwrap());
        assert!(!counts.remove(five));
        counts.add(five);
        assert_eq!((counts.count(), counts.sum()), (1, 5));
        assert!(counts.remove(five));
        assert_eq!(counts, Histogram::default());
    }
}
