//! The leaderboards and leases of the world in memory keep the contract of their ports.

use coffeeshop_core::score::City;
use coffeeshop_core::testing::{Sabotage, ScoreWorld, boards_contract};
use futures::executor::block_on;

fn city() -> City {
    "Frankfurt (Oder) #1".parse().unwrap()
}

#[test]
fn versions() {
    block_on(boards_contract::versions(&ScoreWorld::default(), &city()));
}

#[test]
fn many() {
    let world = ScoreWorld::default();
    block_on(boards_contract::many(&world, &world, &city()));
}

#[test]
fn many_announced() {
    block_on(boards_contract::many_announced(&ScoreWorld::default(), &city()));
}

#[test]
fn cities() {
    let world = ScoreWorld::default();
    block_on(boards_contract::cities(&world, &world, "shop"));
}

#[test]
fn leases() {
    block_on(boards_contract::leases(&ScoreWorld::default(), ["boards", "scores"]));
}

#[test]
fn races() {
    block_on(boards_contract::races(&ScoreWorld::default(), &city(), "boards"));
}

#[test]
#[should_panic(expected = "none is there to be replaced")]
fn a_store_that_ignores_conditions_is_found_out() {
    block_on(boards_contract::versions(&ScoreWorld::sabotaged(Sabotage::IgnoresConditions), &city()));
}

#[test]
#[should_panic(expected = "LostRace")]
fn and_one_that_gives_a_lease_to_everybody() {
    let world = ScoreWorld::sabotaged(Sabotage::IgnoresConditions);
    block_on(boards_contract::leases(&world, ["boards", "scores"]));
}
