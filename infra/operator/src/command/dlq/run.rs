//! A run from its plan to its end: what `replay`, `resume`, `edit` and `discard` share.
//!
//! What is done with one message is in `dlq::pass`.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::{Place, Resting, Target};
use coffeeshop_core::ports::{Clock as _, Message, MessageId};

use super::Desk;
use super::passes::{CanaryEnd, passes};
use super::summary::{self, Ending};
use crate::cli::dlq::{Audit as AuditOption, Pace, SLICE_MESSAGES_MAX, Selection};
use crate::cli::values::RunId;
use crate::dlq::audit::Audit;
use crate::dlq::batch::Batch;
use crate::dlq::entry::{Action, Begun, Entry};
use crate::dlq::outgoing::times_replayed;
use crate::dlq::pace::Limiter;
use crate::dlq::plan::{BodyHash, Plan, body_hash};
use crate::dlq::run::{Run, Work};
use crate::dlq::select::Selector;
use crate::dlq::spool::Spool;
use crate::dlq::sweep::give_back;
use crate::dlq::wording::unit;
use crate::failure::{Failure, Why};
use crate::journal::{Journal, spool_path};
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

/// A run that has a journal.
pub(super) struct Started {
    pub(super) begun: Begun,
    journal: Journal,
    spool: Spool,
    plan: Plan,
    /// Not planned, because they were replayed too often: how often.
    left_alone: Vec<(MessageId, String)>,
    /// In a file of ids, and nowhere else.
    missing: Vec<MessageId>,
    /// Whether all that could be received was seen when it was planned.
    is_whole: bool,
    is_resumed: bool,
}

impl Started {
    /// Begins a journal.
    pub(super) fn begin<W: Write, P: Wiring>(
        desk: &Desk<'_, W, P>,
        place: &Place,
        run: &RunId,
        action: Action,
        selection: &Selection,
        AuditOption { audit_bucket }: &AuditOption,
    ) -> Result<Self, Why> {
        let begun = Begun {
            run: run.clone(),
            target: desk.invocation.target.to_string(),
            place: place.name.clone(),
            from: place.resting.address(),
            action,
            selection: selection.clone(),
            audit_bucket: audit_bucket.clone(),
        };
        let journal = Journal::create(desk.ports.journals, run)?;
        journal.write(desk.ports.clock.now(), [Entry::Begun(Box::new(begun.clone()))])?;
        let spool = Spool::at(&spool_path(desk.ports.journals, run)).map_err(Why::Spool)?;
        let plan = Plan::new(begun.action.is_discard());
        let (left_alone, missing) = (Vec::new(), Vec::new());
        Ok(Self { begun, journal, spool, plan, left_alone, missing, is_whole: true, is_resumed: false })
    }

    /// Reads the journal of an earlier process.
    pub(super) fn again<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, run: &RunId) -> Result<Self, Why> {
        let journal = Journal::open(desk.ports.journals, run)?;
        let (mut begun, mut plan, mut is_ready, mut left_alone) = (None, Plan::new(false), false, Vec::new());
        journal.read(run, |line| match line.entry {
            Entry::Begun(first) => {
                plan = Plan::new(first.action.is_discard());
                begun = Some(*first);
            }
            Entry::Ready { .. } => is_ready = true,
            Entry::LeftAlone { id, times_replayed } => {
                left_alone.push((id, format!("{times_replayed} times")));
            }
            entry => plan.hear(&entry),
        })?;
        let begun = begun.filter(|_| is_ready).ok_or_else(|| Why::NothingDone(run.clone()))?;
        let spool = Spool::at(&spool_path(desk.ports.journals, run)).map_err(Why::Spool)?;
        Ok(Self { begun, journal, spool, plan, left_alone, missing: Vec::new(), is_whole: true, is_resumed: true })
    }

    /// Gives back what the earlier process still held.
    pub(super) async fn give_back_earlier<W: Write, P: Wiring>(
        &self,
        desk: &Desk<'_, W, P>,
        place: &Place,
    ) -> Result<(), Why> {
        self.journal.write(desk.ports.clock.now(), [Entry::Resumed])?;
        let Resting::Queue { queue, .. } = &place.resting else { return Ok(()) };
        let gone = |id: &MessageId| self.plan.is_done(id);
        // What cannot be given back any more comes back by itself.
        give_back(desk.ports.queues, queue, &self.spool, gone).await.map(drop)
    }

    /// Sweeps the place, and plans the messages that are meant; `hear` is called with each before it is planned.
    pub(super) async fn plan<W: Write, P: Wiring>(
        mut self,
        desk: &Desk<'_, W, P>,
        place: &Place,
        selector: &Selector<'_>,
        max_replays: Option<u32>,
        mut hear: impl FnMut(&Message) -> Result<(), Why>,
    ) -> Result<Self, Why> {
        let max = self.begun.selection.max.unwrap_or(u64::MAX);
        let (plan, left_alone, journal, clock) =
            (&mut self.plan, &mut self.left_alone, &self.journal, desk.ports.clock);
        let (mut archives, is_discard) = (Vec::new(), self.begun.action.is_discard());
        let swept = desk.sweep(place, SLICE_MESSAGES_MAX, &self.spool, |message| {
            // Of archives that are replayed, those go first that were first in their stream, and not that were listed first.
            let is_enough = plan.len() >= max || (is_discard && archives.len() as u64 >= max);
            if !selector.takes(message) || is_enough {
                return Ok(ControlFlow::Continue(()));
            }
            let times = times_replayed(&message.content);
            let entry = if max_replays.is_some_and(|max| times >= max) {
                left_alone.push((message.id.clone(), format!("{times} times")));
                Some(Entry::LeftAlone { id: message.id.clone(), times_replayed: times })
            } else {
                hear(message)?;
                match &place.resting {
                    Resting::Queue { .. } => plan.add(message),
                    Resting::Archives(_) => {
                        archives.push(Sorted::of(message));
                        None
                    }
                }
            };
            journal.write(clock.now(), entry)?;
            Ok(ControlFlow::Continue(()))
        });
        let swept = swept.await.and_then(|swept| Ok((swept, selector.missing()?)));
        // What was earlier in its stream goes first.
        archives.sort();
        archives.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        let entries: Vec<Entry> =
            archives.into_iter().filter_map(|Sorted { id, body, .. }| plan.add_hashed(id, body)).collect();
        journal.write(clock.now(), entries)?;
        match swept {
            Ok((swept, missing)) => {
                (self.is_whole, self.missing) = (swept.is_whole(), missing);
                Ok(self)
            }
            Err(why) => {
                journal.write(clock.now(), [Entry::Stopped { why: why.to_string() }])?;
                // Nobody goes on with what was not planned.
                drop(self.spool.remove());
                Err(why)
            }
        }
    }

    /// Plans this message alone.
    pub(super) fn plan_one<W: Write, P: Wiring>(
        mut self,
        desk: &Desk<'_, W, P>,
        message: &Message,
    ) -> Result<Self, Why> {
        self.journal.write(desk.ports.clock.now(), self.plan.add(message))?;
        Ok(self)
    }

    /// Does it, and says what was done.
    pub(super) async fn execute<W: Write, P: Wiring>(
        self,
        desk: &Desk<'_, W, P>,
        place: &Place,
        target: Option<&Target>,
        paced: Pace,
    ) -> Result<Verdict, Failure> {
        let Self { begun, journal, spool, plan, left_alone, missing, is_whole, is_resumed } = self;
        let (objects, clock) = (desk.ports.objects, desk.ports.clock);
        let planned = plan.len();
        let audit = Audit::new(objects, clock, begun.audit_bucket.as_deref(), &begun.run);
        audit.put(&journal).await?;
        if !is_resumed {
            journal.flush(clock.now(), [Entry::Ready { messages: planned }])?;
        }
        let run = Run {
            id: &begun.run,
            ports: &desk.ports,
            from: &place.resting,
            work: work(&begun.action, target),
            is_resumed,
            limiter: Limiter::new(clock, paced.rate),
            stop: &desk.stop,
            plan: RefCell::new(plan),
            journal,
            spool,
            failures: RefCell::default(),
            hidden: Cell::default(),
            records_done: Cell::default(),
            held: Cell::default(),
            repaired: Cell::default(),
            if_trimmed: desk.if_trimmed(place),
        };
        // Also where results go to a program: whoever kills it must know what to resume.
        desk.warn(format!("run {}: {} of {}", begun.run, counted(planned, unit(place)), begun.place));
        let ended = passes(desk, &run, &audit, target, paced).await;
        desk.teller.end();

        let canary = ended.as_ref().ok().copied().flatten();
        let is_through = ended.is_ok() && canary.is_none_or(|end| end == CanaryEnd::Handled);
        summary::lists(desk, &run, &left_alone, &missing, is_through);
        let ending = Ending::of(&run, place, target, left_alone.len() as u64, canary.map(CanaryEnd::name));
        let entry = match &ended {
            Ok(_) => Entry::Ended { done: ending.done, left: planned - ending.done },
            Err(why) => Entry::Stopped { why: why.to_string() },
        };
        let written = run.journal.flush(clock.now(), [entry]).map_err(Why::from);
        // Everything was given back.
        drop(run.spool.remove());
        let audited = audit.put(&run.journal).await;
        summary::ending(desk, &ending);
        let again = ending.goes_on().then(|| desk.invocation.resume(&begun.run));
        if let Err(why) = ended.and(written).and(audited) {
            return Err(Failure { why, again });
        }
        if let Some(again) = again {
            desk.say(format!("To go on: {again}"));
        }
        let is_done = is_through && ending.verdict() == Verdict::Well;
        Ok(if is_done && is_whole && missing.is_empty() { Verdict::Well } else { Verdict::Amiss })
    }
}

fn work(action: &Action, target: Option<&Target>) -> Work {
    let body = match action {
        Action::Edit { body, .. } => Some(body.clone()),
        Action::Replay { .. } | Action::Discard { .. } => None,
    };
    target.map_or(Work::Delete, |to| Work::Send { to: to.clone(), body })
}

/// An archive, and where its records are in their stream.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sorted {
    position: Option<(String, String, String)>,
    id: MessageId,
    body: BodyHash,
}

impl Sorted {
    fn of(Message { id, content, .. }: &Message) -> Self {
        let position = Batch::parse(&content.body).ok().map(|batch| batch.position());
        Self { position, id: id.clone(), body: body_hash(&content.body) }
    }
}
