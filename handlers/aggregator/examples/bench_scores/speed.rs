//! How many ratings a second one core takes through the handler: Lambda's JSON in, the response's JSON out.
//!
//! The ports are in memory, so this is what the handler itself costs; on AWS most of an invocation is waiting for
//! DynamoDB. The machine is not known, and others may use it: so the time that counts is the one that this thread had on
//! a core, and beside it stands that of mere parsing, of the same bytes in the same round. Linux only.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use aws_lambda_events::dynamodb::Event;
use coffeeshop_aggregator::batch::{Deps, handle};
use futures::executor::block_on;
use lambda_runtime::{Context, Error};
use serde_json::value::RawValue;

use crate::feed::Feed;
use crate::memory::Memory;

const ROUNDS: u64 = 9;
const BATCHES: u32 = 100;
const BATCH_RECORDS: u32 = 500;
/// Every so many-th batch is of edits.
const EDITS_EVERY: u32 = 5;
const ROUND_RATINGS: u32 = BATCHES * BATCH_RECORDS;
const SHOPS: i32 = 1000;

/// One round: a new world, and a hundred batches.
struct Round {
    bytes: usize,
    handled: Took,
    parsed: Took,
}

/// What all batches of a round took.
struct Took {
    by_the_clock: Duration,
    on_the_core: Duration,
}

impl Took {
    fn by(work: impl FnOnce() -> Result<(), Error>) -> Result<Self, Error> {
        let (clock, core) = (Instant::now(), on_the_core()?);
        work()?;
        Ok(Self { by_the_clock: clock.elapsed(), on_the_core: on_the_core()?.saturating_sub(core) })
    }
}

/// How long this thread was on a core so far; to some milliseconds, of the hundreds that a round takes.
fn on_the_core() -> Result<Duration, Error> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// Measures, and says what it found.
pub(crate) fn report() -> Result<String, Error> {
    let collector = coffeeshop_aws::metrics::install("aggregator")?;
    let flush = || collector.flush(io::sink());
    let rounds = (0..ROUNDS).map(|seed| round(seed, &flush)).collect::<Result<Vec<_>, _>>()?;
    let line = |name: &str, of: &dyn Fn(&Round) -> f64, digits: usize| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let at = |position: usize| values.get(position).copied().unwrap_or(f64::NAN);
        let (median, last) = (at(values.len() / 2), values.len() - 1);
        format!("{name:<38} {median:>9.digits$} {:>9.digits$} {:>9.digits$}\n", at(0), at(last))
    };
    let per_second = |took: Duration| f64::from(ROUND_RATINGS) / took.as_secs_f64();
    let bytes = rounds.iter().map(|round| round.bytes).sum::<usize>() / rounds.len() / ROUND_RATINGS as usize;
    Ok([
        format!(
            "Through the handler on one core, in memory: {ROUNDS} rounds of {BATCHES} batches of {BATCH_RECORDS} \
             ratings,\none batch of {EDITS_EVERY} of edits; {SHOPS} shops by Zipf's law; {bytes} bytes a record.\n\n"
        ),
        format!("{:<38} {:>9} {:>9} {:>9}\n", "", "median", "lowest", "highest"),
        line("ratings a second on the core", &|round| per_second(round.handled.on_the_core), 0),
        line("ratings a second by the clock", &|round| per_second(round.handled.by_the_clock), 0),
        line("the same only parsed, on the core", &|round| per_second(round.parsed.on_the_core), 0),
        line(
            "handled / parsed, time on the core",
            &|round| round.handled.on_the_core.div_duration_f64(round.parsed.on_the_core),
            2,
        ),
    ]
    .concat())
}

/// The batches of a round, and how many ratings there are in the end.
fn batches(seed: u64) -> (Vec<Vec<u8>>, usize) {
    let mut feed = Feed::new(seed, SHOPS, 1.0);
    let mut given = 0;
    let records = BATCH_RECORDS as usize;
    let mut batch = |number: u32| {
        if number.is_multiple_of(EDITS_EVERY) {
            return feed.edits(records).bytes;
        }
        given += records;
        feed.ratings(records).bytes
    };
    ((1..=BATCHES).map(&mut batch).collect(), given)
}

fn round(seed: u64, flush: &dyn Fn() -> io::Result<()>) -> Result<Round, Error> {
    let (batches, given) = batches(seed);
    let memory = Memory::default();
    let deps = Deps { store: &memory, quarantine: &memory, clock: &memory };
    let mut context = Context::default();
    context.deadline = 60_000;

    let handled = Took::by(|| {
        batches.iter().try_for_each(|bytes| {
            let payload: Box<RawValue> = serde_json::from_slice(black_box(bytes))?;
            let response = block_on(handle(&deps, &payload, &context))?;
            black_box(serde_json::to_vec(&response)?);
            flush()?;
            if response.batch_item_failures.is_empty() { Ok(()) } else { Err("a batch was given back".into()) }
        })
    })?;
    let parsed = Took::by(|| {
        batches.iter().try_for_each(|bytes| {
            black_box(serde_json::from_slice::<Event>(black_box(bytes))?);
            Ok(())
        })
    })?;
    let counted = memory.ratings();
    if counted != given as u64 {
        return Err(format!("the scores have {counted} ratings of {given}").into());
    }
    Ok(Round { bytes: batches.iter().map(Vec::len).sum(), handled, parsed })
}
