//! Random histories of one photo: uploads, removals, undeletes, deliveries late and double, several thumbnailers at
//! once whose calls interleave in any order, calls that fail before or after their effect, and crashes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use coffeeshop_core::photo::PhotoChanged;
use coffeeshop_core::ports::PortError;
use coffeeshop_core::testing::{Fault, World};
use coffeeshop_thumbnailer::photo::answer;
use futures::executor::block_on;
use proptest::prelude::*;

use crate::support::{Copier, photo};

#[derive(Debug, Clone, Copy)]
enum Action {
    Upload(&'static str),
    Remove,
    RemoveNewestVersion,
    RemoveOldestVersion,
    Start(usize),
    Step(usize),
    Crash(usize),
    Fail(Fault),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => prop_oneof![Just("one"), Just("one"), Just("two"), Just("bad")].prop_map(Action::Upload),
        1 => Just(Action::Remove),
        1 => Just(Action::RemoveNewestVersion),
        1 => Just(Action::RemoveOldestVersion),
        4 => any::<usize>().prop_map(Action::Start),
        30 => any::<usize>().prop_map(Action::Step),
        1 => any::<usize>().prop_map(Action::Crash),
        1 => prop_oneof![Just(Fault::Before), Just(Fault::After)].prop_map(Action::Fail),
    ]
}

type Work = Pin<Box<dyn Future<Output = Result<(), PortError>>>>;

struct Simulation {
    world: Arc<World>,
    renderer: Arc<Copier>,
    /// Events that no thumbnailer has finished.
    pending: Vec<PhotoChanged>,
    working: Vec<(PhotoChanged, Work)>,
}

impl Simulation {
    fn new() -> Self {
        let (world, renderer) = (Arc::default(), Arc::default());
        Self { world, renderer, pending: Vec::new(), working: Vec::new() }
    }

    fn start(&mut self, event: PhotoChanged) {
        let (world, renderer, what) = (Arc::clone(&self.world), Arc::clone(&self.renderer), event.clone());
        let work = async move { answer(&*world, &*renderer, &*world, &what).await.map(|_| ()) };
        self.working.push((event, Box::pin(work)));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Upload(bytes) => drop(self.world.upload(&photo(), bytes, None)),
            Action::Remove => self.world.remove(&photo()),
            Action::RemoveNewestVersion => self.world.remove_newest_version(&photo()),
            Action::RemoveOldestVersion => self.world.remove_oldest_version(&photo()),
            Action::Start(i) if !self.pending.is_empty() => {
                self.start(self.pending[i % self.pending.len()].clone());
            }
            Action::Step(i) if !self.working.is_empty() => self.step(i % self.working.len()),
            Action::Crash(i) if !self.working.is_empty() => drop(self.working.swap_remove(i % self.working.len())),
            Action::Fail(fault) => self.world.fail(0, fault),
            Action::Start(_) | Action::Step(_) | Action::Crash(_) => {}
        }
        self.pending.extend(self.world.take_events());
        self.world.assert_named_exist();
    }

    fn step(&mut self, i: usize) {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(result) = self.working[i].1.as_mut().poll(&mut context) {
            let (event, _) = self.working.swap_remove(i);
            if result.is_ok() {
                self.pending.retain(|pending| *pending != event);
            }
        }
    }

    /// Lets what works go on in turns, and delivers what is not finished, but nothing else: an event that a
    /// thumbnailer has finished never comes again.
    fn settle(mut self) {
        while !self.working.is_empty() {
            self.act(Action::Step(self.world.calls()));
        }
        while let Some(event) = self.pending.pop() {
            if block_on(answer(&*self.world, &*self.renderer, &*self.world, &event)).is_err() {
                self.pending.push(event);
            }
        }
        self.world.assert_named_exist();
        self.world.assert_settled();
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
    }
}
