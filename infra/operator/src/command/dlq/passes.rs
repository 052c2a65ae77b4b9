//! The passes of a run: all of its plan at once, or a few messages first.
//!
//! What is done with one message is in `dlq::pass`, and how it is seen what became of the first in `dlq::canary`.

use std::io::Write;

use coffeeshop_core::place::{Resting, Target, TargetQueue};
use coffeeshop_core::ports::{Clock as _, QueueUrl, Queues as _};

use super::{Desk, interrupted};
use crate::cli::dlq::Pace;
use crate::dlq::audit::Audit;
use crate::dlq::canary::{Canary, Fate, back};
use crate::dlq::entry::Entry;
use crate::dlq::run::Run;
use crate::dlq::wording::unit_of;
use crate::failure::Why;
use crate::table::counted;
use crate::wiring::Wiring;

/// What became of the messages that were sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CanaryEnd {
    Handled,
    /// Not all of them could be sent.
    NotSent,
    CameBack,
    /// They may be in the queue still.
    StillThere,
}

impl CanaryEnd {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::NotSent => "not_sent",
            Self::CameBack => "came_back",
            Self::StillThere => "still_there",
        }
    }
}

/// All of the plan, a few first if that is wanted: the rest only when those were handled.
pub(super) async fn passes<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    run: &Run<'_, P>,
    audit: &Audit<'_, P::Objects, P::Clock>,
    target: Option<&Target>,
    pace: Pace,
) -> Result<Option<CanaryEnd>, Why> {
    let progress = async |done| {
        desk.teller.at(done, desk.ports.clock.now());
        audit.put_now_and_then(&run.journal).await
    };
    desk.teller.begin(&format!("run {}", run.id), run.plan.borrow().len(), unit_of(run.from));
    let canary = match (pace.canary, target) {
        (Some(first), Some(target)) => {
            // Of an earlier process of this run, some may be back.
            let before = if run.is_resumed { back_before(run, target).await? } else { 0 };
            let counts = run.plan.borrow().counts();
            let wanted = first.min(counts.waiting + counts.in_doubt);
            let sent = run.pass(first, progress).await?;
            interrupted(desk)?;
            Some(first_messages(desk, run, target, FirstMessages { wanted, sent, before }).await?)
        }
        _ => None,
    };
    if canary.is_none_or(|end| end == CanaryEnd::Handled) {
        run.pass(u64::MAX, progress).await?;
        interrupted(desk)?;
    }
    Ok(canary)
}

/// How many messages that this run sent are back, or in a way to be.
async fn back_before<P: Wiring>(run: &Run<'_, P>, target: &Target) -> Result<u64, Why> {
    let Resting::Queue { queue, .. } = run.from else { return Ok(0) };
    let back = match target {
        Target::Queue(target) => canary(run, target, queue).back().await?,
        Target::Function(_) => back(run.ports.queues, run.ports.clock, queue, run.id, run.stop).await?,
    };
    Ok(back.unwrap_or_default())
}

fn canary<'a, P: Wiring>(
    run: &'a Run<'_, P>,
    target: &'a TargetQueue,
    from: &'a QueueUrl,
) -> Canary<'a, P::Queues, P::Clock> {
    Canary { queues: run.ports.queues, clock: run.ports.clock, target, from, run: run.id, stop: run.stop }
}

/// How many messages were to be sent first, how many were, and how many of the run were back before.
struct FirstMessages {
    wanted: u64,
    sent: u64,
    before: u64,
}

/// Waits until it is known what became of those that were sent first.
async fn first_messages<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    run: &Run<'_, P>,
    target: &Target,
    FirstMessages { wanted, sent, before }: FirstMessages,
) -> Result<CanaryEnd, Why> {
    if sent < wanted {
        desk.warn(format!("only {sent} of the first {wanted} could be done again: nothing more is sent"));
        return Ok(CanaryEnd::NotSent);
    }
    if sent == 0 {
        return Ok(CanaryEnd::Handled);
    }
    let fate = match (run.from, target) {
        // What could not be done was not counted.
        (Resting::Archives(_), _) => Fate::Handled,
        (Resting::Queue { queue, .. }, Target::Queue(target)) => {
            desk.say(format!("the first {sent} are sent: waiting until {} has handled them", target.name));
            let waiting = |messages| desk.teller.waiting(messages, &target.name, run.ports.clock.now());
            canary(run, target, queue).fate(before, waiting).await?
        }
        // The function is through with them, and has set aside again by now what makes no sense.
        (Resting::Queue { queue, .. }, Target::Function(_)) => {
            match back(run.ports.queues, run.ports.clock, queue, run.id, run.stop).await? {
                Some(back) if back > before => Fate::CameBack(back - before),
                _ if run.stop.is_requested() => Fate::Stopped,
                Some(_) => Fate::Handled,
                None => Fate::StillThere(run.ports.queues.depth(queue).await?.total()),
            }
        }
    };
    said(desk, run, target, sent, fate)
}

/// What follows from it.
fn said<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    run: &Run<'_, P>,
    target: &Target,
    sent: u64,
    fate: Fate,
) -> Result<CanaryEnd, Why> {
    let note = |came_back| run.journal.write(run.ports.clock.now(), [Entry::CanaryFailed { came_back }]);
    Ok(match fate {
        Fate::Handled => {
            desk.say("they were handled");
            CanaryEnd::Handled
        }
        Fate::CameBack(came_back) => {
            note(came_back)?;
            desk.warn(format!("{came_back} of the first {sent} came back: nothing more is sent"));
            CanaryEnd::CameBack
        }
        Fate::StillThere(messages) => {
            note(0)?;
            let messages = counted(messages, "message");
            desk.warn(format!(
                "{} still has {messages}, so that nobody knows whether the first {sent} were handled: nothing more is sent. \
                 See why they wait; where messages always do, replay without --canary, and with --rate",
                target.name()
            ));
            CanaryEnd::StillThere
        }
        Fate::Stopped => return Err(Why::Interrupted { repairs: false }),
    })
}
