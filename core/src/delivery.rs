//! Telling one subscriber of one event, in one way: the message that asks for it, and when it is tried again.
//!
//! How it is told is not known here.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventId};
use crate::ids::ChannelId;
use crate::subscription::Subscriber;

/// The longest pause after the first attempt; it doubles with each, up to [`RETRY_MAX`].
pub const RETRY_FIRST: Duration = Duration::from_secs(10);

/// The longest pause between two attempts, unless the endpoint asks for a longer one.
pub const RETRY_MAX: Duration = Duration::from_hours(1);

/// The longest pause that an endpoint can ask for. SQS hides a message for twelve hours at most, counted from when it was
/// received.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(11);

/// A message of the queue `deliveries`: the serde form is its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Who is told.
    pub subscriber: Subscriber,
    /// In which of their ways; what that is, is read when it is done.
    pub channel_id: ChannelId,
    /// Of what.
    pub event: Event,
}

impl Delivery {
    /// The key of it.
    pub fn key(&self) -> DeliveryKey {
        DeliveryKey {
            event_id: self.event.id.clone(),
            subscriber: self.subscriber.clone(),
            channel_id: self.channel_id.clone(),
        }
    }
}

/// The key of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// The event.
    pub event_id: EventId,
    /// Who is told.
    pub subscriber: Subscriber,
    /// In which of their ways.
    pub channel_id: ChannelId,
}

impl DeliveryKey {
    /// The attribute `channel` of the `deliveries` table: `{subscriber}#{channel id}`.
    pub fn channel(&self) -> String {
        format!("{}#{}", self.subscriber, self.channel_id)
    }
}

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.event_id, self.channel())
    }
}

/// How long to wait after the `attempt`-th attempt, the first being 1, with `chance` from 0 to 1 and what the endpoint
/// asked for. "Equal jitter" (Brooker, "Exponential Backoff And Jitter"): between half of the exponential bound and all of
/// it, so that an endpoint in trouble is never asked again at once.
pub fn retry_pause(attempt: u32, chance: f64, asked: Option<Duration>) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let bound = RETRY_FIRST.saturating_mul(1 << doublings).min(RETRY_MAX);
    let pause = bound.mul_f64(0.5 + chance / 2.0);
    asked.map_or(pause, |asked| asked.min(RETRY_AFTER_MAX).max(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let bounds = [1, 2, 3, 9, 10, 1000].map(|attempt| retry_pause(attempt, 1.0, None).as_secs());
        assert_eq!(bounds, [10, 20, 40, 2560, 3600, 3600]);
        assert_eq!(retry_pause(1, 0.0, None), Duration::from_secs(5));
        assert_eq!(retry_pause(0, 0.0, None), Duration::from_secs(5));
    }

    #[test]
    fn what_the_endpoint_asks_for_is_kept_as_far_as_a_queue_can() {
        let asked = |seconds| retry_pause(3, 0.5, Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!(asked(0), 30, "never sooner than by itself");
        assert_eq!(asked(7200), 7200);
        assert_eq!(asked(1_000_000), 11 * 3600);
    }
}
