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
    /// The point.
    pub fence: Fence,
    /// What it holds; nothing when it was deleted, or makes no sense.
    pub held: Option<Held>,
}

/// What was read of the stores: what is absent is not there. An item that could not be understood is an error, which is
/// that of its shop alone.
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
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// To be committed one after the other: each begins where the one before ends.
    pub transactions: Vec<Transaction>,
    /// How many changes say nothing new: a later one of the same rating is known.
    pub stale: usize,
    /// Changes whose contribution holds something that a score does not count; no transaction has them. If all was
    /// read at one moment, that is drift; else another writer may have come between the reads.
    pub below_zero: Vec<Change>,
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
        if before.is_some_and(|before| before.fence >= change.fence) {
            return Vec::new();
        }
        let key = |period| ScoreKey { shop_id: change.rating.shop_id.clone(), period };
        periods(before.and_then(Contribution::held), change.held).map(key).collect()
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

/// The periods whose histogram differs between the two.
fn periods(before: Option<Held>, after: Option<Held>) -> impl Iterator<Item = Period> {
    let (before, after) = if before == after { (None, None) } else { (before, after) };
    let month = |held: Option<Held>| held.map(|held| Period::Month(held.month));
    let all = before.or(after).map(|_| Period::All);
    all.into_iter().chain(month(before)).chain(month(after).filter(move |after| Some(*after) != month(before)))
}

/// Decides what the changes of one shop, at most one a rating, do to it. The view must have everything that they
/// touch.
pub fn plan<'v>(changes: &[Change], view: &'v View, now: Timestamp) -> Result<Plan, &'v PortError> {
    let mut plan = Plan::default();
    let mut books = Books { view, now, scores: BTreeMap::new() };
    let mut moves = Vec::new();
    for change in changes {
        let before = view.contribution(&change.rating)?;
        if before.is_some_and(|before| before.fence >= change.fence) {
            plan.stale += 1;
            continue;
        }
        let was = before.and_then(Contribution::held);
        let touched: Vec<_> = periods(was, change.held).collect();
        for period in &touched {
            books.open(&change.rating.shop_id, *period)?;
        }
        if touched.is_empty() || books.had(was) {
            moves.push(Move { change, before, touched });
        } else {
            plan.below_zero.push(change.clone());
        }
    }

    let mut transaction = Transaction::default();
    let mut open = BTreeSet::new();
    for Move { change, before, touched } in moves {
        let more = touched.iter().filter(|period| !open.contains(*period)).count();
        if transaction.contributions.len() + 1 + open.len() + more > TRANSACTION_ITEMS_MAX {
            transaction.scores = books.close(&change.rating.shop_id, std::mem::take(&mut open));
            plan.transactions.push(std::mem::take(&mut transaction));
        }
        if !touched.is_empty() {
            books.shift(before.and_then(Contribution::held), change.held);
        }
        open.extend(touched);
        let Change { rating, fence, held } = change.clone();
        let item = Contribution::after(before, rating, fence, held, now);
        transaction.contributions.push(Replacement { item, replaces: before.map(|before| before.version) });
    }
    if let Some(shop_id) = transaction.contributions.first().map(|first| first.item.rating.shop_id.clone()) {
        transaction.scores = books.close(&shop_id, open);
        plan.transactions.push(transaction);
    }
    Ok(plan)
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
    fn open(&mut self, shop_id: &ShopId, period: Period) -> Result<(), &'v PortError> {
        if !self.scores.contains_key(&period) {
            let read = self.view.score(&ScoreKey { shop_id: shop_id.clone(), period })?;
            let histogram = read.map(|score| score.histogram).unwrap_or_default();
            let city = read.and_then(|score| score.city.clone());
            let book = Book {
                replaces: read.map(|score| score.revision),
                city: city.or_else(|| self.view.cities.get(shop_id).cloned()),
                floor: histogram,
                histogram,
            };
            self.scores.insert(period, book);
        }
        Ok(())
    }

    /// The books of all time and of the month, where they are open.
    fn of(&mut self, held: Held) -> impl Iterator<Item = &mut Book> {
        let concerned = move |period: &Period| matches!(period, Period::All) || *period == Period::Month(held.month);
        self.scores.iter_mut().filter(move |(period, _)| concerned(period)).map(|(_, book)| book)
    }

    /// Whether both scores count what is to be taken from them.
    fn had(&mut self, was: Option<Held>) -> bool {
        let Some(was) = was else { return true };
        let mut floors = self.of(was).map(|book| (book.floor, book)).collect::<Vec<_>>();
        let counted = floors.iter_mut().all(|(floor, _)| floor.remove(was.stars));
        if counted {
            for (floor, book) in floors {
                book.floor = floor;
            }
        }
        counted
    }

    fn shift(&mut self, from: Option<Held>, to: Option<Held>) {
        if let Some(from) = from {
            self.of(from).for_each(|book| {
                let was_there = book.histogram.remove(from.stars);
                debug_assert!(was_there, "`had` has seen that it is there");
            });
        }
        if let Some(to) = to {
            self.of(to).for_each(|book| book.histogram.add(to.stars));
        }
    }

    /// The scores as a transaction writes them; the next one begins from there.
    fn close(&mut self, shop_id: &ShopId, periods: BTreeSet<Period>) -> Vec<Replacement<Score>> {
        let now = self.now;
        let write = |period: Period| {
            let book = self.scores.get_mut(&period)?;
            let revision = book.replaces.unwrap_or_default() + 1;
            let key = ScoreKey { shop_id: shop_id.clone(), period };
            let item = Score::new(key, book.histogram, revision, book.city.clone(), now);
            Some(Replacement { item, replaces: book.replaces.replace(revision) })
        };
        periods.into_iter().filter_map(write).collect()
    }
}
