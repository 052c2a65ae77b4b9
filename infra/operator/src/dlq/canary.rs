//! Whether what was sent first was handled: it has left its queue, and did not come back.
//!
//! A message cannot be followed through a queue. So it is waited until the queue is empty for a while, at most until it must
//! have given up whatever it handed out; then it is looked where the queue puts what it gives up.

use std::ops::ControlFlow;
use std::time::Duration;

use coffeeshop_core::place::TargetQueue;
use coffeeshop_core::ports::{Clock, QueueUrl, Queues};
use jiff::{SignedDuration, Timestamp};

use super::outgoing::replayed;
use super::spool::Spool;
use super::stop::Stop;
use super::sweep::sweep;
use crate::cli::dlq::SLICE_MESSAGES_MAX;
use crate::cli::values::RunId;
use crate::failure::Why;

/// How often the queue is looked at.
const POLL: Duration = Duration::from_secs(5);

/// For how long the queue must be empty: [what it says of itself may be a minute old][1].
///
/// [1]: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
const EMPTY_FOR: SignedDuration = SignedDuration::from_secs(60);

/// What became of what was sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has left the queue, and did not come back.
    Handled,
    /// So many of them are back, or more.
    CameBack(u64),
    /// The queue has had its time, and still has so many messages.
    StillThere(u64),
    /// Somebody wanted to stop before that was known.
    Stopped,
}

/// What was sent, and where.
pub(crate) struct Canary<'a, Q, C> {
    pub(crate) queues: &'a Q,
    pub(crate) clock: &'a C,
    pub(crate) target: &'a TargetQueue,
    /// Where to look when the queue gives nothing up.
    pub(crate) from: &'a QueueUrl,
    pub(crate) run: &'a RunId,
    pub(crate) stop: &'a Stop,
}

impl<Q: Queues, C: Clock> Canary<'_, Q, C> {
    /// Waits until that is known. `before` of them were back before they were sent; `waiting` hears how many messages the
    /// queue still has.
    pub(crate) async fn fate(&self, before: u64, mut waiting: impl FnMut(u64)) -> Result<Fate, Why> {
        let begun = self.clock.now();
        let given_up_at = self.target.gives_up.as_ref().map(|(_, receives)| {
            let receives = self.target.visibility.saturating_mul(*receives);
            let after = SignedDuration::try_from(receives).unwrap_or(SignedDuration::MAX).saturating_add(EMPTY_FOR);
            begun.checked_add(after).unwrap_or(Timestamp::MAX)
        });
        let (mut empty_since, mut lowest) = (None, u64::MAX);
        loop {
            if self.stop.is_requested() {
                return Ok(Fate::Stopped);
            }
            let resting = self.queues.depth(self.resting()).await?.total();
            if resting > lowest {
                let back = self.back().await?.unwrap_or_default();
                if back > before {
                    return Ok(Fate::CameBack(back - before));
                }
            }
            lowest = resting;
            let depth = self.queues.depth(&self.target.queue).await?.total();
            waiting(depth);
            let now = self.clock.now();
            empty_since = if depth == 0 { empty_since.or(Some(now)) } else { None };
            let is_empty = empty_since.is_some_and(|since| now.duration_since(since) >= EMPTY_FOR);
            let is_late = given_up_at.is_some_and(|at| now >= at);
            if is_empty || is_late {
                return Ok(match self.back().await? {
                    Some(back) if back > before => Fate::CameBack(back - before),
                    // Then not all was seen.
                    _ if self.stop.is_requested() => Fate::Stopped,
                    Some(_) if is_empty => Fate::Handled,
                    _ => Fate::StillThere(depth),
                });
            }
            self.clock.sleep(POLL).await;
        }
    }

    /// Where it would come back to.
    fn resting(&self) -> &QueueUrl {
        self.target.gives_up.as_ref().map_or(self.from, |(queue, _)| queue)
    }

    /// How many messages that this run sent are there; `None`: there are too many to see all.
    pub(crate) async fn back(&self) -> Result<Option<u64>, Why> {
        back(self.queues, self.clock, self.resting(), self.run, self.stop).await
    }
}

/// How many messages that the run sent are in the queue; `None`: there are too many to see all.
pub(crate) async fn back<Q: Queues, C: Clock>(
    queues: &Q,
    clock: &C,
    queue: &QueueUrl,
    run: &RunId,
    stop: &Stop,
) -> Result<Option<u64>, Why> {
    let mut back = 0;
    let spool = Spool::anonymous().map_err(Why::Spool)?;
    let sweep = sweep(queues, clock, queue, SLICE_MESSAGES_MAX, stop, &spool, |message| {
        back += u64::from(replayed(&message.content).is_some_and(|replayed| replayed.run == run.as_str()));
        Ok(ControlFlow::Continue(()))
    });
    let is_cut = sweep.await?.is_cut;
    Ok(Some(back).filter(|back| !is_cut || *back > 0))
}
