//! A store that counts what DynamoDB would bill for each call.
//!
//! By its documentation, [Item sizes and formats][1] and [Read and write operations][2]: a write is a unit for each
//! KB begun of the larger of the item before and after, in a transaction two, also when its condition fails; a
//! consistent read is one for each 4 KB begun, in a transaction two, also when nothing is there. An index is written
//! after that, outside the transaction: a unit for each KB begun of what is put or removed, so two when its key changes.
//! Prices are not known here.
//!
//! [1]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
//! [2]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

use std::collections::{BTreeSet, HashMap};
use std::ops::AddAssign;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Replacement, Transaction, View};
use coffeeshop_core::ports::{Found, PortError, Put, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::score::{City, Score, ScoreKey};
use serde::Serialize;
use serde_dynamo::{AttributeValue, Item};

/// The two indexes of `scores`, each with everything in it.
const INDEXES: [[&str; 2]; 2] = [["city_period", "rank_key"], ["period_part", "rank_key"]];

/// A transaction prepares and commits.
const IN_TRANSACTION: usize = 2;

/// What is billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) writes: usize,
    pub(crate) reads: usize,
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.writes += other.writes;
        self.reads += other.reads;
    }
}

/// The bytes of an item: those of names and values.
pub(crate) fn bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    /// Of a list or a map.
    const COLLECTION: usize = 3;
    /// Of each of its elements.
    const ELEMENT: usize = 1;
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::L(list) => COLLECTION + list.iter().map(|value| ELEMENT + value_bytes(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            COLLECTION + map.iter().map(|(name, value)| ELEMENT + name.len() + value_bytes(value)).sum::<usize>()
        }
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number_bytes(number)).sum(),
        AttributeValue::Bs(many) => many.iter().map(Vec::len).sum(),
    }
}

/// A byte for two digits, without zeros before and after, and one more.
fn number_bytes(number: &str) -> usize {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len().div_ceil(2) + 1
}

/// Units for a write: the larger of what was there and what is.
pub(crate) fn write_units(before: Option<&Item>, after: &Item) -> usize {
    bytes(after).max(before.map_or(0, bytes)).div_ceil(1024).max(1)
}

/// Units for a consistent read; of what is not there too.
fn read_units(item: Option<&Item>) -> usize {
    item.map_or(0, bytes).div_ceil(4096).max(1)
}

/// Units for what follows in an index with these keys.
pub(crate) fn index_units(keys: &[&str], before: Option<&Item>, after: &Item) -> usize {
    let key_of = |item: &Item| keys.iter().map(|key| item.get(*key).cloned()).collect::<Option<Vec<_>>>();
    let was = before.filter(|item| key_of(item).is_some());
    let is = Some(after).filter(|item| key_of(item).is_some());
    match (was, is) {
        (None, None) => 0,
        (Some(was), Some(is)) if was == is => 0,
        (Some(was), Some(is)) if key_of(was) == key_of(is) => write_units(Some(was), is),
        (was, is) => was.into_iter().chain(is).map(|item| write_units(None, item)).sum(),
    }
}

/// A store, and what its calls have cost.
pub(crate) struct Metered<'a, S> {
    store: &'a S,
    meter: Mutex<Meter>,
}

#[derive(Default)]
struct Meter {
    units: Units,
    score_writes: usize,
    contributions: HashMap<RatingKey, Item>,
    scores: HashMap<ScoreKey, Item>,
}

impl<'a, S> Metered<'a, S> {
    /// The store must have nothing in it.
    pub(crate) fn new(store: &'a S) -> Self {
        Self { store, meter: Mutex::default() }
    }

    /// What was billed since this was last asked for.
    pub(crate) fn take(&self) -> Units {
        std::mem::take(&mut self.meter().units)
    }

    /// How many scores were written since this was last asked for: each is a record of their stream.
    pub(crate) fn take_score_writes(&self) -> usize {
        std::mem::take(&mut self.meter().score_writes)
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn read(&mut self, ratings: &[RatingKey], scores: &[ScoreKey]) -> usize {
        let contributions: usize = ratings.iter().map(|key| read_units(self.contributions.get(key))).sum();
        contributions + scores.iter().map(|key| read_units(self.scores.get(key))).sum::<usize>()
    }

    fn write(&mut self, transaction: &Transaction, put: Put) -> Result<(), PortError> {
        for Replacement { item, .. } in &transaction.contributions {
            let after = to_item(item)?;
            let before = self.contributions.get(&item.rating);
            self.units.writes += IN_TRANSACTION * write_units(before, &after);
            if put == Put::Stored {
                self.contributions.insert(item.rating.clone(), after);
            }
        }
        for Replacement { item, .. } in &transaction.scores {
            let after = to_item(item)?;
            let before = self.scores.get(&item.key);
            self.units.writes += IN_TRANSACTION * write_units(before, &after);
            if put == Put::Stored {
                self.score_writes += 1;
                self.units.writes += INDEXES.iter().map(|keys| index_units(keys, before, &after)).sum::<usize>();
                self.scores.insert(item.key.clone(), after);
            }
        }
        Ok(())
    }
}

fn to_item(item: &impl Serialize) -> Result<Item, PortError> {
    serde_dynamo::to_item(item).map_err(|error| PortError::new("scores.commit", error))
}

impl<S: ScoreStore + Sync> ScoreStore for Metered<'_, S> {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        let units = self.meter().read(ratings, &[]);
        self.meter().units.reads += units;
        self.store.contributions(ratings).await
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        let units = self.meter().read(&[], keys);
        self.meter().units.reads += units;
        self.store.scores(keys).await
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        let units = self.meter().read(ratings, scores);
        self.meter().units.reads += IN_TRANSACTION * units;
        self.store.one_moment(ratings, scores).await
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        // Shops are small.
        self.meter().units.reads += shops.iter().collect::<BTreeSet<_>>().len();
        self.store.cities(shops).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        let put = self.store.commit(transaction).await?;
        self.meter().write(transaction, put)?;
        Ok(put)
    }
}

#[cfg(test)]
mod tests;
