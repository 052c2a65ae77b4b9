//! What is said of every command that looks at all messages of a place, and at the end of a run.
//!
//! What was done is known before.

use std::io::Write;

use coffeeshop_core::place::Place;
use coffeeshop_core::ports::{Clock, Depth, MessageId, Objects, Queues};
use serde::Serialize;

use super::Desk;
use crate::cli::dlq::SLICE_MESSAGES_MAX;
use crate::dlq::pass::Run;
use crate::dlq::plan::{Counts, State};
use crate::failure::Why;
use crate::run::Verdict;
use crate::table::counted;

/// How many messages of a kind are listed one by one to a person.
const LISTED_MAX: usize = 20;

/// Says how many messages somebody else holds: they are not seen. Returns how many there are.
pub(super) async fn held_by_others<W: Write, Q: Queues, O: Objects, C: Clock>(
    desk: &Desk<'_, W, Q, O, C>,
    place: &Place,
) -> Result<Depth, Why> {
    let depth = desk.ports.queues.depth(&place.resting().queue).await?;
    if depth.hidden > 0 {
        let messages = counted(depth.hidden, "message");
        desk.warn(format!("{messages} of {} are hidden for a while, by another command or a killed one", place.name()));
    }
    Ok(depth)
}

/// Says that there were too many to see all.
pub(super) fn cut<W: Write, Q: Queues, O: Objects, C: Clock>(desk: &Desk<'_, W, Q, O, C>, place: &Place, is_cut: bool) {
    if is_cut {
        desk.warn(format!(
            "{} may have more than these {SLICE_MESSAGES_MAX}: no more can be held at once; when they are done, run this again",
            place.name()
        ));
    }
}

/// Says that messages could not be given back; whether there are any.
pub(super) fn hidden<W: Write, Q: Queues, O: Objects, C: Clock>(desk: &Desk<'_, W, Q, O, C>, hidden: u64) -> bool {
    if hidden > 0 {
        desk.warn(format!(
            "{} could not be given back: they are seen again within ten minutes",
            counted(hidden, "message")
        ));
    }
    hidden > 0
}

/// How a run ended.
#[derive(Debug, Serialize)]
pub(super) struct Ending<'a> {
    kind: &'static str,
    run: &'a str,
    place: &'a str,
    /// Where messages went; absent when they were only deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    planned: u64,
    pub(super) done: u64,
    /// Nothing was done with them: they were not found, or it was stopped before.
    not_begun: u64,
    failed: u64,
    /// They may have been sent, and may not; they are still there.
    in_doubt: u64,
    /// They were sent, and are still there.
    sent_not_deleted: u64,
    /// They may have been sent twice.
    possibly_double: u64,
    /// They were not planned.
    left_alone: u64,
    hidden: u64,
    journal: String,
}

impl<'a> Ending<'a> {
    /// Of a run on this place.
    pub(super) fn of<Q, C>(run: &'a Run<'_, Q, C>, place: &'a str, to: Option<&'a str>, left_alone: u64) -> Self {
        let plan = run.plan.borrow();
        let Counts { waiting, in_doubt, sent, done, failed } = plan.counts();
        Self {
            kind: "summary",
            run: run.id.as_str(),
            place,
            to,
            planned: plan.len(),
            done,
            not_begun: waiting,
            failed,
            in_doubt,
            sent_not_deleted: sent,
            possibly_double: run.doubled.borrow().len() as u64,
            left_alone,
            hidden: run.hidden.get(),
            journal: run.journal.path().display().to_string(),
        }
    }

    /// Whether all that was asked for was done.
    pub(super) fn verdict(&self) -> Verdict {
        let others = self.left_alone + self.hidden;
        if self.planned == self.done && others == 0 { Verdict::Well } else { Verdict::Amiss }
    }

    /// Whether a run of this plan has something left to do.
    pub(super) fn goes_on(&self) -> bool {
        self.planned > self.done
    }

    fn words(&self) -> String {
        let what = match self.to {
            Some(to) => format!("replayed to {to}"),
            None => "discarded".to_owned(),
        };
        let mut lines = vec![format!("{} of {} {what}", self.done, counted(self.planned, "message"))];
        let more = [
            (self.failed, "could not be sent, and are still there"),
            (self.in_doubt, "may have been sent, and may not; they are still there"),
            (self.sent_not_deleted, "were sent, and are still there: `resume` only deletes them"),
            (
                self.not_begun,
                "were not begun with: not reached, gone, or hidden for ten minutes at most by another command or a killed one",
            ),
            (self.left_alone, "were left alone: they were replayed too often already"),
            (self.possibly_double, "were sent again, and may be there twice"),
            (self.hidden, "could not be given back, and are seen again within ten minutes"),
        ];
        let more = more.into_iter().filter(|(count, _)| *count > 0);
        lines.extend(more.map(|(count, words)| format!("  {count} {words}")));
        lines.push(format!("journal: {}", self.journal));
        lines.join("\n")
    }
}

/// Says how a run ended.
pub(super) fn ending<W: Write, Q: Queues, O: Objects, C: Clock>(desk: &Desk<'_, W, Q, O, C>, ending: &Ending<'_>) {
    if desk.invocation.json {
        desk.output.object(ending);
    } else {
        desk.output.line(ending.words());
    }
}

/// Names the messages of a run that were not simply done.
pub(super) fn lists<W: Write, Q: Queues, O: Objects, C: Clock>(
    desk: &Desk<'_, W, Q, O, C>,
    run: &Run<'_, Q, C>,
    left_alone: &[(MessageId, String)],
    missing: &[MessageId],
) {
    let (plan, failures, doubled) = (run.plan.borrow(), run.failures.borrow(), run.doubled.borrow());
    let alone = |id| (id, None);
    let failures = failures.iter().map(|(id, why)| (id, Some(why.as_str())));
    name(desk, "failed", "not sent, as far as is known", failures);
    name(desk, "sent_not_deleted", "sent, and still there", plan.of(State::Sent).into_iter().map(alone));
    name(desk, "possibly_double", "sent again: they may be there twice", doubled.iter().map(alone));
    let left_alone = left_alone.iter().map(|(id, times)| (id, Some(times.as_str())));
    name(desk, "left_alone", "left alone, because they were replayed too often already", left_alone);
    name(desk, "not_found", "of the file of ids, these were not found", missing.iter().map(alone));
}

/// A message that is named, as programs read it.
#[derive(Serialize)]
struct Named<'a> {
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// Names messages: all to programs, some to a person.
pub(super) fn name<'m, W: Write, Q: Queues, O: Objects, C: Clock>(
    desk: &Desk<'_, W, Q, O, C>,
    kind: &'static str,
    heading: &str,
    messages: impl IntoIterator<Item = (&'m MessageId, Option<&'m str>)>,
) {
    let mut count = 0_usize;
    for (id, why) in messages {
        count += 1;
        if desk.invocation.json {
            desk.output.object(&Named { kind, id: &id.0, why });
            continue;
        }
        if count == 1 {
            desk.output.line(format!("{heading}:"));
        }
        if count <= LISTED_MAX {
            let why = why.map_or(String::new(), |why| format!("  {why}"));
            desk.output.line(format!("  {}{why}", id.0));
        }
    }
    if count > LISTED_MAX {
        desk.say(format!("  and {} more: all of them are in the journal", count - LISTED_MAX));
    }
}
