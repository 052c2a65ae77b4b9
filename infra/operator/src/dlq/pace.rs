//! So many messages a second, and no more.
//!
//! What is done with them is not known here.

use std::cell::Cell;
use std::time::Duration;

use coffeeshop_core::ports::{Clock, RECEIVE_MESSAGES_MAX};
use jiff::{SignedDuration, Timestamp};

use super::sweep::CALLS_AT_ONCE;
use crate::cli::values::Rate;

/// Lets messages through, each batch when the one before it has had its time.
pub(crate) struct Limiter<'a, C> {
    clock: &'a C,
    rate: Option<Rate>,
    free_at: Cell<Timestamp>,
}

impl<'a, C: Clock> Limiter<'a, C> {
    pub(crate) fn new(clock: &'a C, rate: Option<Rate>) -> Self {
        Self { clock, rate, free_at: Cell::new(clock.now()) }
    }

    /// Waits until so many may go.
    pub(crate) async fn pass(&self, messages: usize) {
        let Some(Rate(rate)) = self.rate else { return };
        let now = self.clock.now();
        let begin = self.free_at.get().max(now);
        let micros = messages as u64 * 1_000_000 / u64::from(rate);
        let taken = SignedDuration::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        // What lies beyond the end of time is not waited for.
        self.free_at.set(begin.checked_add(taken).unwrap_or(begin));
        let wait = Duration::try_from(begin.duration_since(now)).unwrap_or_default();
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
    }

    /// How many messages are let through at once: no more than a second has room for.
    pub(crate) fn batch(&self) -> usize {
        self.rate.map_or(RECEIVE_MESSAGES_MAX, |Rate(rate)| per_second(rate).min(RECEIVE_MESSAGES_MAX))
    }

    /// How many batches are worked on side by side.
    pub(crate) fn lanes(&self) -> usize {
        self.rate.map_or(CALLS_AT_ONCE, |Rate(rate)| per_second(rate).div_ceil(RECEIVE_MESSAGES_MAX).min(CALLS_AT_ONCE))
    }
}

fn per_second(rate: u32) -> usize {
    usize::try_from(rate).unwrap_or(usize::MAX)
}
