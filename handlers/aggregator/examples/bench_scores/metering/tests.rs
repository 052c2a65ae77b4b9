//! Hand-computed items and calls.

use coffeeshop_core::fence::Fence;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Month;
use coffeeshop_core::rating::Held;
use futures::executor::block_on;
use jiff::Timestamp;

use super::*;
use crate::memory::Memory;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>().into()
}

#[test]
fn an_item_is_its_names_and_values() {
    let list = AttributeValue::L(["1", "0", "20", "100", "12345"].map(number).into());
    for (attribute, expected) in [
        (("shop_id", text("kaffee-7")), 7 + 8),
        (("city", text("Köln")), 4 + 5),
        (("count", number("120")), 5 + 1 + 1),
        (("mean_micros", number("4512345")), 11 + 4 + 1),
        (("low", number("-0.0010")), 3 + 1 + 1),
        (("histogram", list), 9 + 3 + 5 + (2 + 1 + 2 + 2 + 4)),
        (("map", AttributeValue::M(HashMap::from([("a".to_owned(), text("bc"))]))), 3 + 3 + 1 + 1 + 2),
        (("flag", AttributeValue::Bool(true)), 4 + 1),
    ] {
        assert_eq!(bytes(&item([attribute.clone()])), expected, "{attribute:?}");
    }
}

#[test]
fn a_write_is_a_unit_a_kilobyte_of_the_larger_item() {
    let of = |bytes: usize| item([("a", text(&"x".repeat(bytes - 1)))]);
    for (before, after, units) in
        [(None, 1, 1), (None, 1024, 1), (None, 1025, 2), (Some(3000), 10, 3), (Some(10), 2048, 2)]
    {
        assert_eq!(write_units(before.map(of).as_ref(), &of(after)), units, "{before:?} to {after}");
    }
    for (bytes, units) in [(1, 1), (4096, 1), (4097, 2)] {
        assert_eq!(read_units(Some(&of(bytes))), units, "{bytes}");
    }
    assert_eq!(read_units(None), 1);
}

#[test]
fn an_index_follows_its_keys() {
    let (outside, first) = (item([("a", text("x"))]), item([("city", text("x")), ("rank", text("1"))]));
    let changed = item([("city", text("x")), ("rank", text("1")), ("count", number("2"))]);
    let moved = item([("city", text("x")), ("rank", text("2"))]);
    for (before, after, units) in [
        (None, &outside, 0),
        (None, &first, 1),
        (Some(&outside), &first, 1),
        (Some(&first), &first, 0),
        (Some(&first), &changed, 1),
        (Some(&first), &moved, 2),
        (Some(&first), &outside, 1),
    ] {
        assert_eq!(index_units(&["city", "rank"], before, after), units, "{before:?} to {after:?}");
    }
}

fn transaction(revision: u64) -> Transaction {
    let (shop_id, now) = ("shop-1".parse::<ShopId>().unwrap(), Timestamp::UNIX_EPOCH);
    let rating = RatingKey { shop_id: shop_id.clone(), user_id: format!("user-{revision}").parse().unwrap() };
    let fence = Fence::new("arn:aws:dynamodb:::table/ratings/stream/2026-11-21T10:00:00.000", "1").unwrap();
    let held = Held { stars: 5.try_into().unwrap(), month: Month::new(2026, 11).unwrap() };
    let score = |period: &str| {
        let key = ScoreKey { shop_id: shop_id.clone(), period: period.parse().unwrap() };
        let city = Some("Lindenstadt".parse().unwrap());
        Replacement {
            item: Score::new(key, Histogram::try_from([0, 0, 0, 0, revision]).unwrap(), revision, city, now),
            replaces: (revision > 1).then(|| revision - 1),
        }
    };
    let item = Contribution::after(None, rating, fence, Some(held), now);
    Transaction {
        contributions: vec![Replacement { item, replaces: None }],
        scores: vec![score("all"), score("2026-11")],
    }
}

#[test]
fn calls_are_billed() {
    let memory = Memory::default();
    let metered = Metered::new(&memory);
    let (first, second) = (transaction(1), transaction(2));

    // Three items, twice each; two scores come into two indexes.
    assert_eq!(block_on(metered.commit(&first)).unwrap(), Put::Stored);
    assert_eq!(metered.take(), Units { writes: 3 * 2 + 2 * 2, reads: 0 });
    // In each index one goes and one comes.
    assert_eq!(block_on(metered.commit(&second)).unwrap(), Put::Stored);
    assert_eq!(metered.take(), Units { writes: 3 * 2 + 2 * 2 * 2, reads: 0 });
    assert_eq!(block_on(metered.commit(&second)).unwrap(), Put::LostRace);
    assert_eq!(metered.take(), Units { writes: 3 * 2, reads: 0 });

    let ratings = [first.contributions[0].item.rating.clone(), second.contributions[0].item.rating.clone()];
    let scores = [first.scores[0].item.key.clone()];
    block_on(metered.contributions(&ratings)).unwrap();
    block_on(metered.scores(&scores)).unwrap();
    block_on(metered.cities(&[ratings[0].shop_id.clone()])).unwrap();
    assert_eq!(metered.take(), Units { writes: 0, reads: 2 + 1 + 1 });
    block_on(metered.one_moment(&ratings, &scores)).unwrap();
    assert_eq!(metered.take(), Units { writes: 0, reads: 2 * 3 });
}
