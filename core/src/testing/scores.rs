//! Contributions, scores, shops and the quarantine in memory: as unkind as the real ones where a test asks for it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::board_store::BoardTable;
use super::calls::{Calls, Fault, suspend_once};
use crate::contribution::Contribution;
use crate::ids::ShopId;
use crate::ledger::{Replacement, TRANSACTION_ITEMS_MAX, Transaction, View};
use crate::ports::{Found, PortError, Put, Quarantined, ScoreStore};
use crate::rating::{RatingItem, RatingKey};
use crate::score::{City, Score, ScoreKey};

/// A store that does not keep its promises. A test that holds on one of these proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// It keeps them.
    #[default]
    None,
    /// It stores whatever it is given, also when another writer was first.
    IgnoresConditions,
    /// It stores the contributions of a transaction, and then, in a second step, its scores.
    TwoHalves,
}

/// The ports of the aggregator, of who counts again, and of who announces leaderboards, in memory.
///
/// A transaction takes its time, as in DynamoDB: meanwhile another that overlaps it loses, and a read of one moment that
/// overlaps it is refused. Plain reads see its scores before its contributions, or the other way round, until somebody has
/// slept for [`HALF_SEEN_MAX`](crate::ports::HALF_SEEN_MAX). Whoever is dropped before it is decided may have stored everything or nothing.
#[derive(Debug, Default)]
pub struct ScoreWorld {
    pub(super) calls: Calls,
    pub(super) sabotage: Sabotage,
    stale_reads: bool,
    pub(super) large_pages: bool,
    pub(super) lagging_index: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ratings: HashMap<RatingKey, RatingItem>,
    pub(super) contributions: Table<RatingKey, Contribution>,
    pub(super) scores: Table<ScoreKey, Score>,
    pub(super) cities: HashMap<ShopId, City>,
    pub(super) boards: BoardTable,
    pub(super) quarantine: Vec<Quarantined>,
    in_flight: HashSet<Key>,
    /// The rest of transactions that are half seen, by a number.
    pub(super) halves: BTreeMap<u64, Transaction>,
    next_half: u64,
    spoilt: Option<ScoreKey>,
    pub(super) spoilt_contribution: Option<RatingKey>,
    pub(super) now: Timestamp,
}

/// A table, and what each item was before it was last written.
#[derive(Debug)]
pub(super) struct Table<K, T> {
    pub(super) items: HashMap<K, T>,
    pub(super) before: HashMap<K, Option<T>>,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { items: HashMap::new(), before: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Table<K, T> {
    pub(super) fn put(&mut self, key: K, item: T) {
        let before = self.items.insert(key.clone(), item);
        self.before.insert(key, before);
    }

    fn read(&self, key: &K, stale: bool) -> Option<T> {
        match self.before.get(key).filter(|_| stale) {
            Some(before) => before.clone(),
            None => self.items.get(key).cloned(),
        }
    }

    fn read_all(&self, keys: &[K], stale: bool) -> Found<K, T> {
        keys.iter().filter_map(|key| Some((key.clone(), Ok(self.read(key, stale)?)))).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Contribution(RatingKey),
    Score(ScoreKey),
}

pub(super) fn spoilt(call: &'static str) -> PortError {
    PortError::new(call, "spoilt")
}

fn keys(transaction: &Transaction) -> HashSet<Key> {
    let contributions = transaction.contributions.iter().map(|put| Key::Contribution(put.item.rating.clone()));
    contributions.chain(transaction.scores.iter().map(|put| Key::Score(put.item.key.clone()))).collect()
}

impl ScoreWorld {
    /// A world with a store that does not keep its promises.
    pub fn sabotaged(sabotage: Sabotage) -> Self {
        Self { sabotage, ..Self::default() }
    }

    /// A world that answers plain reads as an eventually consistent read may: now and then with what was there before.
    /// No number may suffer from that; a view of one moment is never stale.
    pub fn with_stale_reads() -> Self {
        Self { stale_reads: true, ..Self::default() }
    }

    /// A world whose leaderboards follow the scores as an index may: now and then an entry is where it was before its
    /// last write, or at both places.
    pub fn with_lagging_index() -> Self {
        Self { lagging_index: true, ..Self::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes a shop known, or moves it.
    pub fn open_shop(&self, shop_id: &ShopId, city: &City) {
        self.state().cities.insert(shop_id.clone(), city.clone());
    }

    /// The stored scores, without a port call.
    pub fn stored_scores(&self) -> BTreeMap<ScoreKey, Score> {
        self.state().scores.items.clone().into_iter().collect()
    }

    /// The stored contributions, without a port call.
    pub fn stored_contributions(&self) -> BTreeMap<RatingKey, Contribution> {
        self.state().contributions.items.clone().into_iter().collect()
    }

    /// Whatever some other writer might have left in place of a score.
    pub fn put_score(&self, score: Score) {
        self.state().scores.put(score.key.clone(), score);
    }

    /// Removes all contributions whose time to live is over.
    pub fn expire(&self) {
        let mut state = self.state();
        let now = state.now.as_second();
        state.contributions.items.retain(|_, item| item.expires_at.is_none_or(|expires_at| expires_at > now));
    }

    /// Makes a score one that cannot be understood, or mends it.
    pub fn spoil(&self, score: Option<ScoreKey>) {
        self.state().spoilt = score;
    }

    pub(super) fn spoilt_score(&self) -> Option<ScoreKey> {
        self.state().spoilt.clone()
    }

    /// What was quarantined, in order.
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.state().quarantine.clone()
    }

    /// Makes the `call`-th port call from now on (the first is 0) go wrong; the others work.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.calls.fail(call, fault);
    }

    /// Makes every port call go wrong, or none.
    pub fn fail_always(&self, fault: Option<Fault>) {
        self.calls.fail_always(fault);
    }

    /// Makes one of `one_in` port calls go wrong; with 0, none.
    pub fn fail_at_random(&self, seed: u64, one_in: u32) {
        self.calls.fail_at_random(seed, one_in);
    }

    /// How many port calls there have been.
    pub fn calls(&self) -> usize {
        self.calls.count()
    }

    /// The names of the calls since this was last asked for, in order.
    pub fn take_log(&self) -> Vec<&'static str> {
        self.calls.take_log()
    }

    /// Lets time pass.
    pub fn advance(&self, duration: SignedDuration) {
        self.state().now += duration;
    }

    /// Whether this read is stale, where reads are.
    fn stale(&self) -> bool {
        self.stale_reads && self.toss()
    }

    /// One or the other, but the same each time that a test is run.
    fn toss(&self) -> bool {
        Rng::with_seed(self.calls.count() as u64).bool()
    }

    async fn in_two_halves(&self, transaction: &Transaction) -> Put {
        if !self.state().holds(transaction) {
            return Put::LostRace;
        }
        self.state().store(&Transaction { scores: Vec::new(), ..transaction.clone() });
        suspend_once().await;
        self.state().store(&Transaction { contributions: Vec::new(), ..transaction.clone() });
        Put::Stored
    }
}

impl State {
    pub(super) fn read_scores(&self, keys: &[ScoreKey], stale: bool) -> Found<ScoreKey, Score> {
        let mut found = self.scores.read_all(keys, stale);
        if let Some(spoilt) = self.spoilt.clone().filter(|spoilt| keys.contains(spoilt)) {
            found.insert(spoilt, Err(self::spoilt("scores.get")));
        }
        found
    }

    /// Whether every condition holds.
    fn holds(&self, transaction: &Transaction) -> bool {
        let contribution = |put: &Replacement<Contribution>| {
            self.contributions.items.get(&put.item.rating).map(|item| item.version) == put.replaces
        };
        let score =
            |put: &Replacement<Score>| self.scores.items.get(&put.item.key).map(|item| item.revision) == put.replaces;
        transaction.contributions.iter().all(contribution) && transaction.scores.iter().all(score)
    }

    /// Shows the rest of a transaction, unless that was done.
    pub(super) fn finish_half(&mut self, number: u64) {
        if let Some(rest) = self.halves.remove(&number) {
            self.store(&rest);
            self.leave(&rest);
        }
    }

    /// Another transaction may have these items.
    fn leave(&mut self, transaction: &Transaction) {
        for key in keys(transaction) {
            self.in_flight.remove(&key);
        }
    }

    fn store(&mut self, transaction: &Transaction) {
        for Replacement { item, .. } in &transaction.contributions {
            self.contributions.put(item.rating.clone(), item.clone());
        }
        for Replacement { item, .. } in &transaction.scores {
            self.scores.put(item.key.clone(), item.clone());
        }
    }
}

/// A transaction that is under way.
struct InFlight<'a> {
    world: &'a ScoreWorld,
    transaction: &'a Transaction,
    half: Option<u64>,
    done: bool,
}

impl InFlight<'_> {
    /// Decides that it is stored, and shows one half of it.
    fn decide(&mut self) {
        let scores_first = self.world.toss();
        let mut state = self.world.state();
        let contributions = Transaction { scores: Vec::new(), ..self.transaction.clone() };
        let scores = Transaction { contributions: Vec::new(), ..self.transaction.clone() };
        let (first, rest) = if scores_first { (scores, contributions) } else { (contributions, scores) };
        state.store(&first);
        state.leave(&first);
        state.next_half += 1;
        let number = state.next_half;
        state.halves.insert(number, rest);
        self.half = Some(number);
    }

    fn finish(&mut self) {
        let mut state = self.world.state();
        match self.half {
            Some(number) => state.finish_half(number),
            None => state.leave(self.transaction),
        }
        self.done = true;
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.done {
            // Nobody waits any more: it may have been stored, or not.
            if self.half.is_none() && self.world.toss() {
                self.decide();
            }
            self.finish();
        }
    }
}

impl ScoreStore for ScoreWorld {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        let reply = self.calls.enter("contributions.get").await?;
        let mut found = self.state().contributions.read_all(ratings, self.stale());
        if let Some(key) = self.state().spoilt_contribution.clone().filter(|key| ratings.contains(key)) {
            found.insert(key, Err(spoilt("contributions.get")));
        }
        reply.leave(found)
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        let reply = self.calls.enter("scores.get").await?;
        let found = self.state().read_scores(keys, self.stale());
        reply.leave(found)
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        const CALL: &str = "scores.one_moment";
        assert!(ratings.len() + scores.len() <= TRANSACTION_ITEMS_MAX, "more than a transaction reads");
        let reply = self.calls.enter(CALL).await?;
        let state = self.state();
        let wanted = ratings.iter().cloned().map(Key::Contribution);
        if wanted.chain(scores.iter().cloned().map(Key::Score)).any(|key| state.in_flight.contains(&key)) {
            return Err(PortError::busy(CALL, "a transaction is under way"));
        }
        let view = View {
            contributions: state.contributions.read_all(ratings, false),
            scores: state.read_scores(scores, false),
            cities: HashMap::new(),
        };
        drop(state);
        reply.leave(view)
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        let reply = self.calls.enter("shops.get").await?;
        let state = self.state();
        let found = shops.iter().filter_map(|shop| Some((shop.clone(), state.cities.get(shop)?.clone()))).collect();
        drop(state);
        reply.leave(found)
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        let items = transaction.contributions.len() + transaction.scores.len();
        assert!((1..=TRANSACTION_ITEMS_MAX).contains(&items), "a transaction of {items} items");
        let keys = keys(transaction);
        assert_eq!(keys.len(), items, "one action an item");
        let reply = self.calls.enter("scores.commit").await?;
        match self.sabotage {
            Sabotage::IgnoresConditions => self.state().store(transaction),
            Sabotage::TwoHalves => {
                let put = self.in_two_halves(transaction).await;
                return reply.leave(put);
            }
            Sabotage::None => {
                let mut flight = {
                    let mut state = self.state();
                    if !state.in_flight.is_disjoint(&keys) || !state.holds(transaction) {
                        return reply.leave(Put::LostRace);
                    }
                    state.in_flight.extend(keys);
                    InFlight { world: self, transaction, half: None, done: false }
                };
                suspend_once().await;
                flight.decide();
                suspend_once().await;
                flight.finish();
            }
        }
        reply.leave(Put::Stored)
    }
}
