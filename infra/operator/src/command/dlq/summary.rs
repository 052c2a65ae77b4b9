//! What is said at the end of a run.
//!
//! What was done is known before.

use std::io::Write;

use coffeeshop_core::place::{Place, Resting, Target};
use coffeeshop_core::ports::MessageId;
use serde::Serialize;

use super::Desk;
use crate::dlq::plan::{Counts, State};
use crate::dlq::run::{Run, Work};
use crate::dlq::wording::{done_again, unit};
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

/// How many messages of a kind are listed one by one to a person.
const LISTED_MAX: usize = 20;

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
    #[serde(flatten)]
    archives: Option<OfArchives>,
    #[serde(flatten)]
    ratings: Option<OfRatings>,
    /// What became of the first messages, if they were to be waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<&'static str>,
    journal: String,
    #[serde(skip)]
    words: Words,
}

/// Where what rests are archives.
#[derive(Debug, Serialize)]
struct OfArchives {
    /// They are gone, and what is left over of each is in new archives.
    parted: u64,
    /// How many records the function is through with.
    records_done: u64,
}

/// Where records are of ratings.
#[derive(Debug, Serialize)]
struct OfRatings {
    /// How many ratings were held against what scores hold of them.
    ratings_held: u64,
    /// How many of these had to be set right.
    ratings_repaired: u64,
}

/// What it is called.
#[derive(Debug)]
struct Words {
    unit: &'static str,
    done: String,
    /// What is done to a message so that it is done again.
    sent: &'static str,
    /// What may have kept messages from it.
    not_begun: &'static str,
}

impl Words {
    fn of(place: &Place, to: Option<&Target>) -> Self {
        let is_function = to.is_some_and(|to| to.as_function().is_some());
        Self {
            unit: unit(place),
            done: to.map_or_else(|| "discarded".to_owned(), done_again),
            sent: if is_function { "handed over" } else { "sent" },
            not_begun: match place.resting {
                Resting::Queue { .. } => {
                    "not reached, gone, or hidden for ten minutes at most by another command or a killed one"
                }
                Resting::Archives(_) => "not reached",
            },
        }
    }
}

impl<'a> Ending<'a> {
    /// Of a run on this place.
    pub(super) fn of(
        run: &'a Run<'_, impl Wiring>,
        place: &'a Place,
        to: Option<&'a Target>,
        left_alone: u64,
        canary: Option<&'static str>,
    ) -> Self {
        let plan = run.plan.borrow();
        let Counts { waiting, in_doubt, sending, sent, done, failed, parted } = plan.counts();
        // What is only to be deleted was never sent.
        let (not_begun, sent) = if to.is_some() { (waiting, sent) } else { (sent, 0) };
        Self {
            kind: "summary",
            run: run.id.as_str(),
            place: &place.name,
            to: to.map(Target::name),
            planned: plan.len(),
            done,
            not_begun,
            failed,
            in_doubt: in_doubt + sending,
            sent_not_deleted: sent,
            possibly_double: plan.doubled().len() as u64,
            left_alone,
            hidden: run.hidden.get(),
            archives: matches!(place.resting, Resting::Archives(_))
                .then(|| OfArchives { parted, records_done: run.records_done.get() }),
            ratings: to
                .and_then(Target::as_function)
                .filter(|function| function.is_of_ratings())
                .map(|_| OfRatings { ratings_held: run.held.get(), ratings_repaired: run.repaired.get() }),
            canary,
            journal: run.journal.path().display().to_string(),
            words: Words::of(place, to),
        }
    }

    /// Whether all that was asked for was done.
    pub(super) fn verdict(&self) -> Verdict {
        let others = self.left_alone + self.hidden;
        if self.planned == self.done && others == 0 { Verdict::Well } else { Verdict::Amiss }
    }

    /// Whether a run of this plan has something left to do.
    pub(super) fn goes_on(&self) -> bool {
        self.planned > self.done + self.archives.as_ref().map_or(0, |archives| archives.parted)
    }

    fn words(&self) -> String {
        let Words { unit, done, sent, not_begun } = &self.words;
        let mut lines = vec![format!("{} of {} {done}", self.done, counted(self.planned, unit))];
        let parted = self.archives.as_ref().map_or(0, |archives| archives.parted);
        let more = [
            (parted, "were done in part: what is left over is in new archives, which are named above".to_owned()),
            (self.failed, format!("could not be {sent}, and are still there; why is said above")),
            (self.in_doubt, format!("may have been {sent}, and may not; they are still there")),
            (self.sent_not_deleted, format!("were {sent}, and are still there: `resume` only deletes them")),
            (self.not_begun, format!("were not begun with: {not_begun}")),
            (self.left_alone, "were left alone: they were replayed too often already".to_owned()),
            (self.possibly_double, format!("were {sent} again, and may have been before")),
            (self.hidden, "could not be given back, and are seen again within ten minutes".to_owned()),
        ];
        let more = more.into_iter().filter(|(count, _)| *count > 0);
        lines.extend(more.map(|(count, words)| format!("  {count} {words}")));
        if let Some(OfRatings { ratings_held, ratings_repaired }) = &self.ratings {
            let held = counted(*ratings_held, "rating");
            lines.push(format!(
                "  {held} held against the table; the scores had {ratings_repaired} of them otherwise, and follow now"
            ));
        }
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

/// Names the messages of a run that were not simply done.
pub(super) fn lists<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    run: &Run<'_, P>,
    left_alone: &[(MessageId, String)],
    missing: &[MessageId],
    is_through: bool,
) {
    let (plan, failures) = (run.plan.borrow(), run.failures.borrow());
    let alone = |id| (id, None);
    let states = |states: &[State]| -> Vec<&MessageId> {
        let ids = states.iter().flat_map(|state| plan.of(*state));
        ids.filter(|id| !failures.contains_key(*id)).collect()
    };
    name(desk, "failed", "not done", failures.iter().map(|(id, why)| (id, Some(why.as_str()))));
    let not_begun = [State::Waiting, State::InDoubt, State::Sending];
    let (not_begun, sent) = match run.work {
        Work::Send { .. } => (states(&not_begun), states(&[State::Sent])),
        Work::Delete => (states(&[State::Sent]), Vec::new()),
    };
    name(desk, "sent_not_deleted", "sent, and still there", sent.into_iter().map(alone));
    // Where it was stopped, a person knows why.
    if is_through || desk.invocation.json {
        name(desk, "not_begun", "not begun with", not_begun.into_iter().map(alone));
    }
    name(desk, "possibly_double", "sent again: they may be there twice", plan.doubled().iter().map(alone));
    let parted = plan.parted().iter().map(|(id, words)| (id, Some(words.as_str())));
    name(desk, "parted", "done in part", parted);
    let left_alone = left_alone.iter().map(|(id, times)| (id, Some(times.as_str())));
    name(desk, "left_alone", "left alone, because they were replayed too often already", left_alone);
    name(desk, "not_found", "of the file of ids, these were not found", missing.iter().map(alone));
}

/// A message that is named, as programs read it.
#[derive(Serialize)]
struct Named<'a> {
    kind: &'static str,
    id: &'a MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// Names messages: all to programs, some to a person.
pub(super) fn name<'m, W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    kind: &'static str,
    heading: &str,
    messages: impl IntoIterator<Item = (&'m MessageId, Option<&'m str>)>,
) {
    let mut count = 0_usize;
    for (id, why) in messages {
        count += 1;
        if desk.invocation.json {
            desk.output.object(&Named { kind, id, why });
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
        desk.say(format!("  and {} more: all of them with --json", count - LISTED_MAX));
    }
}
