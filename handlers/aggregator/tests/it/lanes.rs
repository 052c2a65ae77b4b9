//! The event source mapping as Lambda's: lanes in which the order holds per rating, batches, bisection, partial
//! responses, retries, an archive; and workers that are killed.
//!
//! Driven by a seed and polled by hand, so that workers interleave at every call.

use std::cell::RefCell;
use std::collections::HashSet;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use coffeeshop_core::testing::ScoreWorld;
use fastrand::Rng;
use serde_json::Value;

use crate::support::{Written, event, given_back, invoke};

/// As in the template.
const RETRIES_MAX: u32 = 10;

/// One of so many invocations is killed.
const KILLS_ONE_IN: u32 = 12;

pub(crate) struct Mapping<'a> {
    world: &'a ScoreWorld,
    rng: RefCell<Rng>,
    kills: bool,
    /// Batches that kept failing.
    archive: RefCell<Vec<Vec<Value>>>,
    /// The ids of the records that there are by now, if it is not all.
    written: Option<&'a RefCell<HashSet<String>>>,
}

/// Something that is polled by hand.
pub(crate) type Task<'t> = Pin<Box<dyn Future<Output = ()> + 't>>;

impl<'a> Mapping<'a> {
    pub(crate) fn new(world: &'a ScoreWorld, seed: u64) -> Self {
        Self { world, rng: RefCell::new(Rng::with_seed(seed)), kills: true, archive: RefCell::default(), written: None }
    }

    /// As [`new`](Self::new); a record is delivered only once its id is among those that are written.
    pub(crate) fn gated(world: &'a ScoreWorld, seed: u64, written: &'a RefCell<HashSet<String>>) -> Self {
        Self { written: Some(written), ..Self::new(world, seed) }
    }

    /// Delivers a stream: in lanes, with duplicates, faults and kills. Then, in a world that is well again, what was
    /// archived, and old batches once more.
    pub(crate) fn deliver_all(mut self, stream: &[Written]) {
        let records: Vec<Value> = stream.iter().map(Written::json).collect();
        self.deliver_beside(stream, &records, &mut Vec::new());
        self.settle_beside(&records, &mut Vec::new());
    }

    /// Delivers a stream in lanes, and some of `known` again, until that is done; the others take turns with it.
    pub(crate) fn deliver_beside(&mut self, stream: &[Written], known: &[Value], others: &mut Vec<Task<'_>>) {
        let lanes = self.rng.get_mut().usize(1..=3);
        let mut queues = vec![Vec::new(); lanes];
        for written in stream {
            let mut hash = DefaultHasher::new();
            written.rating.hash(&mut hash);
            queues[usize::try_from(hash.finish() % lanes as u64).unwrap()].push(written.json());
        }
        // Delivery is at least once: some stretches come again, on other workers, at any time.
        for _ in 0..self.rng.get_mut().usize(..3) {
            let mut again = stretch(known, self.rng.get_mut()).to_vec();
            if self.rng.get_mut().bool() {
                // Worse than Lambda, but numbers must not depend on any order.
                self.rng.get_mut().shuffle(&mut again);
            }
            queues.push(again);
        }
        self.run(&queues, others);
    }

    /// From now on nothing fails: delivers what was archived, and old batches of what is known.
    pub(crate) fn settle_beside(&mut self, known: &[Value], others: &mut Vec<Task<'_>>) {
        self.kills = false;
        self.world.fail_at_random(0, 0);
        let archived = self.archive.take();
        self.run(&archived, others);
        let old: Vec<_> = (0..3).map(|_| stretch(known, self.rng.get_mut()).to_vec()).collect();
        self.run(&old, others);
        assert!(self.archive.take().is_empty(), "a batch failed in a world that was well");
    }

    /// Delivers each queue in its order, all at once, taking turns at random, also with the others.
    fn run(&self, queues: &[Vec<Value>], others: &mut Vec<Task<'_>>) {
        let mut lanes: Vec<Task<'_>> = queues.iter().map(|queue| Box::pin(self.lane(queue)) as _).collect();
        let mut context = Context::from_waker(Waker::noop());
        while !lanes.is_empty() {
            let turn = self.rng.borrow_mut().usize(..lanes.len() + others.len());
            if let Some(lane) = lanes.get_mut(turn) {
                if lane.as_mut().poll(&mut context).is_ready() {
                    drop(lanes.swap_remove(turn));
                }
            } else if others[turn - lanes.len()].as_mut().poll(&mut context).is_ready() {
                drop(others.swap_remove(turn - lanes.len()));
            }
        }
    }

    async fn lane(&self, mut queue: &[Value]) {
        while !queue.is_empty() {
            let written = queue.iter().take_while(|record| self.is_written(record)).count();
            if written == 0 {
                turns(1).await;
                continue;
            }
            let most = if written > 100 { 500 } else { 20 };
            let size = self.rng.borrow_mut().usize(1..=written.min(most));
            let (batch, rest) = queue.split_at(size);
            self.deliver(batch).await;
            queue = rest;
        }
    }

    fn is_written(&self, record: &Value) -> bool {
        self.written.is_none_or(|written| written.borrow().contains(record["eventID"].as_str().unwrap()))
    }

    /// One batch, until it is done or archived.
    async fn deliver(&self, batch: &[Value]) {
        let (mut left, mut retries) = (batch, 0);
        loop {
            match self.invoke(left).await {
                Invoked::Done => return,
                Invoked::From(id) => {
                    let at = left.iter().position(|record| record["dynamodb"]["SequenceNumber"] == id.as_str());
                    match at.unwrap() {
                        0 => retries += 1,
                        at => left = &left[at..],
                    }
                }
                Invoked::Failed if left.len() > 1 => {
                    let (first, second) = left.split_at(left.len() / 2);
                    Box::pin(self.deliver(first)).await;
                    return Box::pin(self.deliver(second)).await;
                }
                Invoked::Failed => retries += 1,
            }
            if retries > RETRIES_MAX {
                return self.archive.borrow_mut().push(left.to_vec());
            }
        }
    }

    async fn invoke(&self, batch: &[Value]) -> Invoked {
        let (request, polls) = {
            let mut rng = self.rng.borrow_mut();
            let killed = self.kills && rng.u32(..KILLS_ONE_IN) == 0;
            (rng.u64(..), if killed { rng.usize(..40) } else { usize::MAX })
        };
        let event = event(batch);
        match killed_after(polls, invoke(self.world, &event, request)).await {
            Some(Ok(response)) => given_back(&response).map_or(Invoked::Done, Invoked::From),
            Some(Err(_)) | None => Invoked::Failed,
        }
    }
}

enum Invoked {
    Done,
    From(String),
    Failed,
}

/// A part of the stream, as it was.
fn stretch<'a>(records: &'a [Value], rng: &mut Rng) -> &'a [Value] {
    let from = rng.usize(..=records.len());
    &records[from..rng.usize(from..=records.len())]
}

/// `None`, and the future is dropped as a killed process would drop it, when it is not ready after so many polls.
pub(crate) async fn killed_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Lets the others take so many turns.
pub(crate) async fn turns(mut left: usize) {
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
