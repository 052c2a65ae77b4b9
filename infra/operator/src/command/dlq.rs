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
use std::path::Path;

use coffeeshop_core::place::{NoTarget, Place, Target};
use coffeeshop_core::ports::{Clock, Message, Objects, Queues};
use serde::Serialize;

use crate::cli::dlq::{Invocation, SLICE_MESSAGES_MAX, Verb};
use crate::cli::values::RunId;
use crate::dlq::outgoing::times_replayed;
use crate::dlq::record::Record;
use crate::dlq::select::Seen;
use crate::dlq::spool::Spool;
use crate::dlq::stop::Stop;
use crate::dlq::sweep::{Swept, sweep};
use crate::failure::{Failure, Why};
use crate::output::Output;
use crate::progress::Teller;
use crate::run::Verdict;
use crate::table::counted;

/// What these commands work on.
#[derive(Debug, Clone, Copy)]
pub struct Ports<'a, Q, O, C> {
    /// The queues.
    pub queues: &'a Q,
    /// Where archives and journals may go.
    pub objects: &'a O,
    /// Time.
    pub clock: &'a C,
    /// The places of the stack.
    pub places: &'a [Place],
    /// The folder of the journals.
    pub journals: &'a Path,
    /// The command that edits a file, as a shell takes it.
    pub editor: &'a str,
}

/// One run of a command.
pub(crate) struct Desk<'a, W, P> {
    pub(crate) invocation: &'a Invocation,
    pub(crate) ports: Ports<'a, Q, O, C>,
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
            Verb::Replay(replay) => replay::run(self, replay).await,
            Verb::Resume { run } => replay::resume(self, run).await,
            Verb::Edit(edit) => edit::run(self, edit).await,
            Verb::Archive(archive) => archive::run(self, archive).await,
            Verb::Discard(discard) => archive::discard(self, discard).await,
        }
    }

    /// The place of this name, with or without the stack's.
    pub(crate) fn place(&self, name: &str) -> Result<&Place, Why> {
        let queue = |place: &Place| place.resting().queue.0.rsplit('/').next().unwrap_or_default().to_owned();
        let places = self.ports.places;
        let called = places.iter().filter(|place| place.name() == name);
        let mut found: Vec<&Place> = called.chain(places.iter().filter(|place| queue(place) == name)).collect();
        found.dedup();
        let place = match found.as_slice() {
            [place] => *place,
            [] => {
                return Err(Why::NoPlace {
                    name: name.to_owned(),
                    target: self.invocation.target.to_string(),
                    places: places.iter().map(|place| place.name().to_owned()).collect(),
                });
            }
            several => {
                let queues = several.iter().map(|place| queue(place)).collect();
                return Err(Why::Ambiguous { name: name.to_owned(), queues });
            }
        };
        match &place.resting().target {
            // Of what is held of a group, the rest of the group is not seen.
            Err(NoTarget::Fifo) => Err(Why::Fifo(place.name().to_owned())),
            _ => Ok(place),
        }
    }

    /// Shows each message of a place to `visit`, up to `limit` of them, and says what hinders it from seeing all.
    pub(crate) async fn sweep(
        &self,
        place: &Place,
        limit: u64,
        spool: &Spool,
        mut visit: impl FnMut(&Message) -> Result<ControlFlow<()>, Why>,
    ) -> Result<Swept, Why> {
        let (queues, clock, queue) = (self.ports.queues, self.ports.clock, &place.resting().queue);
        let depth = queues.depth(queue).await?;
        if depth.hidden > 0 {
            let messages = counted(depth.hidden, "message");
            let others = "are hidden for a while, by another command or a killed one";
            self.warn(format!("{messages} of {} {others}", place.name()));
        }
        self.teller.begin(&format!("sweeping {}", place.name()), depth.visible.min(limit));
        let swept = sweep(queues, clock, queue, limit, &self.stop, spool, |message| {
            self.teller.one_more(clock.now());
            visit(message)
        });
        let swept = swept.await;
        self.teller.end();
        let swept = swept?;
        if swept.hidden > 0 {
            let messages = counted(swept.hidden, "message");
            self.warn(format!("{messages} could not be given back: they are seen again within ten minutes"));
        }
        interrupted(self)?;
        if swept.is_cut && limit == SLICE_MESSAGES_MAX {
            self.warn(format!(
                "{} may have more than these {}: no more can be held at once, or for longer; when they are done, run this again",
                place.name(),
                swept.seen
            ));
        }
        Ok(swept)
    }

    /// What a run on this place calls itself that begins now.
    pub(crate) fn new_run(&self, place: &Place) -> RunId {
        RunId::new(place.name(), self.ports.clock.now(), fastrand::u16(..))
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
fn interrupted<W, Q, O, C>(desk: &Desk<'_, W, P>) -> Result<(), Why> {
    if desk.stop.is_requested() { Err(Why::Interrupted { repairs: false }) } else { Ok(()) }
}

/// Where a replay from this place goes.
fn target_of(place: &Place) -> Result<&Target, Why> {
    let target = place.resting().target.as_ref();
    target.map_err(|why| Why::NoReplay { place: place.name().to_owned(), why: why.clone() })
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
    record: Record,
}

impl<'a> MessageLine<'a> {
    fn of(place: &'a Place, seen: &'a Seen<'a>) -> Self {
        let Seen { message, about, fingerprint } = seen;
        Self {
            kind: "message",
            place: place.name(),
            group: fingerprint.id(),
            reason: fingerprint.reason.as_deref(),
            function: fingerprint.function.as_deref(),
            message_kind: &about.kind,
            shops: about.shops.iter().map(coffeeshop_core::ids::ShopId::as_str).collect(),
            receive_count: message.receive_count,
            times_replayed: times_replayed(&message.content),
            record: Record::from(*message),
        }
    }
}
