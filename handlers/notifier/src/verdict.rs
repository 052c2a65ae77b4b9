//! What a webhook's answer means: a pure decision.
//!
//! Nothing is done about it here.

use std::time::Duration;

use coffeeshop_core::ports::ParkReason;
use jiff::Timestamp;

use crate::webhook::client::{Answer, RetryAfter};

/// How much of an answer's body is shown to an operator, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// What to do after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was taken.
    Delivered {
        /// The status.
        status: u16,
    },
    /// Nobody wants this any more.
    Gone,
    /// Trying again will not help.
    Refused(ParkReason),
    /// Trying again may help.
    Retry {
        /// What was wrong.
        reason: ParkReason,
        /// How long the webhook wants to be left alone.
        after: Option<Duration>,
    },
}

/// What `answer`, which came at `now`, means.
pub(crate) fn verdict(answer: Answer, now: Timestamp) -> Verdict {
    match answer {
        Answer::Unreachable(error) => Verdict::Retry { reason: ParkReason::new("unreachable", &error), after: None },
        Answer::Refused(refused) => Verdict::Refused(ParkReason::new(refused.code(), &refused)),
        Answer::Status { status, retry_after, excerpt } => {
            let reason = |code| {
                let excerpt: String = excerpt.chars().take(EXCERPT_CHARS_MAX).collect();
                ParkReason::new(code, &format!("the webhook answered {status}: {excerpt}"))
            };
            match status {
                200..=299 => Verdict::Delivered { status },
                410 => Verdict::Gone,
                429 => {
                    Verdict::Retry { reason: reason("status_429"), after: retry_after.map(|after| pause(after, now)) }
                }
                500..=599 => {
                    Verdict::Retry { reason: reason("status_5xx"), after: retry_after.map(|after| pause(after, now)) }
                }
                300..=399 => Verdict::Refused(reason("status_3xx")),
                400..=499 => Verdict::Refused(reason("status_4xx")),
                _ => Verdict::Refused(reason("status_unknown")),
            }
        }
    }
}

fn pause(after: RetryAfter, now: Timestamp) -> Duration {
    match after {
        RetryAfter::In(pause) => pause,
        // In the past: at once.
        RetryAfter::At(time) => Duration::try_from(time.duration_since(now)).unwrap_or_default(),
    }
}
