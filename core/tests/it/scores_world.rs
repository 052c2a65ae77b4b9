//! A fake that no contract holds is a lie in waiting: the aggregator's.

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::testing::{ScoreWorld, scores_contract};
use futures::executor::block_on;

fn shop() -> ShopId {
    "shop".parse().unwrap()
}

#[test]
fn transactions() {
    block_on(scores_contract::transactions(&ScoreWorld::default(), &shop()));
}

#[test]
fn many() {
    block_on(scores_contract::many(&ScoreWorld::default(), &shop()));
}

#[test]
fn one_moment() {
    block_on(scores_contract::one_moment(&ScoreWorld::default(), &shop()));
}

#[test]
fn races() {
    block_on(scores_contract::races(&ScoreWorld::default(), &shop()));
}

#[test]
fn cities() {
    let world = ScoreWorld::default();
    block_on(scores_contract::cities(&world, &world, &shop()));
}

#[test]
fn quarantine() {
    let world = ScoreWorld::default();
    block_on(scores_contract::quarantine(&world, &world));
}
