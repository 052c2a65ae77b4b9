//! A fake that no contract holds is a lie in waiting: that of who counts again, and of who reads leaderboards.

use std::collections::BTreeSet;

use coffeeshop_core::board::Board;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::Leaderboard as _;
use coffeeshop_core::testing::scores_contract::score;
use coffeeshop_core::testing::{ScoreWorld, records_contract};
use futures::executor::block_on;

fn shop() -> ShopId {
    "shop".parse().unwrap()
}

#[test]
fn shops() {
    let world = ScoreWorld::default();
    block_on(records_contract::shops(&world, &world, &shop()));
}

#[test]
fn ratings_of() {
    let world = ScoreWorld::default();
    block_on(records_contract::ratings_of(&world, &world, &shop()));
}

#[test]
fn contributions_of() {
    let world = ScoreWorld::default();
    block_on(records_contract::contributions_of(&world, &world, &shop()));
}

#[test]
fn ratings() {
    let world = ScoreWorld::default();
    block_on(records_contract::ratings(&world, &world, &shop()));
}

#[test]
fn scores_of() {
    let world = ScoreWorld::default();
    block_on(records_contract::scores_of(&world, &world, &shop()));
}

#[test]
fn boards() {
    let world = ScoreWorld::default();
    let periods = ["all", "2026-11"].map(|period| period.parse().unwrap());
    block_on(records_contract::boards(&world, &world, &shop(), &"Lyon".parse().unwrap(), periods));
}

#[test]
fn a_lagging_index() {
    let run = |world: &ScoreWorld| {
        let (city, period) = ("Lyon".parse().unwrap(), "all".parse().unwrap());
        block_on(records_contract::pages_of_a_lagging_index(world, world, &shop(), &city, period))
    };
    assert_eq!(run(&ScoreWorld::default()), 0);
    let behind = run(&ScoreWorld::with_lagging_index());
    assert!(behind > 30, "{behind} of 50 boards were behind");
}

#[test]
fn an_entry_of_a_lagging_index_is_at_either_of_its_places_or_at_both() {
    let world = ScoreWorld::with_lagging_index();
    world.put_score(score(&shop(), "all", 1, 5));
    world.put_score(score(&shop(), "all", 2, 9));
    let worse = score(&shop(), "all", 1, 1).rank.unwrap().rank_key;
    let between = score(&shop(), "all", 1, 7).rank.unwrap().rank_key;
    let better = |than| block_on(world.better_than(&Board::Global, Period::All, than)).unwrap();
    let seen: BTreeSet<_> = (0..50).map(|_| better(&worse)).collect();
    assert_eq!(seen, BTreeSet::from([1, 2]), "entries");
    let seen: BTreeSet<_> = (0..50).map(|_| better(&between)).collect();
    assert_eq!(seen, BTreeSet::from([0, 1]), "entries at the new place");
}
