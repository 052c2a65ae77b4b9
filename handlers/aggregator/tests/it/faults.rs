//! Every call fails once, before its effect and after it; and once it is too much at once. Then the batch comes again.

use coffeeshop_aggregator::batch::GIVE_BACK;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::score::ScoreKey;
use coffeeshop_core::testing::{Fault, ScoreWorld};
use futures::executor::block_on;
use jiff::SignedDuration;
use serde_json::Value;

use crate::support::{TIMEOUT_SECONDS, Written, event, given_back, insert, invoke, rating, remove, stars};

const RATED_AT: &str = "2026-11-21T12:00:00Z";

/// Three shops, one of them with more ratings than a transaction holds; a withdrawal and a record that makes no sense.
fn batch() -> Vec<Value> {
    let mut written: Vec<Written> = (0..120)
        .map(|user| insert(user, rating("large", &format!("user-{user}")), stars("4", RATED_AT)))
        .chain([
            insert(120, rating("small", "user-1"), stars("5", RATED_AT)),
            insert(121, rating("small", "user-2"), stars("9", RATED_AT)),
            insert(122, rating("other", "user-1"), stars("2", RATED_AT)),
        ])
        .collect();
    written.push(remove(123, rating("other", "user-1")));
    written.iter().map(Written::json).collect()
}

fn world() -> ScoreWorld {
    let world = ScoreWorld::default();
    world.advance(SignedDuration::from_secs(1_795_255_200));
    world
}

/// Count and sum of each score.
fn scores(world: &ScoreWorld) -> Vec<(ScoreKey, u64, u64)> {
    world.stored_scores().into_values().map(|score| (score.key, score.count, score.sum)).collect()
}

#[test]
fn every_call_may_fail() {
    let event = event(&batch());
    let well = world();
    assert_eq!(given_back(&block_on(invoke(&well, &event, 1)).unwrap()), None);
    let (calls, expected) = (well.calls(), scores(&well));
    assert!(calls > 6, "{:?}", well.take_log());
    for fault in [Fault::Before, Fault::After, Fault::Busy] {
        for call in 0..calls {
            let world = world();
            world.fail(call, fault);
            let first = given_back(&block_on(invoke(&world, &event, 1)).unwrap());
            let failed_call = world.take_log()[call];
            // What was only too much at once is tried again within the invocation; but not the quarantine.
            let expected_back = fault != Fault::Busy || failed_call == "quarantine.send";
            assert_eq!(first.is_some(), expected_back, "{fault:?} at call {call}, {failed_call}");
            if first.is_some() {
                assert_eq!(given_back(&block_on(invoke(&world, &event, 2)).unwrap()), None);
            }
            assert_eq!(scores(&world), expected, "{fault:?} at call {call}, {failed_call}");
            assert!((1..=2).contains(&world.quarantined().len()), "{fault:?} at call {call}, {failed_call}");
            // And once more.
            assert_eq!(given_back(&block_on(invoke(&world, &event, 3)).unwrap()), None);
            assert_eq!(scores(&world), expected, "{fault:?} at call {call}, {failed_call}");
        }
    }
}

#[test]
fn what_is_not_done_is_given_back_from_its_first_record_and_the_rest_is_done() {
    let world = world();
    // The contributions, the scores and the shops are read together; then each shop is committed, in order of its id.
    block_on(invoke(&world, &event(&batch()[120..121]), 1)).unwrap();
    let call = world.take_log().iter().position(|call| *call == "scores.commit").unwrap();

    let shops = [
        insert(200, rating("b", "user-1"), stars("5", RATED_AT)),
        insert(201, rating("a", "user-1"), stars("5", RATED_AT)),
        insert(202, rating("b", "user-2"), stars("4", RATED_AT)),
    ];
    let records: Vec<_> = shops.iter().map(Written::json).collect();
    world.fail(call + 1, Fault::Before);
    let back = given_back(&block_on(invoke(&world, &event(&records), 2)).unwrap());
    assert_eq!(back, Some(shops[0].sequence_number()), "the first of shop b, though a comes first in the alphabet");
    let settled: Vec<_> = scores(&world).into_iter().map(|(key, ..)| key.shop_id.to_string()).collect();
    assert_eq!(settled, ["a", "a", "small", "small"]);
}

#[test]
fn what_is_too_much_at_once_is_tried_until_shortly_before_the_deadline() {
    let (world, records) = (world(), [insert(1, rating("a", "user-1"), stars("5", RATED_AT)).json()]);
    world.fail_always(Some(Fault::Busy));
    let begun = world.now();
    assert!(given_back(&block_on(invoke(&world, &event(&records), 1)).unwrap()).is_some());
    let tried = world.now().duration_since(begun);
    let until = SignedDuration::from_secs(TIMEOUT_SECONDS) - GIVE_BACK;
    assert!(tried <= until && tried > until - SignedDuration::from_secs(2), "{tried:?}");
    assert!(world.calls() > 20, "{}", world.calls());

    world.fail_always(None);
    assert_eq!(given_back(&block_on(invoke(&world, &event(&records), 2)).unwrap()), None);
}

#[test]
fn what_is_wrong_with_the_world_is_given_back_at_once() {
    let (world, records) = (world(), [insert(1, rating("a", "user-1"), stars("5", RATED_AT)).json()]);
    world.fail_always(Some(Fault::Before));
    let begun = world.now();
    assert!(given_back(&block_on(invoke(&world, &event(&records), 1)).unwrap()).is_some());
    assert_eq!((world.now(), world.calls()), (begun, 1));
}
