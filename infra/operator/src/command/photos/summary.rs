//! What is said at the end of a run on photos.
//!
//! What was done is known before.

use std::collections::BTreeSet;
use std::io::Write;

use coffeeshop_core::keys::PhotoKey;
use serde::Serialize;

use super::Desk;
use crate::failure::Why;
use crate::photos::plan::{Counts, Open};
use crate::photos::send::{Run, planned};
use crate::table::counted;
use crate::wiring::Wiring;

/// How many photos of a kind are listed one by one to a person.
const LISTED_MAX: usize = 20;

/// How a run ended.
#[derive(Debug, Serialize)]
pub(super) struct Ending<'a> {
    kind: &'static str,
    run: &'a str,
    planned: u64,
    pub(super) sent: u64,
    /// It was stopped before them.
    not_begun: u64,
    /// They were certainly not sent.
    failed: u64,
    /// They may have been sent, and may not.
    in_doubt: u64,
    /// They may have been sent twice.
    possibly_double: u64,
    /// Their outcomes could not be understood, and they were not planned.
    unreadable: u64,
    journal: String,
}

impl<'a> Ending<'a> {
    pub(super) fn of(run: &'a Run<'_, impl Wiring>, unreadable: u64) -> Self {
        let plan = run.plan.borrow();
        let Counts { planned, sent, not_begun, failed, in_doubt } = plan.counts();
        Self {
            kind: "summary",
            run: run.id.as_str(),
            planned,
            sent,
            not_begun,
            failed,
            in_doubt,
            possibly_double: plan.doubled().len() as u64,
            unreadable,
            journal: run.journal.path().display().to_string(),
        }
    }

    fn words(&self) -> String {
        let photos = counted(self.planned, "photo");
        let mut lines = vec![format!("{} of {photos} sent to be made anew, where that makes a difference", self.sent)];
        let more = [
            (self.failed, "could not be sent; why is said above"),
            (self.in_doubt, "may have been sent, and may not"),
            (self.not_begun, "were not begun with"),
            (self.possibly_double, "were sent again, and their requests may be there twice"),
            (self.unreadable, "have an outcome that cannot be understood, and were not planned"),
        ];
        let more = more.into_iter().filter(|(count, _)| *count > 0);
        lines.extend(more.map(|(count, words)| format!("  {count} {words}")));
        lines.push(format!("journal: {}", self.journal));
        lines.join("\n")
    }
}

/// Says how a run ended.
pub(super) fn ending<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, ending: &Ending<'_>) {
    if desk.invocation.json {
        desk.output.object(ending);
    } else {
        desk.output.line(ending.words());
    }
}

/// A photo that is named, as programs read it.
#[derive(Serialize)]
struct Named<'a> {
    kind: &'static str,
    #[serde(flatten)]
    photo: &'a PhotoKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// Names the photos of a run that were not simply sent.
pub(super) fn lists<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, run: &Run<'_, P>) -> Result<(), Why> {
    let plan = run.plan.borrow();
    name(desk, run, "failed", "not sent", &plan.open(Open::Failed))?;
    name(desk, run, "in_doubt", "they may have been sent, and may not", &plan.open(Open::InDoubt))?;
    name(desk, run, "possibly_double", "sent again: their requests may be there twice", plan.doubled())
}

/// Names photos, which are read from the journal: all to programs, some to a person.
fn name<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    run: &Run<'_, P>,
    kind: &'static str,
    heading: &str,
    positions: &BTreeSet<u64>,
) -> Result<(), Why> {
    let Some(last) = positions.last() else { return Ok(()) };
    desk.say(format!("{heading}:"));
    let failures = run.failures.borrow();
    let listed = if desk.invocation.json { usize::MAX } else { LISTED_MAX };
    let is_named = |position: &u64| positions.contains(position);
    let photos = planned(&run.journal, run.id, last + 1)?;
    let named = photos.filter(|it| it.as_ref().map_or(true, |(position, _)| is_named(position)));
    for named in named.take(listed) {
        let (position, photo) = named?;
        let why = failures.get(&position).map(String::as_str);
        if desk.invocation.json {
            desk.output.object(&Named { kind, photo: &photo, why });
        } else {
            let why = why.map_or(String::new(), |why| format!("  {why}"));
            desk.output.line(format!("  {photo}{why}"));
        }
    }
    if positions.len() > listed {
        desk.say(format!("  and {} more: all of them with --json", positions.len() - listed));
    }
    Ok(())
}
