//! From changes of a shop's ratings to the transactions that bring its scores up to them: a pure decision.
//!
//! Scores follow what contributions hold, never what happened: so a change that comes twice, late, or in another order
//! ends in the same numbers. Reading, writing and trying again are not done here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use crate::contribution::Contribution;
use crate::fence::Fence;
use crate::histogram::Histogram;
use crate::ids::ShopId;
use crate::period::Period;
use crate::ports::PortError;
use crate::rating::{Held, RatingKey};
use crate::score::{City, Score, ScoreKey};

/// The most items that DynamoDB writes, or reads, in one transaction.
pub const TRANSACTION_ITEMS_MAX: usize = 100;

/// What a rating holds from some point of its history on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub rating: RatingKey,
    /// The point. `None`: the rating itself was read, so its contribution keeps the fence that it has, and a new one gets
    /// [`Fence::lowest`].
    pub fence: Option<Fence>,
    /// What it holds; nothing when it was deleted, or makes no sense.
    pub held: Option<Held>,
}

/// What was read of the stores: what is absent is not there. An item that could not be understood is an error, which is
/// that of the changes alone that need it.
#[derive(Debug, Default)]
pub struct View {
    /// Contributions by rating.
    pub contributions: HashMap<RatingKey, Result<Contribution, PortError>>,
    /// Scores by shop and period.
    pub scores: HashMap<ScoreKey, Result<Score, PortError>>,
    /// Cities of shops that have one.
    pub cities: HashMap<ShopId, City>,
}

/// Items that are written together or not at all. The contributions come first, one of each rating.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    /// Each on condition of the version that was read.
    pub contributions: Vec<Replacement<Contribution>>,
    /// Each on condition of the revision that was read.
    pub scores: Vec<Replacement<Score>>,
}

/// A new state of an item, and the version or revision that it replaces; `None`: there was no such item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement<T> {
    /// What is written.
    pub item: T,
    /// What is replaced.
    pub replaces: Option<u64>,
}

/// What is to be done for a shop.
#[derive(Debug, Default)]
pub struct Plan {
    /// To be committed one after the other: each begins where the one before ends.
    pub transactions: Vec<Transaction>,
    /// How many changes say nothing new.
    pub stale: usize,
    /// Changes whose contribution holds something that a score does not count; no transaction has them. If all was
    /// read at one moment, that is drift; else another writer may have come between the reads.
    pub below_zero: Vec<Change>,
    /// Why no transaction has some of the changes: an item of theirs cannot be understood.
    pub unreadable: Vec<PortError>,
}

impl View {
    fn contribution(&self, rating: &RatingKey) -> Result<Option<&Contribution>, &PortError> {
        self.contributions.get(rating).map(Result::as_ref).transpose()
    }

    fn score(&self, key: &ScoreKey) -> Result<Option<&Score>, &PortError> {
        self.scores.get(key).map(Result::as_ref).transpose()
    }

    /// The scores that a change touches: none when it is stale, or leaves stars and month as they were.
    pub fn touched_by(&self, change: &Change) -> Vec<ScoreKey> {
        let before = self.contribution(&change.rating).ok().flatten();
        if is_stale(change, before) {
            return Vec::new();
        }
        let key = |period| ScoreKey { shop_id: change.rating.shop_id.clone(), period };
        periods(before.and_then(Contribution::held), change.held).map(key).collect()
    }

    /// What remembers that these changes were set aside: their contributions know them, and hold what they held. So none
    /// that is older can come back when the contributions have been repaired.
    pub fn set_aside(&self, changes: &[Change], now: Timestamp) -> Transaction {
        let known = |change: &Change| {
            let before = self.contribution(&change.rating).ok().flatten()?;
            let fence = change.fence.clone().filter(|fence| *fence > before.fence)?;
            let item = Contribution::after(Some(before), change.rating.clone(), fence, before.held(), now);
            Some(Replacement { item, replaces: Some(before.version) })
        };
        Transaction { contributions: changes.iter().filter_map(known).collect(), scores: Vec::new() }
    }

    /// How many of the changes, from the first on, fit into one transaction: at least one.
    pub fn fitting(&self, changes: &[Change]) -> usize {
        let mut scores = HashSet::new();
        let mut fits = |(position, change): (usize, &Change)| {
            scores.extend(self.touched_by(change));
            position + 1 + scores.len() <= TRANSACTION_ITEMS_MAX
        };
        changes.iter().enumerate().take_while(|pair| fits(*pair)).count()
    }
}

/// Whether the contribution knows this change, or a later one. That it would be read otherwise by now does not matter: a
/// contribution that was repaired since, and kept its fence, must not go back to what a duplicate says.
fn is_stale(change: &Change, before: Option<&Contribution>) -> bool {
    match &change.fence {
        Some(fence) => before.is_some_and(|before| before.fence >= *fence),
        None => before.and_then(Contribution::held) == change.held,
    }
}

/// The version, or the revision, of an item that replaces one with `replaced`. The first is the time in milliseconds, and
/// no item is written more often than that: so one that was lost and came back is above what it was before, and never
/// taken for it.
pub(crate) fn counter_after(replaced: Option<u64>, now: Timestamp) -> u64 {
    replaced.map_or_else(|| u64::try_from(now.as_millisecond()).unwrap_or_default(), |replaced| replaced + 1)
}

/// The periods whose histogram differs between the two.
fn periods(before: Option<Held>, after: Option<Held>) -> impl Iterator<Item = Period> {
    let (before, after) = if before == after { (None, None) } else { (before, after) };
    let month = |held: Option<Held>| held.map(|held| Period::Month(held.month));
    let all = before.or(after).map(|_| Period::All);
    all.into_iter().chain(month(before)).chain(month(after).filter(move |after| Some(*after) != month(before)))
}

/// Decides what the changes of one shop, at most one a rating, do to it. The view must have everything that they
/// touch.
pub fn plan(changes: &[Change], view: &View, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut books = Books { view, now, scores: BTreeMap::new() };
    let mut moves = Vec::new();
    for change in changes {
        let before = match view.contribution(&change.rating) {
            Ok(before) => before,
            Err(error) => {
                plan.unreadable.push(error.again());
                continue;
            }
        };
        if is_stale(change, before) {
            plan.stale += 1;
            continue;
        }
        let was = before.and_then(Contribution::held);
        let touched: Vec<_> = periods(was, change.held).collect();
        if let Err(error) = touched.iter().try_for_each(|period| books.open(&change.rating.shop_id, *period)) {
            plan.unreadable.push(error.again());
        } else if touched.is_empty() || books.had(was) {
            moves.push(Move { change, before, touched });
        } else {
            plan.below_zero.push(change.clone());
        }
    }
    plan.transactions = books.transactions(moves);
    plan
}

struct Move<'a> {
    change: &'a Change,
    before: Option<&'a Contribution>,
    touched: Vec<Period>,
}

/// A shop's scores, while they are worked on.
struct Books<'v> {
    view: &'v View,
    now: Timestamp,
    scores: BTreeMap<Period, Book>,
}

struct Book {
    /// The revision that the next write replaces.
    replaces: Option<u64>,
    city: Option<City>,
    /// What was read, less what the contributions of all changes held: never below zero.
    floor: Histogram,
    /// With what has been moved so far.
    histogram: Histogram,
}

impl<'v> Books<'v> {
    /// Fills transactions with the moves, in their order.
    fn transactions(&mut self, moves: Vec<Move<'_>>) -> Vec<Transaction> {
        let Some(shop_id) = moves.first().map(|first| first.change.rating.shop_id.clone()) else { return Vec::new() };
        let (mut transactions, mut transaction, mut open) = (Vec::new(), Transaction::default(), BTreeSet::new());
        for Move { change, before, touched } in moves {
            let more = touched.iter().filter(|period| !open.contains(*period)).count();
            if transaction.contributions.len() + 1 + open.len() + more > TRANSACTION_ITEMS_MAX {
                transaction.scores = self.close(&shop_id, std::mem::take(&mut open));
                transactions.push(std::mem::take(&mut transaction));
            }
            if !touched.is_empty() {
                self.shift(before.and_then(Contribution::held), change.held);
            }
            open.extend(touched);
            let Change { rating, fence, held } = change.clone();
            let fence = fence.or_else(|| before.map(|before| before.fence.clone())).unwrap_or_else(Fence::lowest);
            let item = Contribution::after(before, rating, fence, held, self.now);
            transaction.contributions.push(Replacement { item, replaces: before.map(|before| before.version) });
        }
        transaction.scores = self.close(&shop_id, open);
        transactions.push(transaction);
        transactions
    }

    fn open(&mut self, shop_id: &ShopId, period: Period) -> Result<(), &'v PortError> {
        if !self.scores.contains_key(&period) {
            let read = self.view.score(&ScoreKey { shop_id: shop_id.clone(), period })?;
            let histogram = read.map(|score| score.histogram).unwrap_or_default();
            // A new month is in the city that all time is in.
            let all = self.scores.get(&Period::All).and_then(|book| book.city.as_ref());
            let city = read.and_then(|score| score.city.as_ref()).or(all).or_else(|| self.view.cities.get(shop_id));
            let (replaces, city) = (read.map(|score| score.revision), city.cloned());
            self.scores.insert(period, Book { replaces, city, floor: histogram, histogram });
        }
        Ok(())
    }

    /// Whether both scores count what is to be taken from them.
    fn had(&mut self, was: Option<Held>) -> bool {
        let Some(Held { stars, month }) = was else { return true };
        let counted = |period: Period| {
            let mut floor = self.scores.get(&period)?.floor;
            floor.remove(stars).then_some((period, floor))
        };
        let (Some(all), Some(month)) = (counted(Period::All), counted(Period::Month(month))) else { return false };
        for (period, floor) in [all, month] {
            if let Some(book) = self.scores.get_mut(&period) {
                book.floor = floor;
            }
        }
        true
    }

    fn shift(&mut self, from: Option<Held>, to: Option<Held>) {
        if let Some(Held { stars, month }) = from {
            for period in [Period::All, Period::Month(month)] {
                let was_there = self.scores.get_mut(&period).is_some_and(|book| book.histogram.remove(stars));
                debug_assert!(was_there, "`had` has seen that it is there");
            }
        }
        if let Some(Held { stars, month }) = to {
            for period in [Period::All, Period::Month(month)] {
                if let Some(book) = self.scores.get_mut(&period) {
                    book.histogram.add(stars);
                }
            }
        }
    }

    /// The scores as a transaction writes them; the next one begins from there.
    fn close(&mut self, shop_id: &ShopId, periods: BTreeSet<Period>) -> Vec<Replacement<Score>> {
        let now = self.now;
        let write = |period: Period| {
            let book = self.scores.get_mut(&period)?;
            let revision = counter_after(book.replaces, now);
            let key = ScoreKey { shop_id: shop_id.clone(), period };
            let item = Score::new(key, book.histogram, revision, book.city.clone(), now);
            Some(Replacement { item, replaces: book.replaces.replace(revision) })
        };
        periods.into_iter().filter_map(write).collect()
    }
}
