//! Random histories of one photo: uploads, removals, undeletes, requests to reprocess it, deliveries late and double,
//! several thumbnailers of two configurations at once whose calls interleave in any order, calls that fail before or
//! after their effect, crashes, and events that are lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use coffeeshop_core::outcome::{Cause, Outcome};
use coffeeshop_core::photo::Request;
use coffeeshop_core::ports::{PhotoStore, PortError};
use coffeeshop_core::sequencer::Sequencer;
use coffeeshop_core::testing::{Fault, World};
use coffeeshop_thumbnailer::photo::answer;
use futures::executor::block_on;
use proptest::prelude::*;

use crate::support::{Copier, photo, take_requests};

#[derive(Debug, Clone, Copy)]
enum Action {
    Upload(&'static str),
    Remove,
    RemoveNewestVersion,
    RemoveOldestVersion,
    Reprocess,
    /// A delivery, by a thumbnailer of one of the two configurations.
    Start(usize, bool),
    Step(usize),
    Crash(usize),
    Fail(Fault),
    /// What S3 says next is never delivered.
    Lose,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => prop_oneof![Just("one"), Just("one"), Just("two"), Just("bad")].prop_map(Action::Upload),
        1 => Just(Action::Remove),
        1 => Just(Action::RemoveNewestVersion),
        1 => Just(Action::RemoveOldestVersion),
        2 => Just(Action::Reprocess),
        4 => any::<(usize, bool)>().prop_map(|(i, otherwise)| Action::Start(i, otherwise)),
        30 => any::<usize>().prop_map(Action::Step),
        1 => any::<usize>().prop_map(Action::Crash),
        1 => prop_oneof![Just(Fault::Before), Just(Fault::After)].prop_map(Action::Fail),
    ]
}

fn action_or_loss() -> impl Strategy<Value = Action> {
    prop_oneof![40 => action(), 1 => Just(Action::Lose)]
}

type Work = Pin<Box<dyn Future<Output = Result<(), PortError>>>>;

/// A message, however often it is delivered: each request to reprocess is one of its own.
type Message = (usize, Request);

struct Simulation {
    world: Arc<World>,
    renderers: [Arc<Copier>; 2],
    /// Messages that no thumbnailer has finished.
    pending: Vec<Message>,
    working: Vec<(usize, Work)>,
    messages: usize,
    /// The greatest sequencer that was not lost.
    greatest: Sequencer,
    /// The outcome after the last action.
    seen: Option<Outcome>,
    losing: bool,
}

impl Simulation {
    fn new() -> Self {
        let renderers = [Arc::new(Copier::default()), Arc::new(Copier::otherwise())];
        let (world, pending, working) = (Arc::default(), Vec::new(), Vec::new());
        let (messages, greatest, seen, losing) = (0, Sequencer::none(), None, false);
        Self { world, renderers, pending, working, messages, greatest, seen, losing }
    }

    fn send(&mut self, request: Request) {
        self.messages += 1;
        if let Request::Changed(event) = &request {
            self.greatest = self.greatest.clone().max(event.sequencer.clone());
        }
        self.pending.push((self.messages, request));
    }

    fn start(&mut self, (message, request): Message, otherwise: bool) {
        let (world, renderer) = (Arc::clone(&self.world), Arc::clone(&self.renderers[usize::from(otherwise)]));
        let work = async move { answer(&*world, &*renderer, &*world, &request).await.map(|_| ()) };
        self.working.push((message, Box::pin(work)));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Upload(bytes) => drop(self.world.upload(&photo(), bytes, None)),
            Action::Remove => self.world.remove(&photo()),
            Action::RemoveNewestVersion => self.world.remove_newest_version(&photo()),
            Action::RemoveOldestVersion => self.world.remove_oldest_version(&photo()),
            Action::Reprocess => self.send(Request::Reprocess(photo())),
            Action::Start(i, otherwise) if !self.pending.is_empty() => {
                self.start(self.pending[i % self.pending.len()].clone(), otherwise);
            }
            Action::Step(i) if !self.working.is_empty() => self.step(i % self.working.len()),
            Action::Crash(i) if !self.working.is_empty() => drop(self.working.swap_remove(i % self.working.len())),
            Action::Fail(fault) => self.world.fail(0, fault),
            Action::Lose => self.losing = true,
            Action::Start(..) | Action::Step(_) | Action::Crash(_) => {}
        }
        for request in take_requests(&self.world) {
            if !std::mem::take(&mut self.losing) {
                self.send(request);
            }
        }
        self.world.assert_named_exist();
        self.watch();
    }

    /// What holds of each outcome after the one before: one revision more; what an event wrote answers a greater
    /// event, and what an operator had made answers the same.
    fn watch(&mut self) {
        let stored = self.world.stored(&photo());
        if stored == self.seen {
            return;
        }
        let stored = stored.unwrap();
        let before = self.seen.as_ref();
        assert_eq!(stored.revision, before.map(|before| before.revision).unwrap_or_default().next());
        let sequencer = before.map_or(Sequencer::none(), |before| before.sequencer.clone());
        match stored.cause {
            Cause::Event => assert!(stored.sequencer > sequencer, "{stored:?} after {sequencer}"),
            Cause::Reprocess => assert_eq!(stored.sequencer, sequencer, "{stored:?}"),
        }
        self.seen = Some(stored);
    }

    fn step(&mut self, i: usize) {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(result) = self.working[i].1.as_mut().poll(&mut context) {
            let (message, _) = self.working.swap_remove(i);
            if result.is_ok() {
                self.pending.retain(|(pending, _)| *pending != message);
            }
        }
    }

    /// Lets what works go on in turns, and delivers what is not finished, but nothing else: a message that a
    /// thumbnailer has finished never comes again.
    fn settle(&mut self) {
        while !self.working.is_empty() {
            self.act(Action::Step(self.world.calls()));
        }
        while let Some((_, request)) = self.pending.last() {
            let renderer = &self.renderers[self.pending.len() % 2];
            if block_on(answer(&*self.world, &**renderer, &*self.world, request)).is_ok() {
                self.pending.pop();
            }
            self.world.assert_named_exist();
            self.watch();
        }
        let answered = self.world.stored(&photo()).map_or(Sequencer::none(), |outcome| outcome.sequencer);
        assert_eq!(answered, self.greatest, "the greatest event has its answer");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn every_history_ends_right(actions in prop::collection::vec(action(), 1..120)) {
        let mut simulation = Simulation::new();
        for action in actions {
            simulation.act(action);
        }
        simulation.settle();
        simulation.world.assert_settled();
    }

    #[test]
    fn what_was_lost_is_made_good_by_reprocessing(actions in prop::collection::vec(action_or_loss(), 1..120)) {
        let mut simulation = Simulation::new();
        for action in actions {
            simulation.act(action);
        }
        simulation.settle();
        simulation.act(Action::Reprocess);
        simulation.settle();
        let world = &simulation.world;
        if simulation.seen.is_some() {
            world.assert_settled();
        } else {
            // Nobody was ever told of it, and it is gone.
            prop_assert!(block_on(world.original(&photo())).unwrap().is_none());
            prop_assert_eq!(block_on(world.renditions(&photo())).unwrap(), vec![]);
        }
    }
}
