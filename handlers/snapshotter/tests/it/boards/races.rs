//! Two runs at once, which the lease does not let happen: what the condition on the version is worth by itself.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use coffeeshop_core::testing::{Sabotage, ScoreWorld};
use coffeeshop_snapshotter::boards::{BoardsError, Summary, current};
use fastrand::Rng;

use super::town::{Town, key};

type Run<'a> = Pin<Box<dyn Future<Output = Result<Summary, BoardsError>> + 'a>>;

/// Two runs whose calls interleave, while the board changes; the second begins after the last change. What is wrong when both
/// have ended, and whether the second lost a race.
fn race(seed: u64, sabotage: Sabotage) -> (Vec<&'static str>, bool) {
    let mut rng = Rng::with_seed(seed);
    let town = Town::on(ScoreWorld::sabotaged(sabotage));
    let (first, second) = (town.deps(), town.deps());
    town.order(None, "a b c");
    if rng.bool() {
        futures::executor::block_on(current(&first)).unwrap();
        town.order(None, "b a c");
    }
    let mut task = Context::from_waker(Waker::noop());
    let mut ended: Vec<Option<Summary>> = vec![None; 2];
    let mut runs: Vec<Run<'_>> = vec![Box::pin(current(&first))];
    let mut poll = |run: &mut Run<'_>, ended: &mut Option<Summary>| {
        if ended.is_none()
            && let Poll::Ready(summary) = run.as_mut().poll(&mut task)
        {
            *ended = Some(summary.unwrap());
        }
    };
    for _ in 0..rng.u8(..12) {
        poll(&mut runs[0], &mut ended[0]);
    }
    town.order(None, ["c b a", "b c", "a b c"][rng.usize(..3)]);
    runs.push(Box::pin(current(&second)));
    while ended.contains(&None) {
        let which = rng.usize(..2);
        poll(&mut runs[which], &mut ended[which]);
    }
    drop(runs);

    let lost = ended[1].unwrap().lost_races > 0;
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| town.assert_said())).is_ok();
    let exported = town.not_exported().is_empty();
    let right = lost || !town.wrong().contains(&key("global/all"));
    let wrong = [(said, "said"), (exported, "exported"), (right, "right")];
    (wrong.into_iter().filter(|(is, _)| !is).map(|(_, what)| what).collect(), lost)
}

#[test]
fn without_the_lease_no_change_is_lost_or_said_twice_and_the_bucket_has_the_last() {
    let mut lost = 0;
    for seed in 0..3_000 {
        let (wrong, has_lost) = race(seed, Sabotage::None);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        lost += usize::from(has_lost);
    }
    assert!(lost > 30, "{lost} races were lost");
}

#[test]
fn a_store_that_ignores_the_condition_is_found_out() {
    // Its failed assertions are what is looked for.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let found: Vec<_> = (0..300).flat_map(|seed| race(seed, Sabotage::IgnoresConditions).0).collect();
    std::panic::set_hook(hook);
    assert!(found.contains(&"said") || found.contains(&"exported") || found.contains(&"right"), "{found:?}");
}
