//! What the scores and boards should be: counted from the ratings alone, the simplest way.
//!
//! Shares with the aggregator and the operator's command only what a rating holds, and the formula.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::rating::{Held, RatingItem, RatingKey, held};

/// Every shop that has a rating in the period.
pub(crate) fn recount(ratings: &BTreeMap<RatingKey, RatingItem>, period: Period) -> BTreeMap<ShopId, Histogram> {
    let mut counted = BTreeMap::<_, Histogram>::new();
    for (RatingKey { shop_id, .. }, item) in ratings {
        let Ok(Held { stars, month }) = held(item) else { continue };
        if [Period::All, Period::Month(month)].contains(&period) {
            counted.entry(shop_id.clone()).or_default().add(stars);
        }
    }
    counted
}

/// The best of them, best first.
pub(crate) fn board(counted: BTreeMap<ShopId, Histogram>, limit: usize) -> Vec<(ShopId, Histogram)> {
    let mut board: Vec<_> = counted.into_iter().collect();
    board.sort_by_key(|(shop, histogram)| (Reverse((histogram.score_micros(), histogram.count())), shop.clone()));
    board.truncate(limit);
    board
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

    #[test]
    fn what_makes_no_sense_does_not_count() {
        for (period, counts) in [("all", [0, 0, 1, 0, 1]), ("2026-10", [0, 0, 0, 0, 1]), ("2026-11", [0, 0, 1, 0, 0])] {
            let expected = BTreeMap::from([("a".parse().unwrap(), Histogram::try_from(counts).unwrap())]);
            assert_eq!(recount(&ratings(), period.parse().unwrap()), expected, "{period}");
        }
        assert_eq!(recount(&ratings(), "2026-12".parse().unwrap()), BTreeMap::new());
    }

    #[test]
    fn a_board_is_best_first() {
        let shop = |id: &str, counts: [u64; 5]| (id.parse().unwrap(), Histogram::try_from(counts).unwrap());
        let best = [shop("b", [0, 0, 0, 0, 9]), shop("a", [0, 0, 0, 0, 1]), shop("c", [0, 0, 0, 0, 1])];
        let counted: BTreeMap<ShopId, Histogram> = best.iter().rev().cloned().collect();
        assert_eq!(board(counted.clone(), 3), best);
        assert_eq!(board(counted, 2), best[..2]);
    }
}
