//! Rebuilding a shop while ratings keep flowing: its scores from its contributions, then its contributions from its
//! ratings.
//!
//! Everything is written on condition of what was read, so a worker that comes in between makes a write fail, and never
//! makes a number wrong. What has to be written is decided in `coffeeshop_core::{recount, ledger}`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Change, TRANSACTION_ITEMS_MAX, Transaction, View, plan};
use coffeeshop_core::ports::{Clock, PortError, Put, ScoreStore, ShopRecords};
use coffeeshop_core::rating::{RatingItem, RatingKey};
use coffeeshop_core::recount::{ContributionDifference, ScoreDifference};
use coffeeshop_core::score::{City, ScoreKey};

use crate::attempts::{ATTEMPTS_MAX, Attempts, unless_busy};
use crate::difference::Difference;
use crate::moment::Moment;
use crate::walk::{Pair, Walk};

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Differences are repaired.
    Write,
    /// Differences are only said.
    DryRun,
}

/// What a rebuild did to a shop, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many ratings there are.
    pub ratings: u64,
    /// How many scores there are.
    pub scores: u64,
    /// How many scores were set right.
    pub scores_repaired: u64,
    /// How many contributions were set right, with the scores that count them.
    pub contributions_repaired: u64,
    /// How many items could not be understood, and were left alone with what depends on them.
    pub unreadable: u64,
    /// How many ratings are as they were because others wrote all the time; the scores of the shop count as one.
    pub busy: u64,
}

/// Rebuilds one shop; says each difference once it is repaired, or, in a dry run, when it is found.
pub async fn rebuild_shop<S, C>(
    store: &S,
    clock: &C,
    shop_id: &ShopId,
    mode: Mode,
    found: &impl Fn(Difference),
) -> Result<Rebuilt, PortError>
where
    S: ScoreStore + ShopRecords,
    C: Clock,
{
    let (attempts, done) = (Attempts::new(clock), Rebuilt::default());
    let mut rebuild =
        Rebuild { store, clock, shop_id, mode, city: None, unreadable_scores: false, attempts, found, done };
    let not_judged = rebuild.scores_from_contributions().await?;
    let said = rebuild.contributions_from_ratings().await?;
    if not_judged && !said {
        // What kept the scores from being judged is gone: they are another run's.
        rebuild.done.busy += 1;
    }
    Ok(rebuild.done)
}

/// Sets right what scores hold of these ratings, all of one shop, and nothing else; says each difference once it is repaired.
pub async fn repair_ratings<S, C>(
    store: &S,
    clock: &C,
    shop_id: &ShopId,
    ratings: &[RatingKey],
    found: &impl Fn(Difference),
) -> Result<Rebuilt, PortError>
where
    S: ScoreStore + ShopRecords,
    C: Clock,
{
    let (mut attempts, done) = (Attempts::new(clock), Rebuilt::default());
    let city = attempts.again(async || store.cities(std::slice::from_ref(shop_id)).await).await?.remove(shop_id);
    let mode = Mode::Write;
    let mut rebuild = Rebuild { store, clock, shop_id, mode, city, unreadable_scores: false, attempts, found, done };
    for some in ratings.chunks(TRANSACTION_ITEMS_MAX) {
        let (open, unreadable) = rebuild.attempts.again(async || differences(store, some).await).await?;
        for error in unreadable {
            rebuild.unreadable(error);
        }
        rebuild.repair(open).await?;
        rebuild.done.ratings += some.len() as u64;
    }
    Ok(rebuild.done)
}

struct Rebuild<'a, S, C, F> {
    store: &'a S,
    clock: &'a C,
    shop_id: &'a ShopId,
    mode: Mode,
    /// Where the shop is, as it was read last.
    city: Option<City>,
    /// Whether scores that cannot be understood were said.
    unreadable_scores: bool,
    attempts: Attempts<'a, C>,
    found: &'a F,
    done: Rebuilt,
}

impl<S: ScoreStore + ShopRecords, C: Clock, F: Fn(Difference)> Rebuild<'_, S, C, F> {
    /// Pass 1. Returns whether the scores were left alone because a contribution could not be understood; pass 2 says which.
    async fn scores_from_contributions(&mut self) -> Result<bool, PortError> {
        for attempt in 0..ATTEMPTS_MAX {
            self.attempts.pause_before(attempt).await;
            // Before the scores: whoever moves them to another city meanwhile is first.
            let cities = unless_busy(self.store.cities(std::slice::from_ref(self.shop_id)).await)?;
            let Some(mut cities) = cities else { continue };
            self.city = cities.remove(self.shop_id);
            let read = Moment::read(self.store, self.clock, self.shop_id).await;
            let Some(moment) = unless_busy(read)?.flatten() else { continue };
            let differences = moment.differences(self.city.as_ref(), self.clock);
            if !self.replace(differences).await? {
                continue;
            }
            self.done.scores = moment.scores.len() as u64;
            let not_judged = moment.unreadable;
            for error in moment.unreadable_scores() {
                self.unreadable_scores = true;
                self.unreadable(error);
            }
            return Ok(not_judged);
        }
        self.done.busy += 1;
        Ok(false)
    }

    /// Whether all are replaced; what is not is counted again.
    async fn replace(&mut self, mut differences: Vec<ScoreDifference>) -> Result<bool, PortError> {
        while !differences.is_empty() {
            let rest = differences.split_off(differences.len().min(TRANSACTION_ITEMS_MAX));
            let scores = differences.iter().map(ScoreDifference::replacement).collect();
            if self.mode == Mode::Write && !self.commit(&Transaction { scores, ..Transaction::default() }).await? {
                return Ok(false);
            }
            self.done.scores_repaired += differences.len() as u64;
            for difference in differences {
                (self.found)(Difference::Score { difference: difference.into(), as_contributed: false });
            }
            differences = rest;
        }
        Ok(true)
    }

    /// Pass 2. Returns whether it said that a contribution could not be understood.
    async fn contributions_from_ratings(&mut self) -> Result<bool, PortError> {
        let (mut walk, mut unreadable) = (Walk::new(self.store, self.shop_id), false);
        while let Some(pairs) = self.attempts.again(async || walk.next().await).await? {
            self.done.ratings += rated(&pairs);
            let mut differences = Vec::new();
            for pair in pairs {
                let rating = RatingKey { shop_id: self.shop_id.clone(), user_id: pair.user_id };
                match pair.contribution.transpose() {
                    Err(error) => {
                        unreadable = true;
                        self.unreadable(error);
                    }
                    Ok(contribution) => differences.extend(ContributionDifference::of(
                        &rating,
                        pair.rating.as_ref(),
                        contribution.as_ref(),
                    )),
                }
            }
            // So many at a time that few of them are lost with one race.
            let mut differences = differences.into_iter().peekable();
            while differences.peek().is_some() {
                let some = differences.by_ref().take(TRANSACTION_ITEMS_MAX).collect();
                self.repair(some).await?;
            }
        }
        Ok(unreadable)
    }

    /// Makes contributions what their ratings hold. Who loses a race reads again, contributions first.
    async fn repair(&mut self, mut open: Vec<ContributionDifference>) -> Result<(), PortError> {
        if self.mode == Mode::DryRun {
            for difference in open {
                self.repaired(difference);
            }
            return Ok(());
        }
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                self.attempts.pause_before(attempt).await;
                let keys: Vec<RatingKey> = open.iter().map(|difference| difference.rating.clone()).collect();
                let Some((again, unreadable)) = unless_busy(differences(self.store, &keys).await)? else { continue };
                open = again;
                for error in unreadable {
                    self.unreadable(error);
                }
            }
            if open.is_empty() {
                return Ok(());
            }
            open = self.attempt(open).await?;
        }
        self.done.busy += open.len() as u64;
        Ok(())
    }

    /// Commits what can be committed, and returns the rest.
    async fn attempt(&mut self, open: Vec<ContributionDifference>) -> Result<Vec<ContributionDifference>, PortError> {
        let changes: Vec<Change> = open.iter().map(ContributionDifference::change).collect();
        let contribution = |difference: &ContributionDifference| -> Option<(RatingKey, Result<Contribution, _>)> {
            Some((difference.rating.clone(), Ok(difference.contribution.clone()?)))
        };
        let mut view = View { contributions: open.iter().filter_map(contribution).collect(), ..View::default() };
        view.cities.extend(self.city.clone().map(|city| (self.shop_id.clone(), city)));
        let keys: BTreeSet<ScoreKey> = changes.iter().flat_map(|change| view.touched_by(change)).collect();
        let keys: Vec<ScoreKey> = keys.into_iter().collect();
        let Some(scores) = unless_busy(self.store.scores(&keys).await)? else { return Ok(open) };
        view.scores = scores;

        let plan = plan(&changes, &view, self.clock.now());
        let mut open: BTreeMap<RatingKey, ContributionDifference> =
            open.into_iter().map(|difference| (difference.rating.clone(), difference)).collect();
        for transaction in &plan.transactions {
            if !self.commit(transaction).await? {
                break;
            }
            for put in &transaction.contributions {
                if let Some(difference) = open.remove(&put.item.rating) {
                    self.repaired(difference);
                }
            }
        }
        // What depends on a score that cannot be understood is left alone.
        if !plan.unreadable.is_empty() {
            let contributions = plan.transactions.iter().flat_map(|transaction| &transaction.contributions);
            let tried = contributions.map(|put| &put.item.rating);
            let tried: HashSet<&RatingKey> = tried.chain(plan.below_zero.iter().map(|change| &change.rating)).collect();
            open.retain(|rating, _| tried.contains(rating));
            // One that came since pass 1 is said now.
            for error in plan.unreadable.into_iter().take(usize::from(!self.unreadable_scores)) {
                self.unreadable_scores = true;
                self.unreadable(error);
            }
        }
        Ok(open.into_values().collect())
    }

    /// Whether it is stored. What another writer, or too many at once, kept from it is for another attempt.
    async fn commit(&self, transaction: &Transaction) -> Result<bool, PortError> {
        Ok(unless_busy(self.store.commit(transaction).await)? == Some(Put::Stored))
    }

    fn repaired(&mut self, difference: ContributionDifference) {
        self.done.contributions_repaired += 1;
        (self.found)(Difference::Contribution(difference.into()));
    }

    fn unreadable(&mut self, error: PortError) {
        self.done.unreadable += 1;
        (self.found)(Difference::Unreadable { shop_id: self.shop_id.clone(), error });
    }
}

/// The differences between ratings and their contributions, contributions read first, and the contributions that cannot
/// be understood.
pub(crate) async fn differences<S: ScoreStore + ShopRecords>(
    store: &S,
    keys: &[RatingKey],
) -> Result<(Vec<ContributionDifference>, Vec<PortError>), PortError> {
    let mut contributions = store.contributions(keys).await?;
    let ratings: HashMap<RatingKey, RatingItem> = store.ratings(keys).await?;
    let (mut differences, mut unreadable) = (Vec::new(), Vec::new());
    for key in keys {
        match contributions.remove(key).transpose() {
            Err(error) => unreadable.push(error),
            Ok(contribution) => {
                differences.extend(ContributionDifference::of(key, ratings.get(key), contribution.as_ref()));
            }
        }
    }
    Ok((differences, unreadable))
}

/// How many ratings there are among the pairs.
pub(crate) fn rated(pairs: &[Pair]) -> u64 {
    pairs.iter().filter(|pair| pair.rating.is_some()).count() as u64
}
