//! What a webhook's answer means: a pure decision.
//!
//! Nothing is done about it here.

use std::time::Duration;

use coffeeshop_core::ports::ParkReason;
use jiff::Timestamp;

use crate::webhook::client::{Answer, RetryAfter};
use crate::webhook::target::Target;

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

/// What `answer` of `target`, which came at `now`, means.
pub(crate) fn verdict(target: &Target, answer: Answer, now: Timestamp) -> Verdict {
    let (status, retry_after, excerpt) = match answer {
        Answer::Unreachable(error) => {
            return Verdict::Retry { reason: ParkReason::new("unreachable", &error), after: None };
        }
        Answer::Refused(refused) => return Verdict::Refused(ParkReason::new(refused.code(), &refused)),
        Answer::Status { status, retry_after, excerpt } => (status, retry_after, excerpt),
    };
    let reason = |code| {
        // Many answer with the path that they were called with, and that is often a password.
        let excerpt: String = target.without_path(&excerpt).chars().take(EXCERPT_CHARS_MAX).collect();
        ParkReason::new(code, &format!("the webhook answered {status}: {excerpt}"))
    };
    let retry = |code| Verdict::Retry { reason: reason(code), after: retry_after.map(|after| pause(after, now)) };
    match status {
        200..=299 => Verdict::Delivered { status },
        410 => Verdict::Gone,
        429 => retry("status_429"),
        500..=599 => retry("status_5xx"),
        300..=399 => Verdict::Refused(reason("status_3xx")),
        400..=499 => Verdict::Refused(reason("status_4xx")),
        _ => Verdict::Refused(reason("status_unknown")),
    }
}

fn pause(after: RetryAfter, now: Timestamp) -> Duration {
    match after {
        RetryAfter::In(pause) => pause,
        // In the past: at once.
        RetryAfter::At(time) => Duration::try_from(time.duration_since(now)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::target::{Allow, Refused};

    const NOW: i64 = 1_795_255_200;

    fn said(status: u16, retry_after: Option<RetryAfter>, excerpt: &str) -> Verdict {
        let target = Target::parse("https://hooks.example/services/T0/s3cret-Path?key=hunter2x", &Allow::default());
        let answer = Answer::Status { status, retry_after, excerpt: excerpt.to_owned() };
        verdict(&target.unwrap(), answer, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn when_to_come_again_is_kept_in_both_forms_and_for_both_kinds() {
        let at = |second| Some(RetryAfter::At(Timestamp::from_second(NOW + second).unwrap()));
        for (status, retry_after, expected) in [
            (429, Some(RetryAfter::In(Duration::from_secs(7))), Some(7)),
            (503, Some(RetryAfter::In(Duration::from_secs(7))), Some(7)),
            (503, at(90), Some(90)),
            (429, at(-90), Some(0)),
            (500, None, None),
        ] {
            let Verdict::Retry { after, .. } = said(status, retry_after, "") else { panic!("{status}") };
            assert_eq!(after.map(|after| after.as_secs()), expected, "{status} {retry_after:?}");
        }
    }

    #[test]
    fn what_it_said_is_shown_in_part_and_without_the_path() {
        let Verdict::Refused(reason) = said(404, None, "Cannot POST /services/T0/s3cret-Path?key=hunter2x!") else {
            panic!()
        };
        assert_eq!(reason.error, "the webhook answered 404: Cannot POST ..!");
        let Verdict::Refused(reason) = said(400, None, "bad s3cret-Path and hunter2x, T0") else { panic!() };
        assert_eq!(reason.error, "the webhook answered 400: bad .. and .., T0");
        let Verdict::Refused(reason) = said(400, None, &"é".repeat(4000)) else { panic!() };
        assert_eq!(reason.error.chars().filter(|c| *c == 'é').count(), EXCERPT_CHARS_MAX);
    }

    #[test]
    fn an_address_that_is_not_public_is_refused_and_not_tried_again() {
        let target = Target::parse("https://hooks.example/", &Allow::default()).unwrap();
        let refused = Refused::Address { address: "10.0.0.1".parse().unwrap() };
        let found = verdict(&target, Answer::Refused(refused.clone()), Timestamp::default());
        assert_eq!(found, Verdict::Refused(ParkReason::new("address", &refused)));
    }
}
