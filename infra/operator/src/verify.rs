//! Verifying a shop: its ratings against its contributions, and those against its scores.
//!
//! Nothing is written. What differs is looked at again, so that ratings still under way are not taken for drift.

use std::collections::HashMap;
use std::time::Duration;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::{Clock, PortError, ScoreStore, ShopRecords};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::recount::ContributionDifference;

use crate::difference::Difference;
use crate::rebuild::{ATTEMPTS_MAX, Attempts, Counted, count_scores, differences, unless_busy};
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
    /// How many ratings and contributions were compared; a rating and its contribution are one.
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
    let mut verify = Verify { store, clock, shop_id, attempts: Attempts::new(clock), found, done: Verified::default() };
    verify.scores().await?;
    verify.contributions().await?;
    Ok(verify.done)
}

struct Verify<'a, S, C, F> {
    store: &'a S,
    clock: &'a C,
    shop_id: &'a ShopId,
    attempts: Attempts<'a, C>,
    found: &'a F,
    done: Verified,
}

impl<S: ScoreStore + ShopRecords, C: Clock, F: Fn(Difference)> Verify<'_, S, C, F> {
    /// Scores against contributions: both as at one moment, so whatever differs is drift.
    async fn scores(&mut self) -> Result<(), PortError> {
        let shop = std::slice::from_ref(self.shop_id);
        let city = self.attempts.again(async || self.store.cities(shop).await).await?.remove(self.shop_id);
        for attempt in 0..ATTEMPTS_MAX {
            self.attempts.pause_before(attempt).await;
            let counted = count_scores(self.store, self.shop_id, city.as_ref(), self.clock).await;
            let Some(Counted { scores, differences, unreadable }) = unless_busy(counted)?.flatten() else { continue };
            self.done.scores = scores;
            for difference in differences {
                self.say(Difference::Score(difference.into()));
            }
            for error in unreadable {
                self.say(Difference::Unreadable { shop_id: self.shop_id.clone(), error });
            }
            return Ok(());
        }
        self.done.busy = true;
        Ok(())
    }

    /// Contributions against ratings.
    async fn contributions(&mut self) -> Result<(), PortError> {
        let mut walk = Walk::new(self.store, self.shop_id);
        let mut suspects = Vec::new();
        while let Some(pairs) = self.attempts.again(async || walk.next().await).await? {
            self.done.ratings += pairs.len() as u64;
            for pair in pairs {
                let rating = RatingKey { shop_id: self.shop_id.clone(), user_id: pair.user_id };
                // One that cannot be understood was said when the scores were counted.
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
            (open, _) = self.attempts.again(async || differences(store, &keys).await).await?;
        }
        for difference in open {
            if first.get(&difference.rating) == Some(&difference) {
                self.say(Difference::Contribution(difference.into()));
            } else {
                self.done.under_way += 1;
            }
        }
        Ok(())
    }

    fn say(&mut self, difference: Difference) {
        self.done.differences += 1;
        (self.found)(difference);
    }
}
