//! Random histories: shops rise and fall, move and leave; jobs run at their times, are killed, and meet faults.
//!
//! `SEEDS=10000` tries more of them, `SEED=7` one alone.

use std::task::{Context, Waker};

use coffeeshop_core::testing::Fault;
use coffeeshop_snapshotter::job::{Ended, Job, Request, handle};
use fastrand::Rng;

use super::town::{TICK, Town};

const CITIES: [&str; 4] = ["Turin", "東京", "St. Gallen", "Global"];
const PERIODS: [&str; 4] = ["all", "2026-11", "2026-10", "2019-03"];

#[expect(clippy::disallowed_methods, reason = "how much is tried is said by who runs the tests")]
fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().unwrap());
    number("SEED").map_or_else(|| (0..number("SEEDS").unwrap_or(300)).collect(), |seed| vec![seed])
}

struct History {
    town: Town,
    rng: Rng,
    shops: u64,
    /// What became of runs: well, skipped, failed, killed.
    ends: [usize; 4],
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let shops = [3, 8, 20][rng.usize(..3)];
        Self { town: Town::new(), rng, shops, ends: [0; 4] }
    }

    /// Some scores become others.
    fn rate(&mut self) {
        for _ in 0..self.rng.u64(..=self.shops) {
            let shop = format!("s{}", self.rng.u64(..self.shops));
            // Mostly where it is by its name; now and then its scores were rebuilt elsewhere, or its city is not known.
            let city = match self.rng.usize(..12) {
                0 => None,
                1 => Some(self.rng.usize(..CITIES.len())),
                _ => Some(shop.len() + usize::from(shop.as_bytes()[1])).map(|number| number % CITIES.len()),
            };
            let city = city.map(|city| CITIES[city]);
            if let Some(city) = city.filter(|_| self.rng.bool()) {
                self.town.open_shop(&shop, city);
            }
            let ratings = if self.rng.u8(..4) == 0 { 0 } else { self.rng.u64(1..9) };
            self.town.rank(&shop, city, PERIODS[self.rng.usize(..PERIODS.len())], ratings);
        }
    }

    fn run(&mut self) {
        let job = if self.rng.u8(..4) == 0 { Job::EveryBoard } else { Job::Boards };
        let faults = [0, 0, 40, 8][self.rng.usize(..4)];
        self.town.world.fail_at_random(self.rng.u64(..), faults);
        if self.rng.u8(..4) == 0 {
            self.town.uploads.fail(self.rng.usize(..6), if self.rng.bool() { Fault::Before } else { Fault::After });
        }
        if self.rng.u8(..4) == 0 {
            self.kill(job);
        } else {
            let end = match self.town.run(job) {
                Ok(Ended::Skipped) => 1,
                Ok(_) => 0,
                Err(_) => 2,
            };
            self.ends[end] += 1;
        }
        self.town.world.fail_at_random(0, 0);
        self.town.assert_said();
        // Now and then the next run comes while the lease of this one goes on.
        if self.rng.u8(..8) > 0 {
            self.town.world.advance(TICK);
        }
    }

    fn kill(&mut self, job: Job) {
        let (deps, context) = (self.town.deps(), self.town.context("killed"));
        let mut run = Box::pin(handle(&deps, Request { job }, &context));
        let mut task = Context::from_waker(Waker::noop());
        let polls = self.rng.usize(1..60);
        let ended = (0..polls).any(|_| run.as_mut().poll(&mut task).is_ready());
        self.ends[if ended { 0 } else { 3 }] += 1;
    }
}

#[test]
fn every_history_ends_with_all_announced_said_once_and_exported() {
    let mut ends = [0; 4];
    let mut said = 0;
    for seed in seeds() {
        let mut history = History::new(seed);
        for _ in 0..history.rng.usize(2..12) {
            history.rate();
            history.run();
        }
        history.town.world.advance(TICK);
        // A put that was to fail may still be to come.
        drop(history.town.run(Job::EveryBoard));
        history.town.world.advance(TICK);
        history.town.compare(Job::EveryBoard);
        history.town.assert_right();
        said += history.town.said().len();
        for (sum, end) in ends.iter_mut().zip(history.ends) {
            *sum += end;
        }
    }
    if seeds().len() > 100 {
        assert!(ends.iter().all(|end| *end > 10) && said > 2_000, "{ends:?} ends, {said} changes");
    }
}
