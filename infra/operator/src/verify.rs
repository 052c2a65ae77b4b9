//! Verifying a shop: its contributions against its ratings, and its scores against both.
//!
//! Nothing is written. What differs is looked at again, so that ratings still under way are not taken for drift.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock, PortError, ScoreStore, ShopRecords};
use coffeeshop_core::rating::{Held, RatingKey};
use coffeeshop_core::recount::{ContributionDifference, Recount, ScoreDifference};

use crate::difference::Difference;
use crate::rebuild::{ATTEMPTS_MAX, Attempts, differences, one_moment, rated, unless_busy};
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
    /// How many ratings differed at every look, and changed in between: they are under way.
    pub under_way: u64,
    /// Whether the scores changed whenever they were read, so that nothing can be said of them.
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
    let mut verify =
        Verify { store, clock, shop_id, attempts, found, drift: BTreeMap::new(), done: Verified::default() };
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
    /// What contributions hold and what they should hold, where that is not the same.
    drift: BTreeMap<[Option<Held>; 2], usize>,
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
                // One that cannot be understood is said when the scores are counted.
                let Ok(contribution) = pair.contribution.transpose() else { continue };
                suspects.extend(ContributionDifference::of(&rating, pair.rating.as_ref(), contribution.as_ref()));
            }
            if suspects.len() >= SUSPECTS_MAX {
                self.look_again(std::mem::take(&mut suspects)).await?;
            }
        }
        self.look_again(suspects).await
    }

    /// What is as it was at every look has been lost, or was never written; what moves is under way.
    async fn look_again(&mut self, suspects: Vec<ContributionDifference>) -> Result<(), PortError> {
        let first: HashMap<RatingKey, ContributionDifference> =
            suspects.iter().map(|difference| (difference.rating.clone(), difference.clone())).collect();
        let mut open = suspects;
        for pause in LOOK_AGAIN_AFTER {
            if open.is_empty() {
                return Ok(());
            }
            self.clock.sleep(pause).await;
            let keys: Vec<RatingKey> = open.iter().map(|difference| difference.rating.clone()).collect();
            let store = self.store;
            open = self.attempts.again(async || differences(store, &keys).await).await?;
        }
        for difference in open {
            if first.get(&difference.rating) == Some(&difference) {
                let holds = difference.contribution.as_ref().and_then(Contribution::held);
                *self.drift.entry([holds, difference.holds]).or_default() += 1;
                self.say(Difference::Contribution(difference.into()));
            } else {
                self.done.under_way += 1;
            }
        }
        Ok(())
    }

    /// Scores against what their ratings say: what contributions hold, both as at one moment, but for those that drifted.
    async fn scores(&mut self) -> Result<(), PortError> {
        let shop = std::slice::from_ref(self.shop_id);
        let city = self.attempts.again(async || self.store.cities(shop).await).await?.remove(self.shop_id);
        for attempt in 0..ATTEMPTS_MAX {
            self.attempts.pause_before(attempt).await;
            let Some(mut moment) = unless_busy(one_moment(self.store, self.shop_id).await)?.flatten() else { continue };
            self.done.scores = moment.scores.len() as u64;
            let not_as_contributed = periods(&moment.differences(city.as_ref(), self.clock));
            if moment.unreadable.is_empty() && !correct(&mut moment.recount, &self.drift) {
                continue;
            }
            for difference in moment.differences(city.as_ref(), self.clock) {
                let as_contributed = !not_as_contributed.contains(&difference.counted.key.period);
                self.say(Difference::Score { difference: difference.into(), as_contributed });
            }
            for error in moment.unreadable() {
                self.say(Difference::Unreadable { shop_id: self.shop_id.clone(), error });
            }
            return Ok(());
        }
        self.done.busy = true;
        Ok(())
    }

    fn say(&mut self, difference: Difference) {
        self.done.differences += 1;
        (self.found)(difference);
    }
}

fn periods(differences: &[ScoreDifference]) -> BTreeSet<Period> {
    differences.iter().map(|difference| difference.counted.key.period).collect()
}

/// Counts what ratings hold in place of what drifted contributions hold; `false` when these are not so any more.
fn correct(recount: &mut Recount, drift: &BTreeMap<[Option<Held>; 2], usize>) -> bool {
    for ([held, _], count) in drift {
        for _ in 0..*count {
            if held.is_some_and(|held| !recount.remove(held)) {
                return false;
            }
        }
    }
    for ([_, holds], count) in drift {
        for holds in std::iter::repeat_n(holds, *count).flatten() {
            recount.add(*holds);
        }
    }
    true
}
