//! A history from a seed: ratings, damage, then more ratings while shops are rebuilt.
//!
//! What must be true of its end is not said here.

use std::cell::RefCell;
use std::collections::HashSet;

use coffeeshop_core::ports::ShopRecords as _;
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_operator::rebuild::Mode;
use fastrand::Rng;
use futures::executor::block_on;
use jiff::SignedDuration;
use serde_json::Value;

use super::damage::{Backup, Harm, damage};
use super::operator::{Office, Seen};
use super::store::Sabotage;
use crate::history::{History, item};
use crate::lanes::{Mapping, Task, turns};
use crate::support::Written;

/// The city of the shops that have one.
const CITY: &str = "Turin";

/// A history, the world that it happens in, and where its dice are.
pub(super) struct Story {
    pub(super) world: ScoreWorld,
    pub(super) history: History,
    rng: Rng,
    /// How much of the stream was delivered before the damage.
    before: usize,
    harm: Harm,
    fences_lost: bool,
}

impl Story {
    /// Some ratings, at rest, and then some damage.
    pub(super) fn new(seed: u64, harm: Harm) -> Self {
        let world = ScoreWorld::default();
        world.advance(SignedDuration::from_secs(1_795_255_200));
        for shop in 0..2 {
            world.open_shop(&format!("shop-{shop}").parse().unwrap(), &CITY.parse().unwrap());
        }
        let mut rng = Rng::with_seed(seed);
        let mut history = History::new(&mut rng);
        // Large ones take long.
        if history.is_large() && rng.u8(..8) > 0 {
            history = History::new(&mut rng);
        }
        if rng.bool() {
            history.write_alike();
        }
        let mut story = Self { world, history, rng, before: 0, harm, fences_lost: false };
        let length = story.history.length(&mut story.rng);
        story.write(length / 4);
        let backup = Backup::of(&story.world);
        story.write(length / 4);
        if harm != Harm::None {
            let times = if harm == Harm::Any { story.rng.u8(..4) } else { 1 };
            for _ in 0..times {
                story.fences_lost |= damage(&story.world, &backup, harm, &mut story.rng);
            }
            story.world.advance(SignedDuration::from_hours(1));
        }
        story
    }

    /// Writes, and delivers; in a history with damage some records never.
    fn write(&mut self, steps: usize) {
        self.history.write(steps, &mut self.rng);
        for written in &self.history.stream[self.before..] {
            keep(&self.world, written);
        }
        if self.harm == Harm::Any && self.rng.bool() {
            let delivered = self.history.stream.split_off(self.before);
            self.history.stream.extend(delivered.into_iter().filter(|_| self.rng.u8(..8) > 0));
        }
        Mapping::new(&self.world, self.rng.u64(..)).deliver_all(&self.history.stream[self.before..]);
        self.before = self.history.stream.len();
    }

    /// What is wrong with the scores and contributions as they are stored.
    pub(super) fn numbers(&self) -> Result<(), String> {
        self.history.numbers(&self.world)?;
        for (key, score) in self.world.stored_scores() {
            if key.shop_id.as_str() != "shop-2" && score.city != Some(CITY.parse().unwrap()) {
                return Err(format!("{key:?} is in {:?}", score.city));
            }
        }
        Ok(())
    }

    /// Everything that may be delivered again: with a contribution its fence is lost, and what is older could win.
    pub(super) fn known(&self) -> Vec<Value> {
        let from = if self.fences_lost { self.before } else { 0 };
        self.history.stream[from..].iter().map(Written::json).collect()
    }

    /// What was set aside because a score did not count what is to be taken from it, each by itself.
    pub(super) fn drift(&self) -> Vec<Value> {
        let mut drift = self.world.quarantined();
        drift.retain(|sent| sent.reason.code == "drift");
        drift.iter().map(|sent| serde_json::from_str::<Value>(&sent.body).unwrap()["Records"][0].clone()).collect()
    }

    /// Delivers old batches once more.
    pub(super) fn deliver_again(&mut self) {
        Mapping::new(&self.world, self.rng.u64(..)).settle_beside(&self.known(), &mut Vec::new());
    }

    /// More ratings, and rebuilds meanwhile.
    pub(super) fn live(&mut self, sabotage: Sabotage) -> (Seen, bool) {
        let length = self.history.length(&mut self.rng);
        self.history.write(if self.history.is_large() { length / 2 } else { length }, &mut self.rng);
        let (world, rng) = (&self.world, &mut self.rng);
        let stream = &self.history.stream[self.before..];
        let written = RefCell::new(self.history.stream[..self.before].iter().map(Written::event_id).collect());
        let shops = block_on(world.shops(None, usize::MAX)).unwrap();
        // In some, who rebuilds is far away, so that workers do a lot between two of its calls.
        let slow = if rng.bool() { 0 } else { rng.usize(..60) };
        let office = Office::new(world, sabotage, shops, slow, rng.fork());
        let longest = stream.len() * (10 + slow) / 3;
        let mut others: Vec<Task<'_>> = vec![Box::pin(app(world, stream, &written, 10 + slow, rng.fork()))];
        for _ in 0..rng.u8(1..=2) {
            let mode = if self.harm != Harm::None || rng.bool() { Mode::Write } else { Mode::DryRun };
            others.push(Box::pin(office.rebuild(mode, rng.usize(..longest))));
        }
        if self.harm == Harm::None {
            others.push(Box::pin(office.verify(rng.usize(..longest))));
        }
        let one_in = if rng.bool() { 0 } else { rng.u32(10..150) };
        world.fail_at_random(rng.u64(..), one_in);
        let mut mapping = Mapping::gated(world, rng.u64(..), &written);
        let known = self.known();
        mapping.deliver_beside(stream, &known, &mut others);
        office.open.set(false);
        mapping.settle_beside(&known, &mut others);
        for other in others {
            block_on(other);
        }
        let seen = office.seen.borrow().clone();
        (seen, office.is_done())
    }
}

/// Does with the table what the change did.
fn keep(world: &ScoreWorld, written: &Written) {
    match &written.new {
        Some(state) => world.put_rating(written.rating.clone(), item(state)),
        None => world.remove_rating(&written.rating),
    }
}

/// The app: writes ratings one by one, each after at most so many turns; only then there is a record.
async fn app(world: &ScoreWorld, stream: &[Written], records: &RefCell<HashSet<String>>, pause: usize, mut rng: Rng) {
    for written in stream {
        turns(rng.usize(..pause)).await;
        keep(world, written);
        records.borrow_mut().insert(written.event_id());
    }
}
