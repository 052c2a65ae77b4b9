//! `coffeeshop dlq list`: the places, how full they are, and where their messages are from and go.
//!
//! How old the oldest message is, is known of a sample only.

use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::{NoTarget, Place};
use coffeeshop_core::ports::{Clock, Depth, Objects, Queues};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Desk, interrupted};
use crate::dlq::select::function;
use crate::dlq::spool::Spool;
use crate::dlq::sweep::{CALLS_AT_ONCE, sweep};
use crate::dlq::wording::{age, fed_by, goes_to, left};
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::table::{Side, counted, table};

/// How many messages of a place are looked at.
const SAMPLE_MESSAGES_MAX: u64 = 100;

const HEADS: [(&str, Side); 7] = [
    ("place", Side::Left),
    ("messages", Side::Right),
    ("hidden", Side::Right),
    ("oldest", Side::Right),
    ("left", Side::Right),
    ("fed by", Side::Left),
    ("a replay goes to", Side::Left),
];

/// How a place is.
struct State<'a> {
    place: &'a Place,
    depth: Depth,
    sample: Sample,
}

#[derive(Default)]
struct Sample {
    messages: u64,
    oldest: Option<Timestamp>,
    /// How many could not be given back.
    hidden: u64,
}

/// A place as programs read it.
#[derive(Serialize)]
struct PlaceLine<'a> {
    kind: &'static str,
    place: &'a str,
    queue_url: &'a str,
    messages: u64,
    hidden: u64,
    delayed: u64,
    sample_messages: u64,
    sample_is_all: bool,
    oldest_sent_at: Option<Timestamp>,
    oldest_age_seconds: Option<i64>,
    left_seconds: Option<i64>,
    fed_by: String,
    replay_to: Option<&'a str>,
    function: Option<&'a str>,
    no_replay: Option<String>,
}

pub(crate) async fn run<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
) -> Result<Verdict, Failure> {
    let states = stream::iter(desk.ports.places).map(|place| state(desk, place)).buffered(CALLS_AT_ONCE);
    let states: Vec<State<'_>> = states.try_collect().await?;
    interrupted(desk)?;
    let now = desk.ports.clock.now();
    if desk.invocation.json {
        for state in &states {
            desk.output.object(&state.line(now));
        }
    } else if states.is_empty() {
        desk.output.line("this stack has no dead-letter queues");
    } else {
        let rows: Vec<_> = states.iter().map(|state| state.row(now)).collect();
        desk.output.line(table(HEADS, &rows));
        if states.iter().any(|state| !state.sample_is_all()) {
            let sample = counted(SAMPLE_MESSAGES_MAX, "message");
            desk.output.line(format!("\n≥ ≤  of a sample of up to {sample}: there may be older ones"));
        }
    }
    let hidden: u64 = states.iter().map(|state| state.sample.hidden).sum();
    Ok(if hidden == 0 { Verdict::Well } else { Verdict::Amiss })
}

async fn state<'p, W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    place: &'p Place,
) -> Result<State<'p>, Why> {
    let queue = &place.resting().queue;
    let depth = desk.ports.queues.depth(queue).await?;
    let mut sample = Sample::default();
    let is_fifo = matches!(place.resting().target, Err(NoTarget::Fifo));
    if depth.visible > 0 && !is_fifo {
        let spool = Spool::anonymous().map_err(Why::Spool)?;
        let swept =
            sweep(desk.ports.queues, desk.ports.clock, queue, SAMPLE_MESSAGES_MAX, &desk.stop, &spool, |message| {
                sample.oldest = Some(sample.oldest.map_or(message.sent_at, |oldest| oldest.min(message.sent_at)));
                Ok(ControlFlow::Continue(()))
            });
        let swept = swept.await?;
        (sample.messages, sample.hidden) = (swept.seen, swept.hidden);
    }
    Ok(State { place, depth, sample })
}

impl State<'_> {
    fn sample_is_all(&self) -> bool {
        self.sample.messages >= self.depth.total()
    }

    /// Since the oldest was sent, and until it goes.
    fn ages(&self, now: Timestamp) -> Option<[SignedDuration; 2]> {
        let oldest = self.sample.oldest?;
        Some([now.duration_since(oldest), left(oldest, self.place.resting().retention, now)])
    }

    fn row(&self, now: Timestamp) -> [String; 7] {
        let ages = match self.ages(now) {
            Some(ages) if self.sample_is_all() => ages.map(age),
            Some([oldest, left]) => [format!("≥ {}", age(oldest)), format!("≤ {}", age(left))],
            None => ["-", "-"].map(str::to_owned),
        };
        let [oldest, left] = ages;
        [
            self.place.name().to_owned(),
            (self.depth.visible + self.depth.delayed).to_string(),
            self.depth.hidden.to_string(),
            oldest,
            left,
            fed_by(self.place),
            goes_to(self.place),
        ]
    }

    fn line(&self, now: Timestamp) -> PlaceLine<'_> {
        let resting = self.place.resting();
        let ages = self.ages(now).map(|ages| ages.map(|age| age.as_secs()));
        PlaceLine {
            kind: "place",
            place: self.place.name(),
            queue_url: &resting.queue.0,
            messages: self.depth.visible,
            hidden: self.depth.hidden,
            delayed: self.depth.delayed,
            sample_messages: self.sample.messages,
            sample_is_all: self.sample_is_all(),
            oldest_sent_at: self.sample.oldest,
            oldest_age_seconds: ages.map(|[oldest, _]| oldest),
            left_seconds: ages.map(|[_, left]| left),
            fed_by: fed_by(self.place),
            replay_to: resting.target.as_ref().ok().map(|target| target.name.as_str()),
            function: function(self.place),
            no_replay: resting.target.as_ref().err().map(ToString::to_string),
        }
    }
}
