//! What `verify` finds, what it takes for lag, and what it cannot say.

use coffeeshop_core::ledger::Change;
use coffeeshop_core::ports::{Clock as _, HALF_SEEN_MAX, PortError};
use coffeeshop_core::rating::held;
use coffeeshop_core::testing::{Fault, ScoreWorld};
use coffeeshop_operator::difference::Difference;
use coffeeshop_operator::verify::{LOOK_AGAIN_AFTER, Verified, verify_shop};
use futures::executor::block_on;
use jiff::SignedDuration;

use crate::hot::{Hot, Meanwhile};
use crate::world::{DAMAGES, Found, fence, item, key, rate, rating, shop, world};

fn verify(world: &ScoreWorld) -> (Verified, Vec<String>) {
    let found = Found::default();
    let verified = block_on(verify_shop(world, world, &shop(), &|difference| found.push(difference))).unwrap();
    (verified, found.take())
}

#[test]
fn what_is_right_agrees() {
    let world = world();
    let (verified, found) = verify(&world);
    assert_eq!(found, [""; 0]);
    assert_eq!(verified, Verified { ratings: 8, scores: 4, ..Verified::default() });
    let (before, log) = (world.now(), world.take_log());
    assert!(!log.contains(&"scores.commit"), "{log:?}");
    verify(&world);
    assert_eq!(world.now(), before, "nothing is waited for");
}

#[test]
fn each_kind_of_damage_is_found() {
    for (damage, inflict, expected) in DAMAGES {
        let world = world();
        inflict(&world);
        let (before, (verified, found)) = (world.now(), verify(&world));
        assert_eq!(found, expected, "{damage}");
        assert_eq!((verified.differences, verified.under_way, verified.busy), (expected.len() as u64, 0, false));
        // What may be under way is given time.
        let waited = world.now().duration_since(before);
        let all: SignedDuration = LOOK_AGAIN_AFTER.iter().map(|pause| SignedDuration::try_from(*pause).unwrap()).sum();
        let least = if found.iter().all(|line| line.starts_with("score")) { SignedDuration::ZERO } else { all };
        // And so is half of a transaction.
        let most = least + SignedDuration::try_from(HALF_SEEN_MAX).unwrap();
        assert!((least..=most).contains(&waited), "{damage}: {waited:?}");
    }
}

#[test]
fn an_unknown_shop_has_nothing() {
    let (world, nobody) = (world(), "nobody".parse().unwrap());
    let verified = block_on(verify_shop(&world, &world, &nobody, &|difference| panic!("{difference:?}"))).unwrap();
    assert_eq!(verified, Verified::default());
}

#[test]
fn a_score_that_cannot_be_understood_is_said_and_hides_no_other() {
    let world = world();
    world.spoil(Some(key("2026-10")));
    crate::world::edit_score(&world, "all", |score| score.sum += 1);
    let (verified, found) = verify(&world);
    assert_eq!(found, ["score all Derived", "unreadable scores.get: spoilt"]);
    assert_eq!((verified.differences, verified.scores), (2, 4));
}

fn verify_while(
    world: &ScoreWorld,
    then: impl Fn(&ScoreWorld, usize) -> Vec<Change> + Sync,
) -> Result<(Verified, Vec<String>), PortError> {
    let found = Found::default();
    let clock = Meanwhile::new(world, then);
    let verified = block_on(verify_shop(world, &clock, &shop(), &|difference| found.push(difference)))?;
    Ok((verified, found.take()))
}

#[test]
fn a_record_under_way_is_no_drift() {
    for arrives in 0..LOOK_AGAIN_AFTER.len() {
        let world = world();
        let rated = item("2", "2026-11-20");
        world.put_rating(rating("user-0"), rated.clone());
        let change = Change { rating: rating("user-0"), fence: Some(fence(200)), held: held(&rated).ok() };
        let deliver = |_: &ScoreWorld, sleep: usize| if sleep == arrives { vec![change.clone()] } else { Vec::new() };
        let (verified, found) = verify_while(&world, deliver).unwrap();
        assert_eq!((found.len(), verified.differences, verified.under_way), (0, 0, 0), "{arrives}");
    }
}

#[test]
fn a_rating_that_moves_at_every_look_is_under_way() {
    let world = world();
    world.put_rating(rating("user-0"), item("2", "2026-11-20"));
    let edit = |world: &ScoreWorld, sleep: usize| {
        world.put_rating(rating("user-0"), item(&(sleep % 4 + 1).to_string(), "2026-11-20"));
        Vec::new()
    };
    let (verified, found) = verify_while(&world, edit).unwrap();
    assert_eq!((found.len(), verified.under_way, verified.differences), (0, 1, 0));
}

#[test]
fn a_rating_that_moved_and_then_stood_still_is_drift() {
    let world = world();
    world.put_rating(rating("user-0"), item("2", "2026-11-20"));
    let edit = |world: &ScoreWorld, sleep: usize| {
        if sleep == 1 {
            world.put_rating(rating("user-0"), item("3", "2026-11-20"));
        }
        Vec::new()
    };
    let (verified, found) = verify_while(&world, edit).unwrap();
    assert_eq!((verified.under_way, found.last().unwrap().as_str()), (0, "user-0 5@2026-11 3@2026-11"), "{found:?}");
}

#[test]
fn drift_that_comes_right_leaves_no_score_wrong() {
    // Another rating holds the same, so that what came right could be taken away from the scores once more.
    for others in [0, 1] {
        let world = world();
        for other in 0..others {
            block_on(rate(&world, &format!("other-{other}"), 300 + other, item("5", "2026-11-01")));
        }
        let edited = item("1", "2026-11-01");
        world.put_rating(rating("user-0"), edited.clone());
        let change = Change { rating: rating("user-0"), fence: Some(fence(400)), held: held(&edited).ok() };
        // The scores are looked at twice, because they were just written.
        let deliver = |_: &ScoreWorld, sleep: usize| {
            if sleep == LOOK_AGAIN_AFTER.len() { vec![change.clone()] } else { Vec::new() }
        };
        crate::world::edit_score(&world, "2026-10", |score| score.updated_at = world.now());
        let (verified, found) = verify_while(&world, deliver).unwrap();
        assert_eq!((found, verified.busy), (vec!["user-0 5@2026-11 1@2026-11".to_owned()], false), "{others}");
    }
}

#[test]
fn drift_of_the_same_kind_counts_each_time() {
    let world = world();
    for user in ["user-91", "user-92"] {
        world.put_rating(rating(user), item("2", "2026-08-01"));
    }
    let counted = std::cell::Cell::new(None);
    let found = |difference: Difference| {
        if let Difference::Score { difference, .. } = difference {
            counted.set(Some(difference.counted.count));
        }
    };
    block_on(verify_shop(&world, &world, &shop(), &found)).unwrap();
    assert_eq!(counted.get(), Some(2), "both in August, which comes last");
}

#[test]
fn a_contribution_that_cannot_be_understood_is_said_once_and_no_score_is_judged_without_it() {
    let world = world();
    world.spoil_contribution(Some(rating("user-3")));
    world.put_rating(rating("user-77"), item("2", "2026-08-01"));
    let (verified, found) = verify(&world);
    assert_eq!(found, ["unreadable contributions.query: spoilt", "user-77 - 2@2026-08"]);
    assert_eq!((verified.differences, verified.scores), (2, 4));
}

#[test]
fn what_cannot_be_understood_any_more_is_not_passed_over() {
    // When it is looked at again.
    let world = world();
    world.put_rating(rating("user-0"), item("2", "2026-11-20"));
    let spoil = |world: &ScoreWorld, _| {
        world.spoil_contribution(Some(rating("user-0")));
        Vec::new()
    };
    let (verified, found) = verify_while(&world, spoil).unwrap();
    assert_eq!((found, verified.busy), (vec!["unreadable contributions.get: spoilt".to_owned()], false));

    // After that: it was not said, and without it nothing can be said of the scores.
    let world = crate::world::world();
    world.put_rating(rating("user-0"), item("2", "2026-11-20"));
    let spoil = |_: Difference| world.spoil_contribution(Some(rating("user-3")));
    let verified = block_on(verify_shop(&world, &world, &shop(), &spoil)).unwrap();
    assert_eq!((verified.differences, verified.busy), (1, true));
}

#[test]
fn more_drift_than_is_remembered_is_said_all_the_same() {
    const LOST: usize = 5001;
    let world = ScoreWorld::with_large_pages();
    for user in 0..LOST {
        world.put_rating(rating(&format!("user-{user}")), item("5", "2026-11-01"));
    }
    let (verified, found) = verify(&world);
    assert_eq!((found.len(), verified.differences, verified.busy), (LOST, LOST as u64, false));
}

#[test]
fn scores_that_never_rest_are_busy() {
    let world = world();
    // Each look at the contributions is followed by a rating.
    let hot = Hot::new(&world, usize::MAX);
    let verified = block_on(verify_shop(&hot, &world, &shop(), &|difference| panic!("{difference:?}"))).unwrap();
    assert!(verified.busy, "{verified:?}");
}

#[test]
fn too_much_at_once_is_tried_again_and_what_is_wrong_with_the_world_is_not() {
    let calls = {
        let world = world();
        let before = world.calls();
        verify(&world);
        world.calls() - before
    };
    for call in 0..calls {
        let world = world();
        world.fail(call, Fault::Busy);
        let (verified, found) = verify(&world);
        assert_eq!((found.len(), verified.ratings, verified.busy), (0, 8, false), "{call}");
        let world = crate::world::world();
        world.fail(call, Fault::Before);
        let error = block_on(verify_shop(&world, &world, &shop(), &|_| ())).unwrap_err();
        assert!(!error.busy, "{call}");
    }
}
