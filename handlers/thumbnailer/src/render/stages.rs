//! How long the stages of one photo took.
//!
//! Measures only; where the numbers go is for the caller to say.

use std::time::{Duration, Instant};

/// Stages in the order in which they were first timed, with the time spent in each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stages(Vec<(&'static str, Duration)>);

impl Stages {
    /// Does `work` and adds the time that it took to `stage`.
    pub fn time<T>(&mut self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    /// Adds a measured time to `stage`.
    pub fn add(&mut self, stage: &'static str, time: Duration) {
        match self.0.iter_mut().find(|(name, _)| *name == stage) {
            Some((_, total)) => *total += time,
            None => self.0.push((stage, time)),
        }
    }

    /// Each stage with its time.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Duration)> + '_ {
        self.0.iter().copied()
    }
}
