//! The items of `scores` and `contributions`, attribute by attribute.

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::score::{BOARD_PARTS, City, CityError, RankKey, Score, board_part};
use coffeeshop_core::testing::scores_contract::{contribution, rating, score};
use serde_json::{Value, json};

fn shop() -> ShopId {
    "shop-1".parse().unwrap()
}

#[track_caller]
fn check<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(item: &T, expected: Value) {
    assert_eq!(serde_json::to_value(item).unwrap(), expected);
    assert_eq!(serde_json::from_value::<T>(expected).unwrap(), *item);
}

#[test]
fn a_score_has_what_its_readers_need() {
    check(
        &score(&shop(), "2026-11", 7, 10),
        json!({
            "shop_id": "shop-1",
            "period": "2026-11",
            "count": 10,
            "sum": 50,
            "histogram": [0, 0, 0, 0, 10],
            "mean_micros": 5_000_000,
            "score_micros": 3_818_855,
            "formula": "star-lcb/1",
            "revision": 7,
            "city": "Frankfurt (Oder) #1",
            "updated_at": "2026-10-14T17:46:40.123Z",
            "rank_key": "1181145#999999999989#shop-1",
            "period_part": format!("2026-11#{}", board_part(&shop())),
            "city_period": "Frankfurt (Oder) #1#2026-11",
        }),
    );
}

#[test]
fn a_score_without_ratings_has_no_mean_and_stands_on_no_board() {
    check(
        &score(&shop(), "all", 8, 0),
        json!({
            "shop_id": "shop-1",
            "period": "all",
            "count": 0,
            "sum": 0,
            "histogram": [0, 0, 0, 0, 0],
            "score_micros": 2_047_372,
            "formula": "star-lcb/1",
            "revision": 8,
            "updated_at": "2026-10-14T17:46:40.123Z",
        }),
    );
}

#[test]
fn a_shop_without_a_city_stands_on_the_board_of_the_period_alone() {
    let Score { key, histogram, updated_at, .. } = score(&shop(), "all", 1, 1);
    let item = serde_json::to_value(Score::new(key, histogram, 1, None, updated_at)).unwrap();
    assert!(item.get("city_period").is_none() && item.get("city").is_none());
    assert!(item.get("rank_key").is_some() && item.get("period_part").is_some());
}

#[test]
fn a_contribution_expires_only_while_it_holds_nothing() {
    let fence = "2026-11-21T10:00:00.000/0100000000000000000000000000000000000001";
    let held = contribution(rating(&shop(), 1), None, true);
    check(
        &held,
        json!({
            "shop_id": "shop-1",
            "user_id": "user-1",
            "stars": 5,
            "month": "2026-11",
            "fence": fence,
            "version": 1_792_000_000_123_u64,
        }),
    );
    check::<Contribution>(
        &contribution(rating(&shop(), 1), Some(&held), false),
        json!({
            "shop_id": "shop-1",
            "user_id": "user-1",
            "fence": fence,
            "version": 1_792_000_000_124_u64,
            "expires_at": 1_792_000_000 + 180 * 24 * 60 * 60,
        }),
    );
}

#[test]
fn half_a_contribution_is_not_understood() {
    for part in [json!({ "stars": 5 }), json!({ "month": "2026-11" })] {
        let mut item = serde_json::to_value(contribution(rating(&shop(), 1), None, false)).unwrap();
        item.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        assert!(serde_json::from_value::<Contribution>(item).is_err(), "{part}");
    }
}

#[test]
fn boards_are_in_the_order_of_score_count_and_shop() {
    let key = |shop: &str, counts: [u64; 5]| -> RankKey {
        let Score { key, updated_at, .. } = score(&shop.parse().unwrap(), "all", 1, 1);
        Score::new(key, counts.try_into().unwrap(), 1, None, updated_at).rank.unwrap().rank_key
    };
    let best_first = [
        key("z", [0, 0, 0, 0, 1_000_000]),
        key("y", [0, 0, 0, 0, 9]),
        key("a", [0, 0, 0, 0, 2]),
        key("b", [0, 0, 0, 0, 2]),
        key("a-b", [1, 0, 0, 0, 0]),
        key("c", [9, 0, 0, 0, 0]),
    ];
    assert!(best_first.is_sorted_by(|better, worse| better.as_str() < worse.as_str()), "{best_first:?}");
}

#[test]
fn shops_are_spread_over_the_parts_of_a_board() {
    let mut shops = [0; BOARD_PARTS as usize];
    for i in 0..800 {
        shops[usize::from(board_part(&format!("shop-{i}").parse().unwrap()))] += 1;
    }
    assert!(shops.iter().all(|shops| (60..140).contains(shops)), "{shops:?}");
    assert_eq!(board_part(&shop()), 1, "it must never change for a shop");
}

#[test]
fn a_city_can_be_the_key_of_an_index() {
    for city in ["Zürich", "a", "São Paulo #2", &"x".repeat(256)] {
        assert_eq!(city.parse::<City>().unwrap().to_string(), city);
    }
    for city in ["", "a\nb", "a\u{FFFE}", "\u{FFFF}b", &"x".repeat(257), &"ü".repeat(129)] {
        assert_eq!(city.parse::<City>(), Err(CityError::Text { bytes: city.len() }), "{city:?}");
    }
    assert_eq!("global".parse::<City>(), Err(CityError::Global));
    assert!(serde_json::from_value::<City>(json!("global")).is_err());
    for city in ["Global", "global ", "globals", "\u{FFFD}", "😀"] {
        assert_eq!(city.parse::<City>().unwrap().to_string(), city);
    }
}

#[test]
fn the_score_in_the_contract_is_what_its_histogram_makes() {
    let contract = include_str!("../../../CONTRACT.md");
    let examples = contract.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let scores: Vec<Score> = examples
        .filter(|example| example.contains("\"histogram\""))
        .map(|example| serde_json::from_str(example).unwrap())
        .collect();
    let [score] = scores.as_slice() else { panic!("there is one example, not {}", scores.len()) };
    let Score { key, histogram, revision, city, updated_at, .. } = score.clone();
    assert_eq!(*score, Score::new(key, histogram, revision, city, updated_at));
}
