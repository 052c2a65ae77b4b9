//! Trying again what others were in the way of, with pauses.
//!
//! Whether it has to be read again first is for who tries.

use coffeeshop_core::backoff;
use coffeeshop_core::ports::{Clock, PortError};
use fastrand::Rng;

/// How often something is read again because another writer was first, before it is left as busy.
pub const ATTEMPTS_MAX: u32 = 10;

/// `None` for what was only too much at once.
pub(crate) fn unless_busy<T>(result: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.busy => Ok(None),
        Err(error) => Err(error),
    }
}

/// Pauses between attempts.
pub(crate) struct Attempts<'a, C> {
    clock: &'a C,
    jitter: Rng,
}

impl<'a, C: Clock> Attempts<'a, C> {
    pub(crate) fn new(clock: &'a C) -> Self {
        let seed = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
        Self { clock, jitter: Rng::with_seed(seed) }
    }

    /// Nothing before the first.
    pub(crate) async fn pause_before(&mut self, attempt: u32) {
        if attempt > 0 {
            self.clock.sleep(backoff::pause(attempt - 1, self.jitter.f64())).await;
        }
    }

    /// A call, tried again while it is too much at once.
    pub(crate) async fn again<T>(
        &mut self,
        mut call: impl AsyncFnMut() -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        for attempt in 1..ATTEMPTS_MAX {
            match call().await {
                Err(error) if error.busy => self.pause_before(attempt).await,
                result => return result,
            }
        }
        call().await
    }
}
