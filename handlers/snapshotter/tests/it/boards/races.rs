//! Two runs at once, which the lease does not let happen: what the condition on the version is worth by itself.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use coffeeshop_core::testing::{Sabotage, ScoreWorld};
use coffeeshop_snapshotter::boards::{BoardsError, Summary, every};
use fastrand::Rng;

use super::town::Town;

type Run<'a> = Pin<Box<dyn Future<Output = Result<Summary, BoardsError>> + 'a>>;

/// Two runs whose calls interleave, while the board changes; the second begins after the last change. What is wrong when both
/// have ended, and what the second made of it.
fn race(seed: u64, sabotage: Sabotage) -> (Vec<String>, Summary) {
    let mut rng = Rng::with_seed(seed);
    let town = Town::on(ScoreWorld::sabotaged(sabotage));
    let (first, second) = (town.deps(), town.deps());
    town.order(None, "a b c");
    if rng.bool() {
        futures::executor::block_on(every(&first)).unwrap();
        town.order(None, "b a c");
    }
    let mut task = Context::from_waker(Waker::noop());
    let mut ended: Vec<Option<Summary>> = vec![None; 2];
    let mut runs: Vec<Run<'_>> = vec![Box::pin(every(&first))];
    let mut poll = |run: &mut Run<'_>, ended: &mut Option<Summary>| {
        if ended.is_none()
            && let Poll::Ready(summary) = run.as_mut().poll(&mut task)
        {
            *ended = Some(summary.unwrap());
        }
    };
    // There is one board, so that each poll ends at one of its calls.
    for _ in 0..rng.u8(..10) {
        poll(&mut runs[0], &mut ended[0]);
    }
    town.order(None, ["c b a", "b c", "a b c"][rng.usize(..3)]);
    runs.push(Box::pin(every(&second)));
    while ended.contains(&None) {
        let which = rng.usize(..2);
        for _ in 0..rng.u8(1..10) {
            poll(&mut runs[which], &mut ended[which]);
        }
    }
    drop(runs);

    let not_exported = town.not_exported().into_iter().map(|key| format!("{key} is not exported"));
    // What the second wrote, nobody replaces by what was before. Had it nothing to write, or lost a race, the first may have
    // written what it saw before, and the next run sees to it.
    let second = ended[1].unwrap();
    let not_seen = town.wrong().into_iter().filter(|_| second.changed > 0).map(|key| format!("{key} is not as it is"));
    let wrong = town.not_said().into_iter().chain(not_exported).chain(not_seen);
    (wrong.collect(), second)
}

#[test]
fn without_the_lease_no_change_is_lost_or_said_twice_and_the_bucket_has_the_last() {
    let (mut lost, mut changed) = (0, 0);
    for seed in 0..3_000 {
        let (wrong, second) = race(seed, Sabotage::None);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        lost += second.lost_races;
        changed += second.changed;
    }
    assert!(lost > 30 && changed > 300, "{lost} races were lost, and {changed} not");
}

#[test]
fn a_store_that_ignores_the_condition_is_found_out() {
    let wrong: Vec<_> = (0..300).flat_map(|seed| race(seed, Sabotage::IgnoresConditions).0).collect();
    for expected in ["changes are said", "is not exported", "is not as it is"] {
        assert!(wrong.iter().any(|wrong| wrong.contains(expected)), "{expected}: {wrong:?}");
    }
}
