//! `coffeeshop dlq list`: the places, how full they are, and where their messages are from and go.
//!
//! How old the oldest message is, is known of a sample only.

use std::io::Write;
use std::ops::ControlFlow;

use coffeeshop_core::place::{Archives, NoTarget, Place, Resting, Target};
use coffeeshop_core::ports::{Clock as _, Depth, QueueUrl, Queues as _};
use futures::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::{Desk, interrupted};
use crate::dlq::archives;
use crate::dlq::spool::Spool;
use crate::dlq::sweep::{CALLS_AT_ONCE, sweep};
use crate::dlq::wording::{age, fed_by, goes_to, left};
use crate::failure::{Failure, Why};
use crate::run::Verdict;
use crate::table::{Side, counted, table};
use crate::wiring::Wiring;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<&'a str>,
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

pub(crate) async fn run<W: Write, P: Wiring>(desk: &Desk<'_, W, P>) -> Result<Verdict, Failure> {
    let states = stream::iter(desk.ports.places).map(|place| state(desk, place)).buffered(CALLS_AT_ONCE);
    let (mut found, mut not_read) = (Vec::new(), Vec::new());
    for (place, state) in desk.ports.places.iter().zip(states.collect::<Vec<_>>().await) {
        match state {
            Ok(state) => found.push(state),
            // One that may not be read hides no other.
            Err(why @ Why::Port(_)) => not_read.push((place, why)),
            Err(why) => return Err(why.into()),
        }
    }
    interrupted(desk)?;
    if found.is_empty()
        && let Some((_, why)) = not_read.pop()
    {
        return Err(why.into());
    }
    let is_all = not_read.is_empty();
    for (place, why) in not_read {
        say_not_read(desk, place, why);
    }
    let states = found;
    let now = desk.ports.clock.now();
    if desk.invocation.json {
        for state in &states {
            desk.output.object(&state.line(now));
        }
    } else if states.is_empty() {
        desk.output.line("this stack has no place where failures rest");
    } else {
        let rows: Vec<_> = states.iter().map(|state| state.row(now)).collect();
        desk.output.line(table(HEADS, &rows));
        if states.iter().any(|state| !state.sample_is_all()) {
            let sample = counted(SAMPLE_MESSAGES_MAX, "message");
            desk.output.line(format!("\n≥ ≤  of a sample of up to {sample}: there may be older ones"));
        }
    }
    let hidden: u64 = states.iter().map(|state| state.sample.hidden).sum();
    Ok(if hidden == 0 && is_all { Verdict::Well } else { Verdict::Amiss })
}

fn say_not_read<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, place: &Place, why: Why) {
    let words = Failure::from(why).words();
    if desk.invocation.json {
        desk.output.object(&json!({ "kind": "unreadable", "place": place.name, "why": words }));
    } else {
        desk.warn(format!("{} cannot be read: {words}", place.name));
    }
}

async fn state<'p, W: Write, P: Wiring>(desk: &Desk<'_, W, P>, place: &'p Place) -> Result<State<'p>, Why> {
    let (depth, sample) = match &place.resting {
        Resting::Queue { queue, .. } => of_queue(desk, place, queue).await?,
        Resting::Archives(archives) => of_archives(desk, archives).await?,
    };
    Ok(State { place, depth, sample })
}

async fn of_queue<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    place: &Place,
    queue: &QueueUrl,
) -> Result<(Depth, Sample), Why> {
    let (queues, clock) = (desk.ports.queues, desk.ports.clock);
    let depth = queues.depth(queue).await?;
    let mut sample = Sample::default();
    if depth.visible > 0 && !matches!(place.target, Err(NoTarget::Fifo)) {
        let spool = Spool::anonymous().map_err(Why::Spool)?;
        let swept = sweep(queues, clock, queue, SAMPLE_MESSAGES_MAX, &desk.stop, &spool, |message| {
            sample.hear(message.sent_at);
            Ok(ControlFlow::Continue(()))
        });
        let swept = swept.await?;
        (sample.messages, sample.hidden) = (swept.seen, swept.hidden);
    }
    Ok((depth, sample))
}

/// A list of archives has them all.
async fn of_archives<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, archives: &Archives) -> Result<(Depth, Sample), Why> {
    let mut sample = Sample::default();
    archives::list(desk.ports.objects, archives, &desk.stop, |object| {
        sample.messages += 1;
        sample.hear(object.written_at);
        ControlFlow::Continue(())
    })
    .await?;
    Ok((Depth { visible: sample.messages, ..Depth::default() }, sample))
}

impl Sample {
    fn hear(&mut self, sent_at: Timestamp) {
        self.oldest = Some(self.oldest.map_or(sent_at, |oldest| oldest.min(sent_at)));
    }
}

impl State<'_> {
    fn sample_is_all(&self) -> bool {
        self.sample.messages >= self.depth.total()
    }

    /// Since the oldest was sent.
    fn oldest(&self, now: Timestamp) -> Option<SignedDuration> {
        Some(now.duration_since(self.sample.oldest?))
    }

    /// Until the oldest goes; `None`: nothing goes by itself.
    fn left(&self, now: Timestamp) -> Option<SignedDuration> {
        let retention = match &self.place.resting {
            Resting::Queue { retention, .. } => *retention,
            Resting::Archives(archives) => archives.retention?,
        };
        Some(left(self.sample.oldest?, retention, now))
    }

    fn row(&self, now: Timestamp) -> [String; 7] {
        let [least, most] = if self.sample_is_all() { ["", ""] } else { ["≥ ", "≤ "] };
        let shown =
            |sign: &str, of: Option<SignedDuration>| of.map_or("-".to_owned(), |of| format!("{sign}{}", age(of)));
        let (oldest, left) = (shown(least, self.oldest(now)), shown(most, self.left(now)));
        [
            self.place.name.clone(),
            (self.depth.visible + self.depth.delayed).to_string(),
            self.depth.hidden.to_string(),
            oldest,
            left,
            fed_by(self.place),
            goes_to(self.place),
        ]
    }

    fn line(&self, now: Timestamp) -> PlaceLine<'_> {
        let (queue_url, bucket) = match &self.place.resting {
            Resting::Queue { queue, .. } => (Some(queue.0.as_str()), None),
            Resting::Archives(archives) => (None, Some(archives.bucket.as_str())),
        };
        PlaceLine {
            kind: "place",
            place: &self.place.name,
            queue_url,
            bucket,
            messages: self.depth.visible,
            hidden: self.depth.hidden,
            delayed: self.depth.delayed,
            sample_messages: self.sample.messages,
            sample_is_all: self.sample_is_all(),
            oldest_sent_at: self.sample.oldest,
            oldest_age_seconds: self.oldest(now).map(|age| age.as_secs()),
            left_seconds: self.left(now).map(|left| left.as_secs()),
            fed_by: fed_by(self.place),
            replay_to: self.place.target.as_ref().ok().map(Target::name),
            function: self.place.function(),
            no_replay: self.place.target.as_ref().err().map(ToString::to_string),
        }
    }
}
