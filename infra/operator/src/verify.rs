//! Verifying a shop: its contributions against its ratings, and its scores against both.
//!
//! Nothing is written. What differs is looked at again, so that ratings still under way are not taken for drift.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock, PortError, ScoreStore, ShopRecords};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::recount::ContributionDifference;
use coffeeshop_core::score::City;

use crate::attempts::{ATTEMPTS_MAX, Attempts, unless_busy};
use crate::difference::Difference;
use crate::moment::Moment;
use crate::rebuild::{differences, rated};
use crate::walk::Walk;

/// How long is waited before each further look at what differed: 15 seconds in all, many times what a rating takes.
pub const LOOK_AGAIN_AFTER: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_millis(7500),
];

/// How many ratings are remembered to be looked at again.
const SUSPECTS_MAX: usize = 5000;

/// What became of the verification of a shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many ratings there are.
    pub ratings: u64,
    /// How many scores there are.
    pub scores: u64,
    /// How many differences were said.
    pub differences: u64,
    /// How many ratings differed at every look, and changed between the last two: they are under way.
    pub under_way: u64,
    /// Whether the scores, or what they count, changed whenever they were read, so that nothing can be said of them.
    pub busy: bool,
}

/// Verifies one shop, and says each difference that stays.
pub async fn verify_shop<S, C>(
    store: &S,
    clock: &C,
    shop_id: &ShopId,
    found: &impl Fn(Difference),
) -> Result<Verified, PortError>
where
    S: ScoreStore + ShopRecords,
    C: Clock,
{
    let attempts = Attempts::new(clock);
    let (drift, done) = (Vec::new(), Verified::default());
    let mut verify = Verify { store, clock, shop_id, attempts, found, drift, unreadable: false, done };
    verify.contributions().await?;
    verify.scores().await?;
    Ok(verify.done)
}

struct Verify<'a, S, C, F> {
    store: &'a S,
    clock: &'a C,
    shop_id: &'a ShopId,
    attempts: Attempts<'a, C>,
    found: &'a F,
    /// Ratings whose contributions drifted.
    drift: Vec<RatingKey>,
    /// Whether contributions that cannot be understood were said.
    unreadable: bool,
    done: Verified,
}

impl<S: ScoreStore + ShopRecords, C: Clock, F: Fn(Difference)> Verify<'_, S, C, F> {
    /// Contributions against ratings.
    async fn contributions(&mut self) -> Result<(), PortError> {
        let mut walk = Walk::new(self.store, self.shop_id);
        let mut suspects = Vec::new();
        while let Some(pairs) = self.attempts.again(async || walk.next().await).await? {
            self.done.ratings += rated(&pairs);
            for pair in pairs {
                let rating = RatingKey { shop_id: self.shop_id.clone(), user_id: pair.user_id };
                match pair.contribution.transpose() {
                    Err(error) => self.unreadable(error),
                    Ok(contribution) => {
                        let rated = pair.rating.as_ref();
                        suspects.extend(ContributionDifference::of(&rating, rated, contribution.as_ref()));
                    }
                }
            }
            if suspects.len() >= SUSPECTS_MAX {
                self.look_again(std::mem::take(&mut suspects)).await?;
            }
        }
        self.look_again(suspects).await
    }

    /// What still differs at the last look, and is as it was at the one before, has been lost, or was never written; what
    /// moves is under way.
    async fn look_again(&mut self, suspects: Vec<ContributionDifference>) -> Result<(), PortError> {
        let (mut open, mut before) = (suspects, HashMap::new());
        for pause in LOOK_AGAIN_AFTER {
            if open.is_empty() {
                return Ok(());
            }
            self.clock.sleep(pause).await;
            let keys: Vec<RatingKey> = open.iter().map(|difference| difference.rating.clone()).collect();
            before = open.into_iter().map(|difference| (difference.rating.clone(), difference)).collect();
            let store = self.store;
            let unreadable;
            (open, unreadable) = self.attempts.again(async || differences(store, &keys).await).await?;
            for error in unreadable {
                self.unreadable(error);
            }
        }
        for difference in open {
            if before.get(&difference.rating) == Some(&difference) {
                if self.drift.len() <= SUSPECTS_MAX {
                    self.drift.push(difference.rating.clone());
                }
                self.say(Difference::Contribution(difference.into()));
            } else {
                self.done.under_way += 1;
            }
        }
        Ok(())
    }

    /// Scores against what their ratings say: what contributions hold, both as at one moment, but for those that drifted.
    async fn scores(&mut self) -> Result<(), PortError> {
        for attempt in 0..ATTEMPTS_MAX {
            self.attempts.pause_before(attempt).await;
            let Some((moment, drift, city)) = unless_busy(self.moment().await)?.flatten() else { continue };
            self.done.scores = moment.scores.len() as u64;
            if moment.unreadable && !self.unreadable {
                // One came meanwhile: nothing can be said of the scores.
                continue;
            }
            let uncorrected = moment.differences(city.as_ref(), self.clock).into_iter();
            let not_as_contributed: BTreeSet<Period> = uncorrected
                .filter(|found| found.damage().is_of_counts())
                .map(|found| found.counted.key.period)
                .collect();
            let Some(moment) = corrected(moment, &drift) else { continue };
            for difference in moment.differences(city.as_ref(), self.clock) {
                let as_contributed =
                    difference.damage().is_of_counts() && !not_as_contributed.contains(&difference.counted.key.period);
                self.say(Difference::Score { difference: difference.into(), as_contributed });
            }
            for error in moment.unreadable_scores() {
                self.say(Difference::Unreadable { shop_id: self.shop_id.clone(), error });
            }
            return Ok(());
        }
        self.done.busy = true;
        Ok(())
    }

    /// Scores and contributions, which of these differ from their ratings, and where the shop is; `None` when something
    /// changed meanwhile.
    async fn moment(&self) -> Result<Option<(Moment, Vec<ContributionDifference>, Option<City>)>, PortError> {
        let city = self.store.cities(std::slice::from_ref(self.shop_id)).await?.remove(self.shop_id);
        let Some(moment) = Moment::read(self.store, self.clock, self.shop_id).await? else { return Ok(None) };
        if self.drift.is_empty() || self.drift.len() > SUSPECTS_MAX {
            // Of so many, scores are held against contributions alone.
            return Ok(Some((moment, Vec::new(), city)));
        }
        // Some may have come right by now.
        let (drift, _) = differences(self.store, &self.drift).await?;
        let still = moment.still_is(self.store, self.shop_id).await?;
        Ok(still.then_some((moment, drift, city)))
    }

    fn unreadable(&mut self, error: PortError) {
        self.unreadable = true;
        self.say(Difference::Unreadable { shop_id: self.shop_id.clone(), error });
    }

    fn say(&mut self, difference: Difference) {
        self.done.differences += 1;
        (self.found)(difference);
    }
}

/// Counts what ratings hold in place of what their contributions do; `None` when these are not as they were counted.
fn corrected(mut moment: Moment, drift: &[ContributionDifference]) -> Option<Moment> {
    for difference in drift {
        let held = difference.contribution.as_ref().and_then(Contribution::held);
        if held.is_some_and(|held| !moment.recount.remove(held)) {
            return None;
        }
    }
    drift.iter().filter_map(|difference| difference.holds).for_each(|holds| moment.recount.add(holds));
    Some(moment)
}
