//! A topic that remembers what it was given, may go wrong, and takes its time; and invocations on it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use coffeeshop_core::event::Event;
use coffeeshop_core::ports::{Clock, EventTopic, PortError};
use coffeeshop_core::testing::suspend_once;
use coffeeshop_publisher::batch::{Deps, EVENTS_AT_ONCE, handle};
use coffeeshop_publisher::envelope::Tables;
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};
use serde_json::{Value, json};

/// Seconds that one invocation may take, as in the template.
pub(crate) const TIMEOUT_SECONDS: i64 = 60;

/// How often the mapping tries again, as in the template.
pub(crate) const RETRIES_MAX: usize = 10;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and has had no effect.
    Before,
    /// It has had its effect, and the reply is lost.
    After,
    /// One of its entries, the last if it has fewer, fails and has had no effect.
    Entry(usize),
}

/// What SNS refuses for ever because of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its entry.
    Entry,
    /// The whole call that it is in.
    Call,
}

#[derive(Default)]
pub(crate) struct Topic {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: usize,
    faults: HashMap<usize, Fault>,
    refused: Option<(String, Refused)>,
    down: usize,
    given: Vec<usize>,
    published: Vec<Event>,
    under_way: bool,
    now: Timestamp,
    call: SignedDuration,
}

impl Topic {
    /// One whose calls take so long.
    pub(crate) fn slow(call: SignedDuration) -> Self {
        Self { state: Mutex::new(State { call, ..State::default() }) }
    }

    /// One that never takes the event with this id.
    pub(crate) fn refusing(id: &str, refused: Refused) -> Self {
        Self { state: Mutex::new(State { refused: Some((id.to_owned(), refused)), ..State::default() }) }
    }

    /// One that nothing reaches for so many invocations.
    pub(crate) fn down(invocations: usize) -> Self {
        Self { state: Mutex::new(State { down: invocations, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes the `call`-th call from now on (the first is 0) go wrong.
    pub(crate) fn fail(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        let call = state.calls + call;
        state.faults.insert(call, fault);
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, duration: SignedDuration) {
        self.state().now += duration;
    }

    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// How many events it was given at once, each time.
    pub(crate) fn given(&self) -> Vec<usize> {
        self.state().given.clone()
    }

    /// Everything that it has, in order.
    pub(crate) fn published(&self) -> Vec<Event> {
        self.state().published.clone()
    }

    /// The ids of that.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.state().published.iter().map(|event| event.id.to_string()).collect()
    }
}

impl State {
    /// One call; how it went for each event.
    fn call(&mut self, events: &[&Event]) -> Vec<Result<(), PortError>> {
        let fault = if self.down > 0 { Some(Fault::Before) } else { self.faults.remove(&self.calls) };
        self.calls += 1;
        let refused_here = |event: &Event| self.refused.as_ref().is_some_and(|(id, _)| event.id.as_str() == id);
        let whole = matches!(self.refused, Some((_, Refused::Call))) && events.iter().any(|event| refused_here(event));
        let mut results = Vec::new();
        for (i, event) in events.iter().enumerate() {
            let injected = match fault {
                Some(Fault::Before) => true,
                Some(Fault::Entry(entry)) => i == entry.min(events.len() - 1),
                Some(Fault::After) | None => false,
            };
            let fails = injected || whole || refused_here(event);
            if !fails {
                self.published.push((*event).clone());
            }
            let failed = fails || fault == Some(Fault::After);
            results.push(if failed { Err(PortError::new("topic.publish", "injected")) } else { Ok(()) });
        }
        results
    }
}

impl EventTopic for Topic {
    async fn publish(&self, events: &[&Event]) -> Vec<Result<(), PortError>> {
        assert!((1..=EVENTS_AT_ONCE).contains(&events.len()), "{} events at once", events.len());
        let end = {
            let mut state = self.state();
            assert!(!state.under_way, "more than {EVENTS_AT_ONCE} at once");
            state.under_way = true;
            state.given.push(events.len());
            state.now + state.call
        };
        suspend_once().await;
        let mut state = self.state();
        state.under_way = false;
        state.now = state.now.max(end);
        // As SNS takes them.
        events.chunks(10).flat_map(|some| state.call(some)).collect()
    }
}

impl Clock for Topic {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        self.state().now += duration;
    }
}

/// One invocation with so many seconds until its deadline; what it gives back from.
pub(crate) fn invoke_for(seconds: i64, topic: &Topic, records: &[Value]) -> Result<Option<String>, Error> {
    let tables = Tables {
        photos: "stack-photos".to_owned(),
        scores: "stack-scores".to_owned(),
        boards: "stack-boards".to_owned(),
    };
    let payload = serde_json::value::to_raw_value(&json!({ "Records": records })).unwrap();
    let mut context = Context::default();
    context.deadline = u64::try_from(topic.now().as_millisecond() + seconds * 1000).unwrap();
    let deps = Deps { tables: &tables, topic, clock: topic };
    let response = block_on(handle(&deps, &payload, &context));
    let mut state = topic.state();
    state.down = state.down.saturating_sub(1);
    let response = response?;
    assert!(response.batch_item_failures.len() <= 1, "{response:?}");
    let back = response.batch_item_failures.into_iter().next().map(|failure| failure.item_identifier.unwrap());
    assert_ne!(back.as_deref(), Some(""), "an empty id means the whole batch");
    Ok(back)
}

/// One invocation.
pub(crate) fn invoke(topic: &Topic, records: &[Value]) -> Result<Option<String>, Error> {
    invoke_for(TIMEOUT_SECONDS, topic, records)
}

/// As the mapping delivers a batch: from the record on that is given back, in halves when the function fails, and
/// otherwise again until no retry is left. Returns what is archived.
pub(crate) fn deliver(topic: &Topic, batch: &[Value]) -> Vec<Vec<Value>> {
    let (mut parts, mut archived) = (vec![(batch, 0)], Vec::new());
    for _ in 0..10_000 {
        let Some((part, retries)) = parts.pop() else { return archived };
        match invoke(topic, part).map(|back| back.map_or(part.len(), |number| place(part, &number))) {
            Ok(handled) if handled == part.len() => {}
            Ok(handled) if handled > 0 => parts.push((&part[handled..], retries)),
            Err(_) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len().div_ceil(2));
                parts.extend([(second, retries), (first, retries)]);
            }
            Ok(_) | Err(_) if retries < RETRIES_MAX => parts.push((part, retries + 1)),
            Ok(_) | Err(_) => archived.push(part.to_vec()),
        }
    }
    panic!("it never ends");
}

/// Where in the batch the record with this number is.
pub(crate) fn place(batch: &[Value], number: &str) -> usize {
    batch.iter().position(|record| record["dynamodb"]["SequenceNumber"] == number).unwrap()
}
