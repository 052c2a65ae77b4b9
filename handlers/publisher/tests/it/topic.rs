//! A topic that remembers what it was given, may go wrong, and takes its time; and invocations on it.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use coffeeshop_core::event::Event;
use coffeeshop_core::ports::{Clock, EventTopic, PortError};
use coffeeshop_publisher::batch::{CALLS_AT_ONCE, Deps, EVENTS_AT_ONCE, handle};
use coffeeshop_publisher::envelope::Tables;
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};
use serde_json::{Value, json};

/// Seconds that one invocation may take, as in the template.
pub(crate) const TIMEOUT_SECONDS: i64 = 60;

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

#[derive(Default)]
pub(crate) struct Topic {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: usize,
    fault: Option<(usize, Fault)>,
    published: Vec<Event>,
    under_way: usize,
    most_under_way: usize,
    now: Timestamp,
    call: SignedDuration,
}

impl Topic {
    /// One whose calls take so long.
    pub(crate) fn slow(call: SignedDuration) -> Self {
        Self { state: Mutex::new(State { call, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes the `call`-th call from now on (the first is 0) go wrong.
    pub(crate) fn fail(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.calls + call, fault));
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, duration: SignedDuration) {
        self.state().now += duration;
    }

    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    pub(crate) fn most_under_way(&self) -> usize {
        self.state().most_under_way
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

impl EventTopic for Topic {
    async fn publish(&self, events: &[&Event]) -> Vec<Result<(), PortError>> {
        const CALL: &str = "topic.publish";
        assert!((1..=EVENTS_AT_ONCE).contains(&events.len()), "{} events in a call", events.len());
        let (fault, end) = {
            let mut state = self.state();
            let fault = state.fault.filter(|(call, _)| *call == state.calls).map(|(_, fault)| fault);
            state.calls += 1;
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            assert!(state.under_way <= CALLS_AT_ONCE);
            (fault, state.now + state.call)
        };
        suspend_once().await;
        let mut state = self.state();
        state.under_way -= 1;
        state.now = state.now.max(end);
        let mut results = Vec::new();
        for (i, event) in events.iter().enumerate() {
            let fails = match fault {
                Some(Fault::Before) => true,
                Some(Fault::Entry(entry)) => i == entry.min(events.len() - 1),
                Some(Fault::After) | None => false,
            };
            if !fails {
                state.published.push((*event).clone());
            }
            let failed = fails || fault == Some(Fault::After);
            results.push(if failed { Err(PortError::new(CALL, "injected")) } else { Ok(()) });
        }
        results
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

/// Gives the other calls a turn in between.
async fn suspend_once() {
    let mut suspended = false;
    poll_fn(|context| {
        if suspended {
            return Poll::Ready(());
        }
        suspended = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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
    let response = block_on(handle(&deps, &payload, &context))?;
    assert!(response.batch_item_failures.len() <= 1, "{response:?}");
    let back = response.batch_item_failures.into_iter().next().map(|failure| failure.item_identifier.unwrap());
    assert_ne!(back.as_deref(), Some(""), "an empty id means the whole batch");
    Ok(back)
}

/// One invocation.
pub(crate) fn invoke(topic: &Topic, records: &[Value]) -> Result<Option<String>, Error> {
    invoke_for(TIMEOUT_SECONDS, topic, records)
}

/// As the mapping delivers a batch: again from the place that is given back, and in halves when the function fails.
/// Returns the parts that fail for good.
pub(crate) fn deliver(topic: &Topic, batch: &[Value]) -> Vec<Vec<Value>> {
    let (mut parts, mut archived) = (vec![batch], Vec::new());
    for _ in 0..1000 {
        let Some(part) = parts.pop() else { return archived };
        match invoke(topic, part) {
            Ok(None) => {}
            Ok(Some(number)) => parts.push(&part[place(part, &number)..]),
            Err(_) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len().div_ceil(2));
                parts.extend([second, first]);
            }
            Err(_) => archived.push(part.to_vec()),
        }
    }
    panic!("it never ends");
}

/// Where in the batch the record with this number is.
pub(crate) fn place(batch: &[Value], number: &str) -> usize {
    batch.iter().position(|record| record["dynamodb"]["SequenceNumber"] == number).unwrap()
}
