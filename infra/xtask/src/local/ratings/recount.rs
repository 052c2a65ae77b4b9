//! What the scores should be: counted from the ratings alone, the simplest way.
//!
//! Shares with the aggregator only what a rating holds, and the formula.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::rating::{Held, RatingItem, RatingKey, held};
use coffeeshop_core::score::{Score, ScoreKey};

/// Every score that has a rating.
pub(crate) fn recount(ratings: &BTreeMap<RatingKey, RatingItem>) -> BTreeMap<ScoreKey, Histogram> {
    let mut counted = BTreeMap::<_, Histogram>::new();
    for (RatingKey { shop_id, .. }, item) in ratings {
        let Ok(Held { stars, month }) = held(item) else { continue };
        for period in [Period::All, Period::Month(month)] {
            counted.entry(ScoreKey { shop_id: shop_id.clone(), period }).or_default().add(stars);
        }
    }
    counted
}

/// The keys of the scores that are not as counted, and of those that are missing; one without ratings may be left over
/// from before.
pub(crate) fn different(scores: &[Score], counted: &BTreeMap<ScoreKey, Histogram>) -> Vec<ScoreKey> {
    let stored: BTreeMap<_, _> = scores.iter().map(|score| (&score.key, score)).collect();
    let keys: BTreeSet<_> = stored.keys().copied().chain(counted.keys()).collect();
    keys.into_iter()
        .filter(|key| {
            let counted = counted.get(key).copied().unwrap_or_default();
            stored.get(key).map_or(counted != Histogram::default(), |score| !is_of(score, counted))
        })
        .cloned()
        .collect()
}

/// Whether all numbers of a score are those of this histogram.
pub(crate) fn is_of(score: &Score, counted: Histogram) -> bool {
    score.histogram == counted
        && score.count == counted.count()
        && score.sum == counted.sum()
        && score.mean_micros == counted.mean_micros()
        && score.score_micros == counted.score_micros()
}

/// Whether these are the best of the scores of all time, best first.
pub(crate) fn is_best_first(board: &[Score], scores: &[Score]) -> bool {
    let mut best: Vec<_> = scores.iter().filter(|score| score.key.period == Period::All && score.count > 0).collect();
    best.sort_by_key(|score| (Reverse((score.score_micros, score.count)), &score.key.shop_id));
    board.iter().map(|score| &score.key).eq(best.into_iter().take(board.len().max(1)).map(|score| &score.key))
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::rating::Attribute;

    use super::*;

    fn ratings() -> BTreeMap<RatingKey, RatingItem> {
        let rating = |user: &str, stars: &str, rated_at: &str| {
            let key = RatingKey { shop_id: "a".parse().unwrap(), user_id: user.parse().unwrap() };
            let [stars, rated_at] = [Attribute::Number(stars.to_owned()), Attribute::Text(rated_at.to_owned())];
            (key, RatingItem { stars: Some(stars), rated_at: Some(rated_at) })
        };
        BTreeMap::from([
            rating("u-1", "5", "2026-10-31T23:59:59Z"),
            rating("u-2", "3", "2026-11-01T00:00:00Z"),
            rating("u-3", "6", "2026-11-01T00:00:00Z"),
        ])
    }

    fn key(period: &str) -> ScoreKey {
        ScoreKey { shop_id: "a".parse().unwrap(), period: period.parse().unwrap() }
    }

    fn scores(counted: &BTreeMap<ScoreKey, Histogram>) -> Vec<Score> {
        let score = |(key, histogram): (&ScoreKey, &Histogram)| {
            Score::new(key.clone(), *histogram, 1, None, "2026-11-21T00:00:00Z".parse().unwrap())
        };
        counted.iter().map(score).collect()
    }

    #[test]
    fn what_makes_no_sense_does_not_count() {
        let expected = [("all", [0, 0, 1, 0, 1]), ("2026-10", [0, 0, 0, 0, 1]), ("2026-11", [0, 0, 1, 0, 0])];
        let expected = expected.map(|(period, counts)| (key(period), Histogram::try_from(counts).unwrap()));
        assert_eq!(recount(&ratings()), BTreeMap::from(expected));
    }

    #[test]
    fn every_difference_is_found() {
        let counted = recount(&ratings());
        let scores = scores(&counted);
        assert_eq!(different(&scores, &counted), []);
        assert_eq!(different(&scores[1..], &counted), [scores[0].key.clone()]);
        let mut wrong = scores.clone();
        wrong[2].score_micros += 1;
        assert_eq!(different(&wrong, &counted), [scores[2].key.clone()]);

        let empty = Score::new(key("2026-09"), Histogram::default(), 2, None, scores[0].updated_at);
        let one_too_many =
            Score::new(key("2026-09"), Histogram::try_from([1, 0, 0, 0, 0]).unwrap(), 2, None, scores[0].updated_at);
        assert_eq!(different(&[scores.as_slice(), &[empty]].concat(), &counted), []);
        assert_eq!(different(&[scores.as_slice(), &[one_too_many]].concat(), &counted), [key("2026-09")]);
    }

    #[test]
    fn a_board_is_best_first() {
        let score = |shop: &str, counts: [u64; 5]| {
            let key = ScoreKey { shop_id: shop.parse().unwrap(), period: Period::All };
            Score::new(key, counts.try_into().unwrap(), 1, None, "2026-11-21T00:00:00Z".parse().unwrap())
        };
        let best = ["b", "a", "c"].map(|shop| score(shop, [0, 0, 0, 0, if shop == "b" { 9 } else { 1 }]));
        let empty = score("d", [0; 5]);
        let scores: Vec<_> = best.iter().rev().cloned().chain([empty]).collect();
        assert!(
            is_best_first(&best, &scores) && is_best_first(&best[..2], &scores) && is_best_first(&[], &scores[3..])
        );
        let swapped = [best[0].clone(), best[2].clone(), best[1].clone()];
        assert!(
            !is_best_first(&swapped, &scores) && !is_best_first(&best[1..], &scores) && !is_best_first(&[], &scores)
        );
    }
}
