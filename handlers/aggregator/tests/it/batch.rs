//! What becomes of a batch: groups, replaced records, drift, races, and what is set aside.

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::{Fault, ScoreWorld};
use futures::executor::block_on;
use serde_json::{Value, json};

use crate::support::{Written, event, given_back, insert, invoke, rating, remove, stars};

const RATED_AT: &str = "2026-11-21T12:00:00Z";

#[track_caller]
fn deliver(world: &ScoreWorld, written: &[Written]) -> Option<String> {
    let records: Vec<_> = written.iter().map(Written::json).collect();
    given_back(&block_on(invoke(world, &event(&records), 1)).unwrap())
}

fn key(shop: &str, period: &str) -> ScoreKey {
    ScoreKey { shop_id: shop.parse().unwrap(), period: period.parse().unwrap() }
}

fn counts(world: &ScoreWorld, shop: &str, period: &str) -> [u64; 5] {
    world.stored_scores()[&key(shop, period)].histogram.counts()
}

fn reasons(world: &ScoreWorld) -> Vec<&'static str> {
    world.quarantined().iter().map(|sent| sent.reason.code).collect()
}

#[test]
fn the_last_change_of_a_rating_counts_whatever_the_order() {
    let world = ScoreWorld::default();
    let user = || rating("shop", "user-1");
    let second = insert(2, user(), stars("2", RATED_AT));
    assert_eq!(deliver(&world, &[second, insert(1, user(), stars("5", RATED_AT))]), None);
    assert_eq!(counts(&world, "shop", "all"), [0, 1, 0, 0, 0]);
    assert_eq!(deliver(&world, &[insert(1, user(), stars("5", RATED_AT))]), None);
    assert_eq!(counts(&world, "shop", "all"), [0, 1, 0, 0, 0], "what came late changes nothing");
    let calls = world.take_log();
    assert_eq!(calls.last(), Some(&"contributions.get"), "not even a read of scores: {calls:?}");
}

#[test]
fn one_transaction_settles_a_hot_shop() {
    let world = ScoreWorld::default();
    let written: Vec<_> =
        (0..98).map(|user| insert(user, rating("shop", &format!("u{user}")), stars("4", RATED_AT))).collect();
    assert_eq!(deliver(&world, &written), None);
    let calls = world.take_log();
    assert_eq!(calls, ["contributions.get", "scores.get", "shops.get", "scores.commit"]);
}

#[test]
fn a_record_that_makes_no_sense_is_set_aside_also_when_a_later_one_replaces_it() {
    let world = ScoreWorld::default();
    let user = || rating("shop", "user-1");
    let batch = [
        insert(1, user(), stars("6", RATED_AT)),
        insert(2, user(), stars("5", "soon")),
        insert(3, user(), stars("5", RATED_AT)),
    ];
    assert_eq!(deliver(&world, &batch), None);
    assert_eq!(counts(&world, "shop", "all"), [0, 0, 0, 0, 1]);
    assert_eq!(reasons(&world), ["wrong_stars", "not_a_date"]);
    let first = &world.quarantined()[0];
    assert_eq!(serde_json::from_str::<Value>(&first.body).unwrap(), json!({ "Records": [batch[0].json()] }));
    assert_eq!(first.event_id, Some(batch[0].event_id()));
    assert_eq!(deliver(&world, &batch), None);
    assert_eq!(reasons(&world).len(), 4, "on each delivery");
}

#[test]
fn a_rating_that_stops_making_sense_holds_nothing() {
    let world = ScoreWorld::default();
    let user = || rating("shop", "user-1");
    assert_eq!(deliver(&world, &[insert(1, user(), stars("5", RATED_AT))]), None);
    assert_eq!(deliver(&world, &[insert(2, user(), stars("0", RATED_AT))]), None);
    let score = &world.stored_scores()[&key("shop", "all")];
    assert_eq!((score.count, score.mean_micros, score.rank.clone()), (0, None, None), "the item stays, on no board");
}

#[test]
fn what_cannot_be_set_aside_comes_again() {
    let batch = [insert(1, rating("a", "u"), stars("5", RATED_AT)), insert(2, rating("b", "u"), json!({}))];
    let (dry, world) = (ScoreWorld::default(), ScoreWorld::default());
    deliver(&dry, &batch);
    world.fail(dry.take_log().iter().position(|call| *call == "quarantine.send").unwrap(), Fault::Before);
    assert_eq!(deliver(&world, &batch), Some(batch[1].sequence_number()));
    assert_eq!(counts(&world, "a", "all"), [0, 0, 0, 0, 1], "the others are done");
    assert_eq!(reasons(&world), [""; 0]);
}

#[test]
fn the_city_is_the_one_that_was_first_known() {
    let world = ScoreWorld::default();
    let city = |world: &ScoreWorld| world.stored_scores()[&key("shop", "all")].city.as_ref().map(ToString::to_string);
    let rate = |user: u64| insert(user, rating("shop", &format!("u{user}")), stars("5", RATED_AT));
    deliver(&world, &[rate(1)]);
    assert_eq!(city(&world), None, "nobody knows the shop");
    world.open_shop(&"shop".parse().unwrap(), &"Turin".parse().unwrap());
    deliver(&world, &[rate(2)]);
    assert_eq!(city(&world).as_deref(), Some("Turin"), "that it was unknown is not remembered");
    world.open_shop(&"shop".parse().unwrap(), &"Milan".parse().unwrap());
    deliver(&world, &[rate(3)]);
    assert_eq!(city(&world).as_deref(), Some("Turin"));
}

#[test]
fn drift_is_set_aside_from_a_view_of_one_moment_and_the_others_go_on() {
    let world = ScoreWorld::default();
    let users: Vec<_> = (1..=3).map(|user| rating("shop", &format!("u{user}"))).collect();
    let rate = |number: u64, user: usize, given: &str| insert(number, users[user].clone(), stars(given, RATED_AT));
    deliver(&world, &[rate(1, 0, "5"), rate(2, 1, "5"), rate(3, 2, "3")]);
    // Somebody wrote a score that lost one of the fives.
    let score = world.stored_scores()[&key("shop", "all")].clone();
    let Score { key: all, revision, city, updated_at, .. } = score;
    world.put_score(Score::new(all, Histogram::try_from([0, 0, 1, 0, 1]).unwrap(), revision + 1, city, updated_at));

    world.open_shop(&"shop".parse().unwrap(), &"Turin".parse().unwrap());
    world.take_log();
    let december = insert(7, rating("shop", "u4"), stars("2", "2026-12-01T00:00:00Z"));
    assert_eq!(deliver(&world, &[rate(4, 2, "4"), rate(5, 0, "1"), remove(6, users[1].clone()), december]), None);
    assert_eq!(reasons(&world), ["drift"]);
    assert_eq!(world.quarantined()[0].event_id, Some(remove(6, users[1].clone()).event_id()));
    assert_eq!(counts(&world, "shop", "all"), [1, 1, 0, 1, 0]);
    assert_eq!(counts(&world, "shop", "2026-11"), [1, 0, 0, 1, 1], "nothing of the change was done");
    assert!(world.stored_scores()[&key("shop", "2026-12")].city.is_some());
    let calls = world.take_log();
    assert!(calls.contains(&"scores.one_moment"), "{calls:?}");
    assert_eq!(calls.iter().filter(|call| **call == "scores.commit").count(), 2, "{calls:?}");
    // The contribution holds what it held, and knows the change: neither it nor one before it comes back.
    assert_eq!(u8::from(world.stored_contributions()[&users[1]].held().unwrap().stars), 5);
    assert_eq!(deliver(&world, &[remove(6, users[1].clone()), rate(2, 1, "5")]), None);
    assert_eq!(reasons(&world), ["drift"]);
}

#[test]
fn a_large_group_with_drift_is_settled_piece_by_piece() {
    let world = ScoreWorld::default();
    let rate = |number: u64, user: u64, given: &str| {
        insert(number, rating("shop", &format!("u{user}")), stars(given, RATED_AT))
    };
    let first: Vec<_> = (0..250).map(|user| rate(user, user, "5")).collect();
    deliver(&world, &first);
    let score = world.stored_scores()[&key("shop", "2026-11")].clone();
    let Score { key: month, revision, city, updated_at, .. } = score;
    world.put_score(Score::new(month, Histogram::try_from([0, 0, 0, 0, 240]).unwrap(), revision + 1, city, updated_at));
    let second: Vec<_> = (0..250).map(|user| rate(1000 + user, user, "4")).collect();
    assert_eq!(deliver(&world, &second), None);
    assert_eq!(reasons(&world), ["drift"; 10]);
    let events: Vec<_> = world.quarantined().into_iter().filter_map(|sent| sent.event_id).collect();
    let last: Vec<_> = second[240..].iter().map(Written::event_id).collect();
    assert_eq!(events, last, "the records of those that were left when the score had no more fives");
    assert_eq!(counts(&world, "shop", "2026-11"), [0, 0, 0, 240, 0]);
    assert_eq!(counts(&world, "shop", "all"), [0, 0, 0, 240, 10]);
}

#[test]
fn drift_that_cannot_be_set_aside_comes_again() {
    let world = ScoreWorld::default();
    let rate = |number: u64, given: &str| insert(number, rating("shop", "u"), stars(given, RATED_AT));
    deliver(&world, &[rate(1, "5")]);
    let Score { key: all, revision, city, updated_at, .. } = world.stored_scores()[&key("shop", "all")].clone();
    world.put_score(Score::new(all, Histogram::default(), revision + 1, city, updated_at));
    world.take_log();
    assert_eq!(deliver(&world, &[rate(2, "4")]), None);
    let sends = world.take_log().iter().position(|call| *call == "quarantine.send").unwrap();
    for call in [sends, sends + 1] {
        world.fail(call, Fault::Before);
        assert_eq!(deliver(&world, &[rate(3, "3")]), Some(rate(3, "3").sequence_number()));
    }
    assert_eq!(reasons(&world).len(), 2, "it is there, but the contribution does not know it");
    assert_eq!(deliver(&world, &[rate(3, "3")]), None);
    assert_eq!((reasons(&world).len(), deliver(&world, &[rate(3, "3")])), (3, None));
    assert_eq!(reasons(&world).len(), 3);
}

#[test]
fn an_item_that_cannot_be_understood_gives_its_shop_back_and_holds_up_no_other_change() {
    let world = ScoreWorld::default();
    let rate = |number: u64, shop: &str, month: u8| {
        insert(number, rating(shop, &format!("u{number}")), stars("5", &format!("2026-{month}-01T00:00:00Z")))
    };
    world.spoil(Some(key("spoilt", "2026-11")));
    let batch = [rate(1, "good", 11), rate(2, "spoilt", 12), rate(3, "spoilt", 11)];
    let first_of_the_shop = Some(batch[1].sequence_number());
    assert_eq!(deliver(&world, &batch), first_of_the_shop);
    assert_eq!(counts(&world, "good", "all"), [0, 0, 0, 0, 1]);
    assert_eq!(counts(&world, "spoilt", "all"), [0, 0, 0, 0, 1], "of the month that can be understood");

    // Also when the shop is settled from views of one moment.
    let Score { key: all, revision, city, updated_at, .. } = world.stored_scores()[&key("spoilt", "all")].clone();
    world.put_score(Score::new(all, Histogram::default(), revision + 1, city, updated_at));
    let again = [remove(4, rating("spoilt", "u2")), rate(3, "spoilt", 11)];
    assert_eq!(deliver(&world, &again), Some(again[0].sequence_number()));
    assert_eq!(reasons(&world), ["drift"]);

    world.spoil(None);
    assert_eq!(deliver(&world, &batch), None);
    assert_eq!(counts(&world, "spoilt", "2026-11"), [0, 0, 0, 0, 1]);
}

#[test]
fn what_is_given_back_begins_with_the_first_record_of_the_shop_also_with_one_that_was_replaced() {
    let world = ScoreWorld::default();
    let rate = |number: u64, shop: &str, user: &str| insert(number, rating(shop, user), stars("5", RATED_AT));
    let batch = [rate(1, "b", "u"), rate(2, "a", "u"), rate(3, "b", "v"), rate(4, "a", "u")];
    deliver(&world, &[rate(0, "c", "u")]);
    let reads = world.take_log().iter().position(|call| *call == "scores.commit").unwrap();
    world.fail(reads, Fault::Before);
    assert_eq!(deliver(&world, &batch), Some(batch[1].sequence_number()), "the first commit is that of shop a");
}

#[test]
fn a_record_that_was_set_aside_without_its_images_holds_up_nobody_when_it_is_replayed() {
    let world = ScoreWorld::default();
    let mut large = stars("6", RATED_AT);
    large["comment"]["S"] = "x".repeat(1 << 20).into();
    assert_eq!(deliver(&world, &[insert(1, rating("shop", "u"), large)]), None);
    let sent: Value = serde_json::from_str(&world.quarantined()[0].body).unwrap();
    let records = [sent["Records"][0].clone(), insert(2, rating("shop", "v"), stars("5", RATED_AT)).json()];
    assert_eq!(given_back(&block_on(invoke(&world, &event(&records), 2)).unwrap()), None);
    assert_eq!(reasons(&world), ["wrong_stars", "no_image"]);
    assert_eq!(counts(&world, "shop", "all"), [0, 0, 0, 0, 1]);
}

#[test]
fn a_rating_that_is_read_otherwise_since_a_correction_counts_when_it_is_touched() {
    let world = ScoreWorld::default();
    let rate = |number: u64, given: &str| insert(number, rating("shop", "u"), stars(given, RATED_AT));
    // As a version that could not read such stars left it.
    deliver(&world, &[rate(7, "+")]);
    assert_eq!(deliver(&world, &[rate(7, "5")]), None);
    assert_eq!(world.stored_scores(), [].into(), "the same record says nothing new");
    assert_eq!(deliver(&world, &[rate(8, "5")]), None);
    assert_eq!(counts(&world, "shop", "all"), [0, 0, 0, 0, 1]);
}

#[test]
fn no_records_are_no_work() {
    let world = ScoreWorld::default();
    assert_eq!(given_back(&block_on(invoke(&world, &event(&[]), 1)).unwrap()), None);
    assert_eq!(world.calls(), 0);
}
