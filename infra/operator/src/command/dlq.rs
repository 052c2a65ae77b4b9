//! The commands about messages that rest somewhere, and what they share.
//!
//! How messages are seen, sent and deleted is in `crate::dlq`.

mod archive;
mod edit;
mod groups;
mod list;
mod peek;
mod replay;
mod run;
mod summary;

use std::io::Write;
use std::path::Path;

use coffeeshop_core::place::{NoTarget, Place, Target};
use coffeeshop_core::ports::{Clock, Objects, Queues};
use serde::Serialize;

use crate::cli::dlq::{Invocation, Verb};
use crate::cli::values::RunId;
use crate::dlq::outgoing::times_replayed;
use crate::dlq::record::Record;
use crate::dlq::select::Seen;
use crate::dlq::stop::Stop;
use crate::failure::{Failure, Why};
use crate::output::Output;
use crate::progress::Teller;
use crate::run::Verdict;

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
pub(crate) struct Desk<'a, W, Q, O, C> {
    pub(crate) invocation: &'a Invocation,
    pub(crate) ports: Ports<'a, Q, O, C>,
    pub(crate) output: Output<W>,
    pub(crate) teller: Teller,
    pub(crate) stop: Stop,
}

impl<W: Write, Q: Queues, O: Objects, C: Clock> Desk<'_, W, Q, O, C> {
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
        let is_it = |place: &&Place| {
            place.name() == name || place.resting().queue.0.rsplit('/').next().is_some_and(|queue| queue == name)
        };
        let place = self.ports.places.iter().find(is_it).ok_or_else(|| Why::NoPlace {
            name: name.to_owned(),
            target: self.invocation.target.to_string(),
            places: self.ports.places.iter().map(|place| place.name().to_owned()).collect(),
        })?;
        match &place.resting().target {
            // Of what is held of a group, the rest of the group is not seen.
            Err(NoTarget::Fifo) => Err(Why::Fifo(place.name().to_owned())),
            _ => Ok(place),
        }
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
