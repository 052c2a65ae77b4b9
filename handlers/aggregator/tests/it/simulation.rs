//! Thousands of histories, each from a seed: whatever is delivered twice, late, in pieces, to whom, and wherever it
//! breaks, the scores equal a recount of the ratings.
//!
//! `SEEDS=100000` tries more than the fixed set, `SEED=7` one alone.

use std::ops::Range;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::testing::{Sabotage, ScoreWorld};
use fastrand::Rng;
use jiff::SignedDuration;

use crate::history::History;
use crate::lanes::Mapping;

/// How many histories are tried if nothing else is said.
const SEEDS: u64 = 3000;

fn environment(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how many to try is said by who runs the test")]
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number")))
}

/// One history on one store; what is wrong at its end.
fn run(seed: u64, world: &ScoreWorld) -> Result<(), String> {
    world.advance(SignedDuration::from_secs(1_795_255_200));
    let mut rng = Rng::with_seed(seed);
    for shop in 0..2 {
        let shop_id: ShopId = format!("shop-{shop}").parse().unwrap();
        world.open_shop(&shop_id, &"Turin".parse().unwrap());
    }
    let mut history = History::new(&mut rng);
    let length = history.length(&mut rng);
    history.write(length / 2, &mut rng);
    if rng.u8(..4) == 0 {
        history.restore();
    }
    history.write(length / 2, &mut rng);
    // In some, nothing fails but by a race.
    let one_in = if rng.u8(..4) == 0 { 0 } else { rng.u32(5..40) };
    world.fail_at_random(rng.u64(..), one_in);
    Mapping::new(world, rng.u64(..)).deliver_all(&history.stream);
    history.compare(world)?;

    if rng.u8(..4) == 0 {
        // Half a year later the tombstones are gone, and so is everything that was older.
        world.advance(SignedDuration::from_hours(24 * 181));
        world.expire();
        history.restore();
        let before = history.stream.len();
        history.write(length / 2, &mut rng);
        world.fail_at_random(rng.u64(..), one_in);
        Mapping::new(world, rng.u64(..)).deliver_all(&history.stream[before..]);
        history.compare(world)?;
    }
    Ok(())
}

/// Those that are tried: `seeds` of them if nothing else is said.
pub(crate) fn tried(seeds: u64) -> Range<u64> {
    match environment("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..environment("SEEDS").unwrap_or(seeds),
    }
}

fn check(world: fn() -> ScoreWorld, seeds: u64) {
    for seed in tried(seeds) {
        if let Err(wrong) = run(seed, &world()) {
            panic!("{wrong}\nIt happens again with SEED={seed}");
        }
    }
}

#[test]
fn every_score_equals_the_recount() {
    check(ScoreWorld::default, SEEDS);
}

#[test]
fn stale_reads_change_no_number() {
    check(ScoreWorld::with_stale_reads, SEEDS / 3);
}

/// If a store that breaks its promise went unnoticed, the simulation would prove nothing.
#[track_caller]
fn is_noticed(sabotage: Sabotage) {
    let wrong = (0..200).filter(|seed| run(*seed, &ScoreWorld::sabotaged(sabotage)).is_err()).count();
    assert!(wrong > 10, "{sabotage:?} is noticed in {wrong} of 200 histories");
}

#[test]
fn a_store_that_ignores_conditions_is_noticed() {
    is_noticed(Sabotage::IgnoresConditions);
}

#[test]
fn a_store_that_commits_in_two_halves_is_noticed() {
    is_noticed(Sabotage::TwoHalves);
}
