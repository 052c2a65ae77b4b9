//! `coffeeshop photos reprocess` and `resume`: photos sent to be made anew.
//!
//! How they are found is in `photos::walk`, how they are sent in `photos::send`.

use std::cell::{Cell, RefCell};
use std::io::Write;

use coffeeshop_core::ports::Clock as _;
use jiff::SignedDuration;

use super::summary::{self, Ending};
use super::{Desk, PhotoLine, list, verdict};
use crate::cli::photos::Reprocess;
use crate::cli::values::{Rate, RunId};
use crate::dlq::wording::age;
use crate::failure::{Failure, Why};
use crate::journal::Journal;
use crate::photos::entry::{Begun, Entry, Verb};
use crate::photos::plan::Plan;
use crate::photos::send::Run;
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

/// What runs on photos are called after.
const PLACE: &str = "photos";

/// How many photos a dry run shows to a person.
const EXAMPLES_MAX: u64 = 20;

/// A run whose plan is whole.
struct Started {
    begun: Begun,
    journal: Journal,
    plan: Plan,
    /// How many outcomes could not be understood when it was planned.
    unreadable: u64,
}

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, arguments: &Reprocess) -> Result<Verdict, Failure> {
    if arguments.dry_run {
        return dry(desk, arguments).await;
    }
    let Reprocess { selection, rate, max, .. } = arguments;
    let begun = Begun {
        run: RunId::new(PLACE, desk.ports.clock.now(), fastrand::u16(..)),
        target: desk.invocation.target.to_string(),
        verb: Verb::Reprocess,
        queue: desk.ports.places.uploads.0.clone(),
        selection: selection.clone(),
        rate: *rate,
        max: *max,
    };
    let started = plan(desk, begun).await?;
    execute(desk, started).await
}

/// Goes on with a run of an earlier process.
pub(crate) async fn resume<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, run: &RunId) -> Result<Verdict, Failure> {
    let journal = Journal::open(desk.ports.journals, run)?;
    let (mut begun, mut plan, mut ready) = (None, Plan::default(), None);
    journal.read(run, |line| {
        plan.hear(&line.entry);
        match line.entry {
            Entry::Begun(first) => begun = Some(*first),
            Entry::Ready { unreadable, .. } => ready = Some(unreadable),
            _ => (),
        }
    })?;
    let (Some(begun), Some(unreadable)) = (begun, ready) else { return Err(Why::NothingDone(run.clone()).into()) };
    if begun.target != desk.invocation.target.to_string() {
        return Err(Why::OtherStack { run: run.clone(), target: begun.target }.into());
    }
    if begun.queue != desk.ports.places.uploads.0 {
        return Err(Why::Moved { run: run.clone(), place: PLACE.to_owned() }.into());
    }
    journal.write(desk.ports.clock.now(), [Entry::Resumed])?;
    execute(desk, Started { begun, journal, plan, unreadable }).await
}

/// Writes down all photos that are meant, before the first is sent.
async fn plan<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, begun: Begun) -> Result<Started, Why> {
    let (clock, journal) = (desk.ports.clock, Journal::create(desk.ports.journals, &begun.run)?);
    journal.write(clock.now(), [Entry::Begun(Box::new(begun.clone()))])?;
    let mut plan = Plan::default();
    let walked = desk.walk(&begun.selection, begun.max.unwrap_or(u64::MAX), |meant| {
        let entries: Vec<Entry> = meant.iter().map(|listed| Entry::Planned(listed.photo().clone())).collect();
        plan.hear_all(&entries);
        Ok(journal.write(clock.now(), entries)?)
    });
    match walked.await {
        Ok(walked) => {
            let (photos, unreadable) = (walked.photos(), walked.unreadable);
            journal.flush(clock.now(), [Entry::Ready { photos, unreadable }])?;
            Ok(Started { begun, journal, plan, unreadable })
        }
        Err(why) => {
            journal.write(clock.now(), [Entry::Stopped { why: why.to_string() }])?;
            Err(why)
        }
    }
}

/// Sends them, and says what was done.
async fn execute<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, started: Started) -> Result<Verdict, Failure> {
    let Started { begun, journal, plan, unreadable } = started;
    let (clock, planned) = (desk.ports.clock, plan.counts().planned);
    let run = Run {
        id: &begun.run,
        ports: &desk.ports,
        rate: begun.rate,
        stop: &desk.stop,
        journal,
        plan: RefCell::new(plan),
        failures: RefCell::default(),
        barren: Cell::default(),
    };
    // Also where results go to a program: whoever kills it must know what to resume.
    desk.warn(format!("run {}: {}", begun.run, counted(planned, "photo")));
    desk.teller.begin(&format!("run {}", begun.run), planned, "photo");
    let ended = run.send(|sent| desk.teller.at(sent, clock.now())).await;
    desk.teller.end();

    let named = summary::lists(desk, &run);
    let ending = Ending::of(&run, unreadable);
    let entry = match &ended {
        Ok(()) => Entry::Ended { sent: ending.sent, left: planned - ending.sent },
        Err(why) => Entry::Stopped { why: why.to_string() },
    };
    let written = run.journal.flush(clock.now(), [entry]).map_err(Why::from);
    summary::ending(desk, &ending);
    let goes_on = ending.sent < planned;
    let again = goes_on.then(|| desk.invocation.resume(&begun.run));
    if let Err(why) = ended.and(written).and(named) {
        return Err(Failure { why, again });
    }
    if let Some(again) = again {
        desk.say(format!("To go on: {again}"));
    }
    Ok(if goes_on { Verdict::Amiss } else { verdict(unreadable) })
}

/// What would be sent.
async fn dry<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, arguments: &Reprocess) -> Result<Verdict, Failure> {
    let mut shown = 0;
    let walked = desk.walk(&arguments.selection, arguments.max.unwrap_or(u64::MAX), |meant| {
        for listed in &meant {
            if desk.invocation.json {
                desk.output.object(&PhotoLine { would: Some("reprocess"), ..PhotoLine::of(listed) });
            } else if shown < EXAMPLES_MAX {
                if shown == 0 {
                    desk.output.line(list::heads());
                }
                desk.output.line(list::row(listed));
            }
            shown += 1;
        }
        Ok(())
    });
    let walked = walked.await?;
    let photos = walked.photos();
    if desk.invocation.json {
        desk.walked("would_reprocess", &walked);
    } else if photos == 0 {
        desk.output.line("no photo is meant");
    } else {
        if shown > EXAMPLES_MAX {
            desk.output.line(format!("and {} more", shown - EXAMPLES_MAX));
        }
        let (all, takes) = (counted(photos, "photo"), age(time(photos, arguments.rate)));
        desk.output.line(format!("\n{all} would be sent, in about {takes}: {}", walked.words()));
        let in_earnest = desk.invocation.in_earnest(arguments);
        desk.output.line(format!("This was a dry run: nothing was sent. To do it: {in_earnest}"));
    }
    Ok(verdict(walked.unreadable))
}

/// How long it takes to send so many.
fn time(photos: u64, Rate(rate): Rate) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(photos.div_ceil(u64::from(rate))).unwrap_or(i64::MAX))
}
