//! `coffeeshop dlq replay` and `resume`: messages sent back to where they came from.
//!
//! How one message is sent and deleted is in `dlq::pass`.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::{Place, Target};
use coffeeshop_core::ports::{Message, MessageId};
use serde::Serialize;

use super::{Desk, MessageLine, summary, target_of};
use crate::cli::dlq::{Pace, Replay, SLICE_MESSAGES_MAX};
use crate::cli::values::RunId;
use crate::command::dlq::run::Started;
use crate::dlq::entry::{Action, Begun};
use crate::dlq::group::Fingerprint;
use crate::dlq::outgoing::times_replayed;
use crate::dlq::select::{Seen, Selector};
use crate::dlq::spool::Spool;
use crate::dlq::wording::{printable, unit, with_reader};
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

/// A message of a dry run, as programs read it.
#[derive(Serialize)]
struct WouldLine<'a> {
    #[serde(flatten)]
    message: MessageLine<'a>,
    would: &'static str,
}

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, replay: &Replay) -> Result<Verdict, Failure> {
    let place = desk.place(&replay.place)?;
    let target = target_of(place)?;
    let selector = Selector::new(&replay.selection, place)?;
    if !replay.execute {
        return dry(desk, place, target, &selector, replay).await;
    }
    let action = Action::Replay { to: target.address().to_owned(), pace: replay.pace };
    let started = Started::begin(desk, place, &desk.new_run(place), action, &replay.selection, &replay.audit)?;
    let started = started.plan(desk, place, &selector, Some(replay.max_replays), |_| Ok(())).await?;
    started.execute(desk, place, Some(target), replay.pace).await
}

/// Goes on with a run of an earlier process.
pub(crate) async fn resume<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, run: &RunId) -> Result<Verdict, Failure> {
    let started = Started::again(desk, run)?;
    let Begun { target: stack, place, from, action, .. } = started.begun.clone();
    if stack != desk.invocation.target.to_string() {
        return Err(Why::OtherStack { run: run.clone(), target: stack }.into());
    }
    let place = desk.place(&place)?;
    let (goes_to, paced) = match action {
        Action::Replay { to, pace } => (Some((target_of(place)?, to)), pace),
        Action::Edit { to, .. } => (Some((target_of(place)?, to)), Pace::default()),
        Action::Discard { .. } => (None, Pace::default()),
    };
    let moved = goes_to.as_ref().is_some_and(|(target, to)| target.address() != to);
    if moved || place.resting.address() != from {
        return Err(Why::Moved { run: run.clone(), place: place.name.clone() }.into());
    }
    started.give_back_earlier(desk, place).await?;
    started.execute(desk, place, goes_to.map(|(target, _)| target), paced).await
}

/// What would be done.
#[derive(Default)]
struct Would {
    replayed: u64,
    left_alone: BTreeMap<MessageId, String>,
    /// By group, with an example of its reason and pattern.
    groups: BTreeMap<String, (u64, String)>,
}

async fn dry<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    place: &Place,
    target: &Target,
    selector: &Selector<'_>,
    replay: &Replay,
) -> Result<Verdict, Failure> {
    let max = replay.selection.max.unwrap_or(u64::MAX);
    let (spool, mut would) = (Spool::anonymous().map_err(Why::Spool)?, Would::default());
    let swept = desk.sweep(place, SLICE_MESSAGES_MAX, &spool, |message| {
        if selector.takes(message) && would.replayed < max {
            would.hear(desk, place, message, replay.max_replays);
        }
        Ok(ControlFlow::Continue(()))
    });
    let swept = swept.await?;
    let missing = selector.missing()?;
    let mut groups: Vec<_> = would.groups.iter().collect();
    groups.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (id, (count, words)) in groups {
        desk.say(format!("{count:>7}  {id}  {}", printable(words)));
    }
    let seen = counted(swept.seen, unit(place));
    let (from, to) = (&place.name, with_reader(target));
    let sent = if target.as_function().is_some() { "handed over" } else { "sent" };
    desk.say(format!("{} of {seen} in {from} would be {sent} to {to}", would.replayed));
    let why = would.left_alone.iter().map(|(id, why)| (id, Some(why.as_str())));
    if !desk.invocation.json {
        summary::name(desk, "left_alone", "these would be left alone, they were replayed too often already", why);
    }
    summary::name(desk, "not_found", "of the file of ids, these were not found", missing.iter().map(|id| (id, None)));
    if would.replayed > 0 {
        desk.say(format!("This was a dry run: nothing was {sent}. To do it: {}", desk.invocation.in_earnest()));
    }
    Ok(if swept.is_whole() && missing.is_empty() { Verdict::Well } else { Verdict::Amiss })
}

impl Would {
    fn hear<W: Write, P: Wiring>(&mut self, desk: &Desk<'_, W, P>, place: &Place, message: &Message, max_replays: u32) {
        let (seen, times) = (Seen::of(message, place), times_replayed(&message.content));
        let is_left = times >= max_replays;
        if is_left {
            self.left_alone.insert(message.id.clone(), format!("{times} times"));
        } else {
            self.replayed += 1;
            let Fingerprint { reason, pattern, .. } = &seen.fingerprint;
            let words = reason.as_ref().map_or_else(|| pattern.clone(), |reason| format!("{reason}: {pattern}"));
            self.groups.entry(seen.fingerprint.id()).or_insert((0, words)).0 += 1;
        }
        if desk.invocation.json {
            let would = if is_left { "leave_alone" } else { "replay" };
            desk.output.object(&WouldLine { message: MessageLine::of(place, &seen), would });
        }
    }
}
