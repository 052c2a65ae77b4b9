//! What `rebuild` repairs, how it gives way to others, and that it leaves alone what is right.

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::fence::Fence;
use coffeeshop_core::ledger::Change;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::rating::held;
use coffeeshop_core::score::Score;
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_operator::attempts::ATTEMPTS_MAX;
use coffeeshop_operator::difference::Difference;
use coffeeshop_operator::rebuild::{Mode, Rebuilt, rebuild_shop};
use futures::executor::block_on;

use crate::hot::{Hot, Meanwhile};
use crate::world::{
    DAMAGES, Found, aggregate, assert_right, edit_score, fence, holds, item, key, rate, rating, shop, world,
};

fn rebuild(world: &ScoreWorld, mode: Mode) -> (Rebuilt, Vec<String>) {
    let found = Found::default();
    let rebuilt = block_on(rebuild_shop(world, world, &shop(), mode, &|difference| found.push(difference))).unwrap();
    (rebuilt, found.take())
}

#[test]
fn what_is_right_is_left_alone() {
    let world = world();
    let stored = (world.stored_scores(), world.stored_contributions());
    let (rebuilt, found) = rebuild(&world, Mode::Write);
    assert_eq!((rebuilt, found.len()), (Rebuilt { ratings: 8, scores: 4, ..Rebuilt::default() }, 0));
    assert_eq!((world.stored_scores(), world.stored_contributions()), stored);
    assert!(!world.take_log().contains(&"scores.commit"));
}

#[test]
fn each_kind_of_damage_is_repaired_and_a_dry_run_writes_nothing() {
    for (damage, inflict, _) in DAMAGES {
        let world = world();
        inflict(&world);
        let stored = (world.stored_scores(), world.stored_contributions());
        let (planned, found) = rebuild(&world, Mode::DryRun);
        assert_eq!((world.stored_scores(), world.stored_contributions()), stored, "{damage}");
        assert_eq!(found.len() as u64, planned.scores_repaired + planned.contributions_repaired, "{damage}");

        let (rebuilt, repaired) = rebuild(&world, Mode::Write);
        assert_right(&world, damage);
        assert_eq!((rebuilt, repaired), (planned, found), "{damage}: as the dry run said");
        assert!(rebuilt.scores_repaired + rebuilt.contributions_repaired > 0, "{damage}");
        assert_eq!((rebuilt.busy, rebuilt.unreadable), (0, 0), "{damage}");

        let stored = (world.stored_scores(), world.stored_contributions());
        let (again, found) = rebuild(&world, Mode::Write);
        assert_eq!((again.scores_repaired, again.contributions_repaired, found.len()), (0, 0, 0), "{damage}");
        assert_eq!((world.stored_scores(), world.stored_contributions()), stored, "{damage}");
    }
}

#[test]
fn everything_may_be_lost_but_the_ratings() {
    let world = world();
    for rating in world.stored_contributions().keys().filter(|rating| rating.shop_id == shop()) {
        world.put_contribution(rating, None);
    }
    for score in world.stored_scores().keys().filter(|key| key.shop_id == shop()) {
        world.remove_score(score);
    }
    for user in 0..300 {
        world.put_rating(rating(&format!("many-{user}")), item("4", "2026-07-01"));
    }
    let (rebuilt, _) = rebuild(&world, Mode::Write);
    assert_right(&world, "all was lost");
    assert_eq!((rebuilt.contributions_repaired, rebuilt.ratings), (307, 308), "one of them makes no sense");
    let contribution = &world.stored_contributions()[&rating("many-7")];
    assert_eq!(contribution.fence, Fence::lowest(), "any record of it may still come");
}

#[test]
fn a_repaired_contribution_keeps_its_fence_and_a_duplicate_changes_nothing() {
    let world = world();
    let before = world.stored_contributions()[&rating("user-0")].clone();
    let edited = item("1", "2026-11-01");
    world.put_rating(rating("user-0"), edited.clone());
    rebuild(&world, Mode::Write);
    let after = world.stored_contributions()[&rating("user-0")].clone();
    assert_eq!((after.held(), &after.fence), (holds("1@2026-11"), &before.fence));
    assert_eq!(after.version, before.version + 1);
    // The first record once more, and then that of the edit, which was only late.
    let duplicate = Change { rating: rating("user-0"), fence: Some(before.fence), held: holds("5@2026-11") };
    block_on(aggregate(&world, &[duplicate]));
    assert_right(&world, "a duplicate");
    let late = Change { rating: rating("user-0"), fence: Some(fence(70)), held: held(&edited).ok() };
    block_on(aggregate(&world, &[late]));
    assert_right(&world, "the late record");
}

#[test]
fn a_lost_score_comes_back_above_what_it_was() {
    let world = world();
    let before = world.stored_scores()[&key("all")].revision;
    world.remove_score(&key("all"));
    world.advance(jiff::SignedDuration::from_mins(1));
    rebuild(&world, Mode::Write);
    assert!(world.stored_scores()[&key("all")].revision > before);
}

#[test]
fn a_deleted_rating_leaves_a_tombstone() {
    let world = world();
    world.remove_rating(&rating("user-4"));
    rebuild(&world, Mode::Write);
    let tombstone: &Contribution = &world.stored_contributions()[&rating("user-4")];
    assert_eq!((tombstone.held(), tombstone.fence.clone()), (None, fence(4)));
    assert!(tombstone.expires_at.is_some_and(|expires_at| expires_at > world.now().as_second()));
}

#[test]
fn who_is_first_now_and_then_is_waited_for() {
    for times in 1..8 {
        let world = world();
        edit_score(&world, "2026-10", |score| score.histogram.add(3.try_into().unwrap()));
        world.put_rating(rating("user-0"), item("1", "2026-11-01"));
        let hot = Hot::new(&world, times);
        let rebuilt = block_on(rebuild_shop(&hot, &world, &shop(), Mode::Write, &|_| ())).unwrap();
        assert_eq!(rebuilt.busy, 0, "{times}");
        assert_right(&world, "a few races");
    }
}

#[test]
fn a_shop_that_never_rests_is_busy() {
    let world = world();
    world.put_rating(rating("user-0"), item("1", "2026-11-01"));
    let hot = Hot::new(&world, usize::MAX);
    let before = world.calls();
    let rebuilt = block_on(rebuild_shop(&hot, &world, &shop(), Mode::Write, &|difference| panic!("{difference:?}")));
    let rebuilt = rebuilt.unwrap();
    assert_eq!((rebuilt.busy, rebuilt.scores_repaired, rebuilt.contributions_repaired), (2, 0, 0));
    let commits = world.take_log().iter().filter(|call| **call == "scores.commit").count();
    assert!(commits >= ATTEMPTS_MAX as usize && world.calls() - before < 1000, "{commits}");
    rebuild(&world, Mode::Write);
    assert_right(&world, "it rests");
}

#[test]
fn what_cannot_be_understood_is_left_alone_with_what_depends_on_it() {
    let world = world();
    world.spoil(Some(key("2026-10")));
    edit_score(&world, "all", |score| score.sum += 1);
    world.put_rating(rating("user-2"), item("1", "2026-10-03"));
    world.put_rating(rating("user-0"), item("1", "2026-11-01"));
    let (rebuilt, found) = rebuild(&world, Mode::Write);
    assert_eq!(found, ["score all Derived", "unreadable scores.get: spoilt", "user-0 5@2026-11 1@2026-11",]);
    assert_eq!((rebuilt.unreadable, rebuilt.busy), (1, 0));
    assert_eq!(world.stored_contributions()[&rating("user-2")].held(), holds("5@2026-10"));
    world.spoil(None);
    rebuild(&world, Mode::Write);
    assert_right(&world, "it can be understood again");
}

#[test]
fn ratings_that_come_during_a_rebuild_count() {
    let world = world();
    world.put_contribution(&rating("user-1"), None);
    block_on(rate(&world, "user-88", 88, item("5", "2026-11-19")));
    rebuild(&world, Mode::Write);
    block_on(rate(&world, "user-1", 89, item("2", "2026-10-19")));
    assert_right(&world, "before and after");
}

#[test]
fn more_is_wrong_than_a_transaction_holds() {
    let world = ScoreWorld::with_large_pages();
    world.advance(jiff::SignedDuration::from_secs(1_795_255_200));
    world.open_shop(&shop(), &"Turin".parse().unwrap());
    // 130 months, and three times as many ratings.
    for user in 0..390 {
        let (year, month) = (1990 + user % 130 / 12, 1 + user % 130 % 12);
        world.put_rating(rating(&format!("user-{user}")), item("4", &format!("{year}-{month:02}-01")));
    }
    let (rebuilt, _) = rebuild(&world, Mode::Write);
    assert_right(&world, "contributions");
    assert_eq!((rebuilt.contributions_repaired, rebuilt.busy), (390, 0));
    for score in world.stored_scores().keys() {
        world.remove_score(score);
    }
    let (rebuilt, _) = rebuild(&world, Mode::Write);
    assert_right(&world, "scores");
    assert_eq!((rebuilt.scores_repaired, rebuilt.busy), (131, 0));
}

#[test]
fn a_contribution_that_cannot_be_understood_is_said_once_and_left_alone() {
    let world = world();
    let stored = world.stored_contributions()[&rating("user-3")].clone();
    world.spoil_contribution(Some(rating("user-3")));
    world.put_rating(rating("user-3"), item("5", "2026-10-04"));
    world.put_rating(rating("user-0"), item("1", "2026-11-01"));
    let (rebuilt, found) = rebuild(&world, Mode::Write);
    assert_eq!(found, ["unreadable contributions.query: spoilt", "user-0 5@2026-11 1@2026-11"]);
    assert_eq!((rebuilt.unreadable, rebuilt.scores_repaired), (1, 0), "scores are not judged without it");
    assert_eq!(world.stored_contributions()[&rating("user-3")], stored);
    world.spoil_contribution(None);
    rebuild(&world, Mode::Write);
    assert_right(&world, "it can be understood again");
}

#[test]
fn scores_that_could_not_be_judged_are_not_done_although_nothing_is_left_to_say() {
    let world = world();
    edit_score(&world, "all", |score| score.sum += 1);
    world.spoil_contribution(Some(rating("user-3")));
    world.spoil(Some(key("2026-10")));
    // It can be understood again as soon as pass 1, which says the other one last, is over.
    let mended = |_: Difference| world.spoil_contribution(None);
    let rebuilt = block_on(rebuild_shop(&world, &world, &shop(), Mode::Write, &mended)).unwrap();
    assert_eq!((rebuilt.busy, rebuilt.unreadable, rebuilt.scores_repaired), (1, 1, 0));
}

#[test]
fn a_shop_that_moves_meanwhile_is_where_it_is_now() {
    let world = world();
    edit_score(&world, "2026-10", |score| score.histogram.add(3.try_into().unwrap()));
    // While it is waited whether the score is only half seen, the shop moves, and another rebuild is first.
    let moves = Meanwhile::new(&world, |world, sleep| {
        if sleep == 0 {
            world.open_shop(&shop(), &"Lyon".parse().unwrap());
            for period in ["all", "2026-09", "2026-10", "2026-11"] {
                edit_score(world, period, |score| {
                    let Score { key, histogram, revision, updated_at, .. } = score.clone();
                    *score = Score::new(key, histogram, revision, Some("Lyon".parse().unwrap()), updated_at);
                });
            }
        }
        Vec::new()
    });
    block_on(rebuild_shop(&world, &moves, &shop(), Mode::Write, &|_| ())).unwrap();
    assert_right(&world, "it moved");
}
