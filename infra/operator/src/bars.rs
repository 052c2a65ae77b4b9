//! A histogram drawn in five lines.
//!
//! Nothing is ranked or computed from it here.

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::rating::STARS_MAX;

/// How many characters the longest bar has.
const BAR_CHARS: u64 = 40;

/// Parts of a character, in eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A line for each number of stars, the most first: the bars relative to the longest, the percentages of all.
pub(crate) fn bars(histogram: &Histogram) -> String {
    let (counts, all) = (histogram.counts(), histogram.count());
    let most = counts.into_iter().max().unwrap_or_default();
    let digits = most.to_string().len();
    let line = |(count, stars): (u64, u8)| {
        let (bar, percent) = (bar(count, most), percent(count, all));
        format!("{stars}  {count:>digits$}  {percent:>7}  {bar}").trim_end().to_owned()
    };
    counts.into_iter().rev().zip((1..=STARS_MAX).rev()).map(line).collect::<Vec<_>>().join("\n")
}

/// Whatever is there is seen: at least an eighth of a character.
fn bar(count: u64, most: u64) -> String {
    let eighths = (u128::from(count) * u128::from(BAR_CHARS * 8)).checked_div(u128::from(most)).unwrap_or_default();
    // At most 8 · BAR_CHARS.
    let eighths = usize::try_from(eighths).unwrap_or_default().max(usize::from(count > 0));
    "█".repeat(eighths / 8) + EIGHTHS.get(eighths % 8).copied().unwrap_or_default()
}

/// To a tenth; what is not nothing and not all is never said to be.
fn percent(count: u64, all: u64) -> String {
    let (count, all) = (u128::from(count), u128::from(all));
    if all == 0 {
        return String::new();
    }
    match (count * 1000 + all / 2) / all {
        0 if count > 0 => "<0.1 %".to_owned(),
        1000 if count < all => ">99.9 %".to_owned(),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counts: [u64; 5], expected: &str) {
        assert_eq!(bars(&counts.try_into().unwrap()), expected);
    }

    #[test]
    fn one_of_many_is_seen() {
        check(
            [1, 0, 50, 1000, 98_949],
            "\
5  98949   98.9 %  ████████████████████████████████████████
4   1000    1.0 %  ▍
3     50    0.1 %  ▏
2      0    0.0 %
1      1   <0.1 %  ▏",
        );
        check(
            [1, 0, 0, 0, 99_999],
            "\
5  99999  >99.9 %  ████████████████████████████████████████
4      0    0.0 %
3      0    0.0 %
2      0    0.0 %
1      1   <0.1 %  ▏",
        );
    }

    #[test]
    fn no_ratings_have_no_percentages() {
        check([0; 5], "5  0\n4  0\n3  0\n2  0\n1  0");
    }

    #[test]
    fn the_most_that_a_score_is_exact_for_has_a_bar() {
        assert_eq!(bar(1_000_000_000_000, 1_000_000_000_000).chars().count(), 40);
        assert_eq!(bar(u64::MAX, u64::MAX).chars().count(), 40);
    }
}
