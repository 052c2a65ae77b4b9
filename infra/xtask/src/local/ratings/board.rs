//! The best shops, and whether their scores are right, for people.

use std::collections::BTreeMap;

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::score::{Score, ScoreKey};

use super::recount::is_of;
use super::stream::Shop;

/// A line a shop, in the order of the index, the score as stored beside its recount.
pub(crate) fn of(board: &[Score], counted: &BTreeMap<ScoreKey, Histogram>, shops: &[Shop]) -> String {
    let numbers = format!("{:>7}  {:>8}  {:>8}", "ratings", "mean", "score");
    let mut lines = vec![
        format!("{:30}{:>27}   {:>27}", "", "stored in scores", "recounted from ratings"),
        format!("{:>2}  {:<13} {:<11}  {numbers}   {numbers}", "", "shop", "city"),
    ];
    for (score, place) in board.iter().zip(1..) {
        let counted = counted.get(&score.key).copied().unwrap_or_default();
        let name = shops.iter().find(|shop| shop.id == score.key.shop_id).map_or("?", |shop| shop.name);
        let city = score.city.as_ref().map(ToString::to_string).unwrap_or_default();
        let stored = cells(score.count, score.mean_micros, score.score_micros);
        let recounted = cells(counted.count(), counted.mean_micros(), counted.score_micros());
        let remark = if is_of(score, counted) { "" } else { "  DIFFERENT" };
        lines.push(format!("{place:>2}  {name:<13} {city:<11}  {stored}   {recounted}{remark}"));
    }
    lines.join("\n") + "\n"
}

fn cells(count: u64, mean_micros: Option<u64>, score_micros: u64) -> String {
    let mean = mean_micros.map(stars).unwrap_or_default();
    format!("{count:>7}  {mean:>8}  {:>8}", stars(score_micros))
}

/// Millionths as a decimal.
fn stars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_seen() {
        let shops = super::super::stream::shops().unwrap();
        let score = |shop: usize, counts: [u64; 5]| {
            let key = ScoreKey { shop_id: shops[shop].id.clone(), period: "all".parse().unwrap() };
            let city = Some(shops[shop].city.clone());
            Score::new(key, counts.try_into().unwrap(), 1, city, "2026-11-21T00:00:00Z".parse().unwrap())
        };
        let board = [score(8, [0, 0, 0, 1, 30]), score(0, [1, 0, 0, 0, 1])];
        let counted = BTreeMap::from([
            (board[0].key.clone(), Histogram::try_from([0, 0, 0, 1, 30]).unwrap()),
            (board[1].key.clone(), Histogram::try_from([1, 0, 0, 0, 2]).unwrap()),
        ]);
        let expected = [
            "                                         stored in scores        recounted from ratings",
            "    shop          city         ratings      mean     score   ratings      mean     score",
            " 1  Old Mill      Brookfield        31  4.967742  4.456765        31  4.967742  4.456765",
            " 2  Corner Roast  Eastmere           2  3.000000  2.064538         3  3.666667  2.348352  DIFFERENT",
            "",
        ];
        assert_eq!(of(&board, &counted, &shops).split('\n').collect::<Vec<_>>(), expected);
    }
}
