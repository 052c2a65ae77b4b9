//! Rebuilding a shop while ratings keep flowing: its scores from its contributions, then its contributions from its
//! ratings.
//!
//! Everything is written on condition of what was read, so a worker that comes in between makes a write fail, and never
//! makes a number wrong. What has to be written is decided in `coffeeshop_core::{recount, ledger}`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Change, TRANSACTION_ITEMS_MAX, Transaction, View, plan};
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock, Found, PortError, Put, ScoreStore, ShopRecords};
use coffeeshop_core::rating::{RatingItem, RatingKey};
use coffeeshop_core::recount::{ContributionDifference, Recount, ScoreDifference};
use coffeeshop_core::score::{City, Score, ScoreKey};
use fastrand::Rng;

use crate::difference::Difference;
use crate::walk::{Pair, Walk};

/// How often something is read again because another writer was first, before it is left as busy.
pub const ATTEMPTS_MAX: u32 = 10;

/// The longest pause before the second attempt; it doubles with each, up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(50);

/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);

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

/// The scores of a shop, and what its contributions held at the same moment.
pub(crate) struct Moment {
    pub(crate) scores: Found<ScoreKey, Score>,
    pub(crate) recount: Recount,
    /// Contributions that cannot be understood. What they hold is not known, so nothing is known of the scores.
    pub(crate) unreadable: Vec<PortError>,
}

impl Moment {
    /// The scores that are not as counted, as far as that is known.
    pub(crate) fn differences(&self, city: Option<&City>, clock: &impl Clock) -> Vec<ScoreDifference> {
        if self.unreadable.is_empty() { self.recount.differences(&self.scores, city, clock.now()) } else { Vec::new() }
    }

    /// What cannot be understood.
    pub(crate) fn unreadable(self) -> impl Iterator<Item = PortError> {
        self.unreadable.into_iter().chain(self.scores.into_values().filter_map(Result::err))
    }
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
    let mut attempts = Attempts::new(clock);
    let city = attempts.again(async || store.cities(std::slice::from_ref(shop_id)).await).await?.remove(shop_id);
    let mut rebuild = Rebuild { store, clock, shop_id, mode, city, attempts, found, done: Rebuilt::default() };
    rebuild.scores_from_contributions().await?;
    rebuild.contributions_from_ratings().await?;
    Ok(rebuild.done)
}

/// Counts what the contributions of a shop hold; `None` when its scores changed before all was read. All reads are
/// consistent, and no transaction changes what a contribution holds without raising a revision: so if no revision moved,
/// all was as at one moment.
pub(crate) async fn one_moment<S: ShopRecords>(store: &S, shop_id: &ShopId) -> Result<Option<Moment>, PortError> {
    let before = store.scores_of(shop_id).await?;
    let (mut recount, mut unreadable) = (Recount::new(shop_id.clone()), Vec::new());
    let mut above = None;
    loop {
        let page = store.contributions_of(shop_id, above.as_ref()).await?;
        for (_, contribution) in page.items {
            match contribution.map(|contribution| contribution.held()) {
                Ok(Some(held)) => recount.add(held),
                Ok(None) => {}
                Err(error) => unreadable.push(error),
            }
        }
        above = page.next;
        if above.is_none() {
            break;
        }
    }
    let scores = store.scores_of(shop_id).await?;
    Ok((revisions(&before) == revisions(&scores)).then_some(Moment { scores, recount, unreadable }))
}

fn revisions(scores: &Found<ScoreKey, Score>) -> BTreeMap<Period, Option<u64>> {
    scores.iter().map(|(key, score)| (key.period, score.as_ref().ok().map(|score| score.revision))).collect()
}

struct Rebuild<'a, S, C, F> {
    store: &'a S,
    clock: &'a C,
    shop_id: &'a ShopId,
    mode: Mode,
    city: Option<City>,
    attempts: Attempts<'a, C>,
    found: &'a F,
    done: Rebuilt,
}

impl<S: ScoreStore + ShopRecords, C: Clock, F: Fn(Difference)> Rebuild<'_, S, C, F> {
    /// Pass 1.
    async fn scores_from_contributions(&mut self) -> Result<(), PortError> {
        for attempt in 0..ATTEMPTS_MAX {
            self.attempts.pause_before(attempt).await;
            let Some(moment) = unless_busy(one_moment(self.store, self.shop_id).await)?.flatten() else { continue };
            let differences = moment.differences(self.city.as_ref(), self.clock);
            if !self.replace(differences).await? {
                continue;
            }
            self.done.scores = moment.scores.len() as u64;
            for error in moment.unreadable() {
                self.unreadable(error);
            }
            return Ok(());
        }
        self.done.busy += 1;
        Ok(())
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

    /// Pass 2.
    async fn contributions_from_ratings(&mut self) -> Result<(), PortError> {
        let mut walk = Walk::new(self.store, self.shop_id);
        while let Some(pairs) = self.attempts.again(async || walk.next().await).await? {
            self.done.ratings += rated(&pairs);
            let mut differences = Vec::new();
            for pair in pairs {
                let rating = RatingKey { shop_id: self.shop_id.clone(), user_id: pair.user_id };
                // One that cannot be understood was said in pass 1.
                let Ok(contribution) = pair.contribution.transpose() else { continue };
                let rated = pair.rating.as_ref();
                differences.extend(ContributionDifference::of(&rating, rated, contribution.as_ref()));
            }
            // A difference touches at most three scores; a move takes all time and two months.
            let mut differences = differences.into_iter().peekable();
            while differences.peek().is_some() {
                let some = differences.by_ref().take(TRANSACTION_ITEMS_MAX).collect();
                self.repair(some).await?;
            }
        }
        Ok(())
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
                let Some(again) = unless_busy(differences(self.store, &keys).await)? else { continue };
                open = again;
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
        let mut open: HashMap<RatingKey, ContributionDifference> =
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
        // What depends on a score that cannot be understood, which was said in pass 1, is left alone.
        if !plan.unreadable.is_empty() {
            let contributions = plan.transactions.iter().flat_map(|transaction| &transaction.contributions);
            let tried = contributions.map(|put| &put.item.rating);
            let tried: HashSet<&RatingKey> = tried.chain(plan.below_zero.iter().map(|change| &change.rating)).collect();
            open.retain(|rating, _| tried.contains(rating));
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

/// The differences between ratings and their contributions, contributions read first; without those that cannot be
/// understood.
pub(crate) async fn differences<S: ScoreStore + ShopRecords>(
    store: &S,
    keys: &[RatingKey],
) -> Result<Vec<ContributionDifference>, PortError> {
    let mut contributions = store.contributions(keys).await?;
    let ratings: HashMap<RatingKey, RatingItem> = store.ratings(keys).await?;
    let difference = |key| {
        let contribution = contributions.remove(key).transpose().ok()?;
        ContributionDifference::of(key, ratings.get(key), contribution.as_ref())
    };
    Ok(keys.iter().filter_map(difference).collect())
}

/// How many ratings there are among the pairs.
pub(crate) fn rated(pairs: &[Pair]) -> u64 {
    pairs.iter().filter(|pair| pair.rating.is_some()).count() as u64
}

/// `None` for what was only too much at once.
pub(crate) fn unless_busy<T>(result: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.busy => Ok(None),
        Err(error) => Err(error),
    }
}

/// Pauses between attempts.
pub(crate) struct Attempts<'a, C> {
    clock: &'a C,
    jitter: Rng,
}

impl<'a, C: Clock> Attempts<'a, C> {
    pub(crate) fn new(clock: &'a C) -> Self {
        let seed = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
        Self { clock, jitter: Rng::with_seed(seed) }
    }

    /// Nothing before the first. "Full jitter" (Brooker, "Exponential Backoff And Jitter"): anything up to the exponential
    /// bound.
    pub(crate) async fn pause_before(&mut self, attempt: u32) {
        if attempt > 0 {
            let bound = PAUSE_FIRST.saturating_mul(1 << (attempt - 1).min(16)).min(PAUSE_MAX);
            self.clock.sleep(bound.mul_f64(self.jitter.f64())).await;
        }
    }

    /// A call, tried again while it is too much at once.
    pub(crate) async fn again<T>(
        &mut self,
        mut call: impl AsyncFnMut() -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        for attempt in 1..ATTEMPTS_MAX {
            match call().await {
                Err(error) if error.busy => self.pause_before(attempt).await,
                result => return result,
            }
        }
        call().await
    }
}
