//! The commands about messages that rest somewhere, and what they share.
//!
//! How messages are seen, sent and deleted is in `crate::dlq`.

mod archive;
mod edit;
mod groups;
mod list;
mod passes;
mod peek;
mod replay;
mod run;
mod summary;

use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::{Archives, NoTarget, Place, Records, Resting, Target};
use coffeeshop_core::ports::{Clock as _, Message, QueueUrl, Queues as _};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::dlq::{Invocation, SLICE_MESSAGES_MAX, Verb};
use crate::cli::values::RunId;
use crate::dlq::archives::look_through;
use crate::dlq::batch::Batch;
use crate::dlq::outgoing::times_replayed;
use crate::dlq::record::Record;
use crate::dlq::select::Seen;
use crate::dlq::spool::Spool;
use crate::dlq::stop::Stop;
use crate::dlq::sweep::{Swept, sweep};
use crate::dlq::wording::unit;
use crate::failure::{Failure, Why};
use crate::output::Output;
use crate::progress::Teller;
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::{Ports, Wiring};

/// One run of a command.
pub(crate) struct Desk<'a, W, P: Wiring> {
    pub(crate) invocation: &'a Invocation,
    pub(crate) ports: Ports<'a, P>,
    pub(crate) output: Output<W>,
    pub(crate) teller: Teller,
    pub(crate) stop: Stop,
}

impl<W: Write, P: Wiring> Desk<'_, W, P> {
    pub(crate) async fn work(&self) -> Result<Verdict, Failure> {
        match &self.invocation.verb {
            Verb::List => list::run(self).await,
            Verb::Peek(peek) => peek::run(self, peek).await,
            Verb::Groups { place } => groups::run(self, place).await,
            Verb::Replay(replay) => Box::pin(replay::run(self, replay)).await,
            Verb::Resume { run } => Box::pin(replay::resume(self, run)).await,
            Verb::Edit(edit) => Box::pin(edit::run(self, edit)).await,
            Verb::Archive(archive) => archive::run(self, archive).await,
            Verb::Discard(discard) => Box::pin(archive::discard(self, discard)).await,
        }
    }

    /// The place of this name, with or without the stack's.
    pub(crate) fn place(&self, name: &str) -> Result<&Place, Why> {
        let queue = |place: &Place| place.resting.address().rsplit('/').next().unwrap_or_default().to_owned();
        let places = self.ports.places;
        let called = places.iter().filter(|place| place.name == name);
        let mut found: Vec<&Place> = called.chain(places.iter().filter(|place| queue(place) == name)).collect();
        found.dedup();
        let place = match found.as_slice() {
            [place] => *place,
            [] => {
                return Err(Why::NoPlace {
                    name: name.to_owned(),
                    target: self.invocation.target.to_string(),
                    places: places.iter().map(|place| place.name.clone()).collect(),
                });
            }
            several => {
                let queues = several.iter().map(|place| queue(place)).collect();
                return Err(Why::Ambiguous { name: name.to_owned(), queues });
            }
        };
        match &place.target {
            // Of what is held of a group, the rest of the group is not seen.
            Err(NoTarget::Fifo) => Err(Why::Fifo(place.name.clone())),
            _ => Ok(place),
        }
    }

    /// Shows each message of a place to `visit`, up to `limit` of them, and says what hinders it from seeing all.
    pub(crate) async fn sweep(
        &self,
        place: &Place,
        limit: u64,
        spool: &Spool,
        visit: impl FnMut(&Message) -> Result<ControlFlow<()>, Why>,
    ) -> Result<Swept, Why> {
        let swept = match &place.resting {
            Resting::Queue { queue, .. } => self.sweep_queue(place, queue, limit, spool, visit).await,
            Resting::Archives(archives) => self.sweep_archives(place, archives, limit, visit).await,
        };
        self.teller.end();
        let swept = swept?;
        interrupted(self)?;
        if swept.is_cut && limit == SLICE_MESSAGES_MAX {
            self.warn(format!(
                "{} may have more than these {}: no more can be held at once, or for longer; when they are done, run this again",
                place.name, swept.seen
            ));
        }
        Ok(swept)
    }

    async fn sweep_queue(
        &self,
        place: &Place,
        queue: &QueueUrl,
        limit: u64,
        spool: &Spool,
        mut visit: impl FnMut(&Message) -> Result<ControlFlow<()>, Why>,
    ) -> Result<Swept, Why> {
        let (queues, clock) = (self.ports.queues, self.ports.clock);
        let depth = queues.depth(queue).await?;
        if depth.hidden > 0 {
            let messages = counted(depth.hidden, "message");
            let others = "are hidden for a while, by another command or a killed one";
            self.warn(format!("{messages} of {} {others}", place.name));
        }
        self.teller.begin(&format!("sweeping {}", place.name), depth.visible.min(limit), unit(place));
        let swept = sweep(queues, clock, queue, limit, &self.stop, spool, |message| {
            self.teller.one_more(clock.now());
            visit(message)
        });
        let swept = swept.await?;
        if swept.hidden > 0 {
            let messages = counted(swept.hidden, "message");
            self.warn(format!("{messages} could not be given back: they are seen again within ten minutes"));
        }
        Ok(swept)
    }

    async fn sweep_archives(
        &self,
        place: &Place,
        archives: &Archives,
        limit: u64,
        mut visit: impl FnMut(&Message) -> Result<ControlFlow<()>, Why>,
    ) -> Result<Swept, Why> {
        let clock = self.ports.clock;
        let visit = |message: &Message| {
            self.teller.one_more(clock.now());
            visit(message)
        };
        let begin = |archives| self.teller.begin(&format!("reading {}", place.name), archives, unit(place));
        let foreign = |key: &str| self.warn(format!("{key} is no text, and left alone"));
        look_through(self.ports.objects, archives, limit, &self.stop, begin, visit, foreign).await
    }

    /// What to do about records of this place that are in no stream any more.
    pub(crate) fn if_trimmed(&self, place: &Place) -> String {
        match place.target.as_ref().ok().and_then(Target::as_function).map(|function| &function.records) {
            Some(Records::Ratings { .. }) => {
                format!("see what is missing with `coffeeshop scores verify --all {}`", self.invocation.target)
            }
            _ => "say the events again, as the runbook has it under `Say an event again`".to_owned(),
        }
    }

    /// What a run on this place calls itself that begins now.
    pub(crate) fn new_run(&self, place: &Place) -> RunId {
        RunId::new(&place.name, self.ports.clock.now(), fastrand::u16(..))
    }

    /// Says what a person should know of, whatever is printed.
    pub(crate) fn warn(&self, line: impl std::fmt::Display) {
        self.teller.warn(line);
    }

    /// Says a line to people; programs do not get it.
    pub(crate) fn say(&self, line: impl std::fmt::Display) {
        if !self.invocation.json {
            self.output.line(line);
        }
    }
}

/// Somebody may want no more of it.
fn interrupted<W, P: Wiring>(desk: &Desk<'_, W, P>) -> Result<(), Why> {
    if desk.stop.is_requested() { Err(Why::Interrupted { repairs: false }) } else { Ok(()) }
}

/// Where a replay from this place goes.
fn target_of(place: &Place) -> Result<&Target, Why> {
    let target = place.target.as_ref();
    target.map_err(|why| Why::NoReplay { place: place.name.clone(), why: why.clone() })
}

/// What programs read of an archive.
#[derive(Serialize)]
struct BatchLine {
    records: u64,
    invocations: u32,
    ending: String,
    /// Where they are not in the archive: until when the stream has them, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_until: Option<Timestamp>,
}

/// A message as programs read it.
#[derive(Serialize)]
struct MessageLine<'a> {
    kind: &'static str,
    place: &'a str,
    group: String,
    reason: Option<&'a str>,
    function: Option<&'a str>,
    message_kind: &'a str,
    shops: Vec<&'a str>,
    receive_count: u32,
    times_replayed: u32,
    #[serde(flatten)]
    batch: Option<BatchLine>,
    #[serde(flatten)]
    record: Record,
}

impl<'a> MessageLine<'a> {
    fn of(place: &'a Place, seen: &'a Seen<'a>) -> Self {
        let Seen { message, about, fingerprint, batch } = seen;
        let of_batch = |batch: &Batch| {
            let stream_until = batch.kept_until().filter(|_| batch.payload.is_none());
            BatchLine { records: batch.size(), invocations: batch.invocations(), ending: batch.ending(), stream_until }
        };
        Self {
            kind: "message",
            place: &place.name,
            group: fingerprint.id(),
            reason: fingerprint.reason.as_deref(),
            function: fingerprint.function.as_deref(),
            message_kind: &about.kind,
            shops: about.shops.iter().map(coffeeshop_core::ids::ShopId::as_str).collect(),
            receive_count: message.receive_count,
            times_replayed: times_replayed(&message.content),
            batch: batch.as_ref().map(of_batch),
            record: Record::from(*message),
        }
    }
}
