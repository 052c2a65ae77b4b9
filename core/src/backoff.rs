//! How long to wait before something is tried again that others were in the way of.
//!
//! Waiting itself, and chance, come in through a port and an argument.

use std::time::Duration;

/// The longest pause after the first attempt; it doubles with each, up to [`PAUSE_MAX`].
pub const PAUSE_FIRST: Duration = Duration::from_millis(50);

/// The longest pause between two attempts.
pub const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The pause after the `failed`-th failed attempt, the first being 0, with `chance` from 0 to 1. "Full jitter" (Brooker,
/// "Exponential Backoff And Jitter"): anything up to the exponential bound.
pub fn pause(failed: u32, chance: f64) -> Duration {
    PAUSE_FIRST.saturating_mul(1 << failed.min(16)).min(PAUSE_MAX).mul_f64(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_its_limit() {
        let bounds = [0, 1, 2, 5, 6, 1000].map(|failed| pause(failed, 1.0).as_millis());
        assert_eq!(bounds, [50, 100, 200, 1600, 2000, 2000]);
        assert_eq!(pause(3, 0.0), Duration::ZERO);
        assert_eq!(pause(3, 0.5), Duration::from_millis(200));
    }
}
