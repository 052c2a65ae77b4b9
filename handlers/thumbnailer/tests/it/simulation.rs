//! Random histories of one photo: uploads, removals, undeletes, requests to reprocess it, deliveries late and double,
//! messages that S3 sends twice or an operator takes out of the dead-letter queue, several thumbnailers of two
//! configurations at once whose calls interleave in any order, calls that fail before or after their effect, crashes, and
//! events that are lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use coffeeshop_core::outcome::{Cause, Outcome};
use coffeeshop_core::photo::{Delivery, Request};
use coffeeshop_core::ports::{Clock, PhotoStore, PortError};
use coffeeshop_core::sequencer::Sequencer;
use coffeeshop_core::testing::{Fault, World};
use coffeeshop_thumbnailer::photo::answer;
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::support::{Copier, VISIBILITY_TIMEOUT, photo, take_requests};

#[derive(Debug, Clone, Copy)]
enum Action {
    Upload(&'static str),
    Remove,
    RemoveNewestVersion,
    RemoveOldestVersion,
    Reprocess,
    /// A delivery, by a thumbnailer of one of the two configurations.
    Start(usize, bool),
    /// S3 says something once more, in a message of its own.
    Double(usize),
    /// A message that was given up is sent anew, some time later: as such it was never received.
    Redrive(usize),
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
        1 => any::<usize>().prop_map(Action::Double),
        1 => any::<usize>().prop_map(Action::Redrive),
        30 => any::<usize>().prop_map(Action::Step),
        1 => any::<usize>().prop_map(Action::Crash),
        1 => prop_oneof![Just(Fault::Before), Just(Fault::After)].prop_map(Action::Fail),
    ]
}

/// What happens to an upload that nobody has answered yet.
fn unanswered() -> impl Strategy<Value = Action> {
    prop_oneof![
        1 => Just(Action::Reprocess),
        1 => any::<usize>().prop_map(Action::Double),
        2 => any::<usize>().prop_map(Action::Redrive),
        4 => any::<(usize, bool)>().prop_map(|(i, otherwise)| Action::Start(i, otherwise)),
        14 => any::<usize>().prop_map(Action::Step),
        3 => any::<usize>().prop_map(Action::Crash),
    ]
}

fn action_or_loss() -> impl Strategy<Value = Action> {
    prop_oneof![40 => action(), 1 => Just(Action::Lose)]
}

type Work = Pin<Box<dyn Future<Output = Result<(), PortError>>>>;

/// A message, however often it is delivered: each request to reprocess is one of its own.
#[derive(Debug, Clone)]
struct Message {
    id: usize,
    request: Request,
    sent_at: Timestamp,
    receive_count: u32,
}

impl Message {
    fn receive(&mut self, now: Timestamp) -> Delivery {
        self.receive_count += 1;
        Delivery::new(self.receive_count, self.sent_at, now, VISIBILITY_TIMEOUT)
    }
}

struct Simulation {
    world: Arc<World>,
    renderers: [Arc<Copier>; 2],
    /// Messages that no thumbnailer has finished.
    pending: Vec<Message>,
    /// Of which message, and by which of the configurations.
    working: Vec<(usize, bool, Work)>,
    messages: usize,
    /// All events that were not lost.
    events: Vec<Message>,
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
        let (messages, events, greatest, seen, losing) = (0, Vec::new(), Sequencer::none(), None, false);
        Self { world, renderers, pending, working, messages, events, greatest, seen, losing }
    }

    fn send(&mut self, request: Request) {
        let message = Message { id: 0, request, sent_at: self.world.now(), receive_count: 0 };
        if let Request::Changed(event) = &message.request {
            self.greatest = self.greatest.clone().max(event.sequencer.clone());
            self.events.push(message.clone());
        }
        self.enqueue(message);
    }

    fn enqueue(&mut self, message: Message) {
        self.messages += 1;
        self.pending.push(Message { id: self.messages, ..message });
    }

    /// Delivers a message. While it is in somebody's hands that is SQS's own doing, and not beside a deployment: who is
    /// given it has the configuration that the other one has. And then neither dies nor fails once the other has finished:
    /// nothing would come again for what it leaves behind.
    fn start(&mut self, i: usize, otherwise: bool) {
        let in_hand = self.working.iter().find(|(id, ..)| *id == self.pending[i].id);
        let otherwise = in_hand.map_or(otherwise, |(_, otherwise, _)| *otherwise);
        let delivery = self.pending[i].receive(self.world.now());
        let Message { id, request, .. } = self.pending[i].clone();
        let (world, renderer) = (Arc::clone(&self.world), Arc::clone(&self.renderers[usize::from(otherwise)]));
        let work = async move { answer(&*world, &*renderer, &*world, &request, delivery).await.map(|_| ()) };
        self.working.push((id, otherwise, Box::pin(work)));
    }

    /// Whether nobody has finished a message.
    fn comes_again(&self, message: usize) -> bool {
        self.pending.iter().any(|pending| pending.id == message)
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Upload(bytes) => drop(self.world.upload(&photo(), bytes, None)),
            Action::Remove => self.world.remove(&photo()),
            Action::RemoveNewestVersion => self.world.remove_newest_version(&photo()),
            Action::RemoveOldestVersion => self.world.remove_oldest_version(&photo()),
            Action::Reprocess => self.send(Request::Reprocess(photo())),
            Action::Start(i, otherwise) if !self.pending.is_empty() => {
                self.start(i % self.pending.len(), otherwise);
            }
            Action::Double(i) if !self.events.is_empty() => self.enqueue(self.events[i % self.events.len()].clone()),
            Action::Redrive(i) if !self.pending.is_empty() => {
                let i = i % self.pending.len();
                // It gets there when nobody has had it for a while.
                if self.working.iter().all(|(id, ..)| *id != self.pending[i].id) {
                    self.pending[i].receive_count = 0;
                    self.world.advance(VISIBILITY_TIMEOUT + SignedDuration::from_secs(1));
                }
            }
            Action::Step(i) if !self.working.is_empty() => self.step(i % self.working.len()),
            Action::Crash(i) if !self.working.is_empty() => {
                let i = i % self.working.len();
                if self.comes_again(self.working[i].0) {
                    drop(self.working.swap_remove(i));
                }
            }
            Action::Fail(fault) if self.working.iter().all(|(message, ..)| self.comes_again(*message)) => {
                self.world.fail(0, fault);
            }
            Action::Lose => self.losing = true,
            Action::Start(..)
            | Action::Step(_)
            | Action::Crash(_)
            | Action::Fail(_)
            | Action::Double(_)
            | Action::Redrive(_) => {}
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
        if let Poll::Ready(result) = self.world.poll_one(self.working[i].2.as_mut()) {
            let (message, ..) = self.working.swap_remove(i);
            if result.is_ok() {
                self.pending.retain(|pending| pending.id != message);
            }
        }
    }

    /// Lets what works go on in turns, and delivers what is not finished, but nothing else: a message that a
    /// thumbnailer has finished never comes again.
    fn settle(&mut self) {
        while !self.working.is_empty() {
            self.act(Action::Step(self.world.calls()));
        }
        while let Some(message) = self.pending.last_mut() {
            let delivery = message.receive(self.world.now());
            let request = message.request.clone();
            let renderer = &self.renderers[self.pending.len() % 2];
            if block_on(answer(&*self.world, &**renderer, &*self.world, &request, delivery)).is_ok() {
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
    fn an_upload_ends_right_however_often_it_was_begun(actions in prop::collection::vec(unanswered(), 1..40)) {
        let mut simulation = Simulation::new();
        simulation.act(Action::Upload("one"));
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
