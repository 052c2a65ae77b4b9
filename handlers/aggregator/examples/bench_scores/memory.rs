//! The handler's ports in memory, with as little work of their own as their contract allows.
//!
//! `coffeeshop_core::testing::ScoreWorld` keeps more books than that, for the sake of tests, and took a quarter of
//! the time measured. Nothing goes wrong here, and nothing takes time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Transaction, View};
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock, Found, PortError, Put, Quarantine, Quarantined, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::score::{City, Score, ScoreKey};
use jiff::Timestamp;

/// A store, a quarantine and a clock that stands still.
#[derive(Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    contributions: HashMap<RatingKey, Contribution>,
    scores: HashMap<ScoreKey, Score>,
    cities: HashMap<ShopId, City>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open_shop(&self, shop_id: ShopId, city: City) {
        self.state().cities.insert(shop_id, city);
    }

    /// How many ratings the scores of all time have.
    pub(crate) fn ratings(&self) -> u64 {
        self.state().scores.values().filter(|score| score.key.period == Period::All).map(|score| score.count).sum()
    }
}

impl State {
    /// Whether every condition holds.
    fn holds(&self, transaction: &Transaction) -> bool {
        let Self { contributions, scores, .. } = self;
        let version = |rating| contributions.get(rating).map(|contribution| contribution.version);
        let revision = |key| scores.get(key).map(|score| score.revision);
        transaction.contributions.iter().all(|put| version(&put.item.rating) == put.replaces)
            && transaction.scores.iter().all(|put| revision(&put.item.key) == put.replaces)
    }

    fn store(&mut self, transaction: &Transaction) {
        for put in &transaction.contributions {
            self.contributions.insert(put.item.rating.clone(), put.item.clone());
        }
        for put in &transaction.scores {
            self.scores.insert(put.item.key.clone(), put.item.clone());
        }
    }
}

fn found<K: Hash + Eq + Clone, T: Clone>(items: &HashMap<K, T>, keys: &[K]) -> Found<K, T> {
    keys.iter().filter_map(|key| Some((key.clone(), Ok(items.get(key)?.clone())))).collect()
}

impl ScoreStore for Memory {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        Ok(found(&self.state().contributions, ratings))
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        Ok(found(&self.state().scores, keys))
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        let state = self.state();
        let (contributions, scores) = (found(&state.contributions, ratings), found(&state.scores, scores));
        Ok(View { contributions, scores, cities: HashMap::new() })
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        let state = self.state();
        Ok(shops.iter().filter_map(|shop| Some((shop.clone(), state.cities.get(shop)?.clone()))).collect())
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        let mut state = self.state();
        if !state.holds(transaction) {
            return Ok(Put::LostRace);
        }
        state.store(transaction);
        Ok(Put::Stored)
    }
}

impl Quarantine for Memory {
    async fn send(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        records.iter().map(|_| Ok(())).collect()
    }
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}
}
