//! The best shops as the command says, beside the best as counted elsewhere, for people.

use anyhow::{Context as _, Result};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::score::Score;
use serde::Deserialize;

use super::stream::Shop;

/// A line of `coffeeshop scores top --json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    place: usize,
    #[serde(flatten)]
    score: Score,
}

/// Reads what the command says.
pub(crate) fn rows(lines: &[String]) -> Result<Vec<Row>> {
    let row = |line: &String| serde_json::from_str(line).with_context(|| format!("not a line of a board: {line}"));
    lines.iter().map(row).collect()
}

/// The boards side by side, a line a place, and whether they are the same. `by` says where the second is from.
pub(crate) fn side_by_side(
    stored: &[Row],
    counted: &[(ShopId, Histogram)],
    by: &str,
    shops: &[Shop],
) -> (String, bool) {
    let numbers = format!("{:>7}  {:>8}  {:>8}", "ratings", "mean", "score");
    let mut lines = vec![
        format!("    {:<41}   {by}", "by the command"),
        format!("    {:<13} {numbers}   {:<13} {numbers}", "shop", "shop"),
    ];
    let name = |id: &ShopId| shops.iter().find(|shop| shop.id == *id).map_or("?", |shop| shop.name);
    let nothing = || format!("{:<13} {:>27}", "-", "");
    let mut same = true;
    for position in 0..stored.len().max(counted.len()) {
        let (stored, counted) = (stored.get(position), counted.get(position));
        let is_right = stored.zip(counted).is_some_and(|(row, (shop, histogram))| {
            row.place == position + 1 && row.score.key.shop_id == *shop && is_of(&row.score, *histogram)
        });
        same &= is_right;
        let left = stored.map_or_else(nothing, |Row { score, .. }| {
            let numbers = cells(score.count, score.mean_micros, score.score_micros);
            format!("{:<13} {numbers}", name(&score.key.shop_id))
        });
        let right = counted.map_or_else(nothing, |(shop, histogram)| {
            let numbers = cells(histogram.count(), histogram.mean_micros(), histogram.score_micros());
            format!("{:<13} {numbers}", name(shop))
        });
        let remark = if is_right { "" } else { "  DIFFERENT" };
        lines.push(format!("{:>2}  {left}   {right}{remark}", position + 1));
    }
    (lines.join("\n") + "\n", same)
}

/// Whether all numbers of a score are those of this histogram.
fn is_of(score: &Score, counted: Histogram) -> bool {
    score.histogram == counted
        && score.count == counted.count()
        && score.sum == counted.sum()
        && score.mean_micros == counted.mean_micros()
        && score.score_micros == counted.score_micros()
}

fn cells(count: u64, mean_micros: Option<u64>, score_micros: u64) -> String {
    let mean = mean_micros.map(stars).unwrap_or_default();
    format!("{count:>7}  {mean:>8}  {:>8}", stars(score_micros))
}

/// Millionths as a decimal.
pub(super) fn stars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::period::Period;
    use coffeeshop_core::score::ScoreKey;

    use super::*;

    const BY: &str = "recounted from ratings";

    fn row(place: usize, shop: &Shop, counts: [u64; 5]) -> Row {
        let key = ScoreKey { shop_id: shop.id.clone(), period: Period::All };
        let at = "2026-11-21T00:00:00Z".parse().unwrap();
        let score = Score::new(key, counts.try_into().unwrap(), 1, Some(shop.city.clone()), at);
        Row { place, score }
    }

    #[test]
    fn a_line_of_the_command_is_read() {
        let shops = super::super::stream::shops().unwrap();
        let mut line = serde_json::to_value(row(1, &shops[0], [0, 0, 0, 1, 30]).score).unwrap();
        line["place"] = 1.into();
        let read = rows(&[line.to_string()]).unwrap();
        assert_eq!((read[0].place, &read[0].score.key.shop_id), (1, &shops[0].id));
        assert!(rows(&["no board".to_owned()]).is_err());
    }

    #[test]
    fn a_difference_is_seen() {
        let shops = super::super::stream::shops().unwrap();
        let (mill, roast) = (&shops[8], &shops[0]);
        let stored = [row(1, mill, [0, 0, 0, 1, 30]), row(2, roast, [1, 0, 0, 0, 1])];
        let counted = |shop: &Shop, counts: [u64; 5]| (shop.id.clone(), Histogram::try_from(counts).unwrap());
        let right = [counted(mill, [0, 0, 0, 1, 30]), counted(roast, [1, 0, 0, 0, 1])];
        assert!(side_by_side(&stored, &right, BY, &shops).1);
        assert!(!side_by_side(&stored, &right[..1], BY, &shops).1 && !side_by_side(&stored[..1], &right, BY, &shops).1);
        let swapped = [row(1, roast, [1, 0, 0, 0, 1]), row(2, mill, [0, 0, 0, 1, 30])];
        assert!(!side_by_side(&swapped, &right, BY, &shops).1);

        let more = [right[0].clone(), counted(roast, [1, 0, 0, 0, 2])];
        let expected = [
            "    by the command                              recounted from ratings",
            "    shop          ratings      mean     score   shop          ratings      mean     score",
            " 1  Old Mill           31  4.967742  4.456765   Old Mill           31  4.967742  4.456765",
            " 2  Corner Roast        2  3.000000  2.064538   Corner Roast        3  3.666667  2.348352  DIFFERENT",
            "",
        ];
        let (table, same) = side_by_side(&stored, &more, BY, &shops);
        assert_eq!(table.split('\n').collect::<Vec<_>>(), expected);
        assert!(!same);
    }
}
