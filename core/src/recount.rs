//! A shop counted again, and what is found to differ: pure comparisons.
//!
//! Which side is right is not asked here: ratings are right about contributions, contributions about scores. Nothing is
//! read, waited for or repaired.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::contribution::Contribution;
use crate::histogram::Histogram;
use crate::ids::ShopId;
use crate::ledger::{Change, Replacement, counter_after};
use crate::period::Period;
use crate::ports::Found;
use crate::rating::{Held, RatingItem, RatingKey, held};
use crate::score::{City, Score, ScoreKey};

/// A contribution that is not what its rating holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionDifference {
    /// Whose.
    pub rating: RatingKey,
    /// What the rating holds: nothing when there is none, or when it makes no sense.
    pub holds: Option<Held>,
    /// The contribution, if there is one.
    pub contribution: Option<Contribution>,
}

impl ContributionDifference {
    /// The difference between a rating and its contribution, if there is one.
    pub fn of(rating: &RatingKey, item: Option<&RatingItem>, contribution: Option<&Contribution>) -> Option<Self> {
        let holds = item.and_then(|item| held(item).ok());
        let differs = contribution.and_then(Contribution::held) != holds;
        differs.then(|| Self { rating: rating.clone(), holds, contribution: contribution.cloned() })
    }

    /// The change that makes the contribution what its rating holds.
    pub fn change(&self) -> Change {
        Change { rating: self.rating.clone(), fence: None, held: self.holds }
    }
}

/// A score that is not what was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreDifference {
    /// As it is stored, if it is.
    pub stored: Option<Score>,
    /// As it should be, with the revision that a write of it would have.
    pub counted: Score,
}

/// In what a score differs; of several, the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreDamage {
    /// There is none.
    Missing,
    /// It counts other ratings.
    Histogram,
    /// It is by another formula.
    Formula,
    /// It is in another city.
    City,
    /// Its numbers or its place on boards do not follow from its histogram, its formula and its city.
    Derived,
}

impl ScoreDamage {
    /// Whether something else is counted, and not only made of it.
    pub fn is_of_counts(self) -> bool {
        matches!(self, Self::Missing | Self::Histogram)
    }
}

impl ScoreDifference {
    /// In what it differs.
    pub fn damage(&self) -> ScoreDamage {
        let Some(stored) = &self.stored else { return ScoreDamage::Missing };
        if stored.histogram != self.counted.histogram {
            ScoreDamage::Histogram
        } else if stored.formula != self.counted.formula {
            ScoreDamage::Formula
        } else if stored.city != self.counted.city {
            ScoreDamage::City
        } else {
            ScoreDamage::Derived
        }
    }

    /// What makes it right.
    pub fn replacement(&self) -> Replacement<Score> {
        let replaces = self.stored.as_ref().map(|stored| stored.revision);
        Replacement { item: self.counted.clone(), replaces }
    }
}

/// The scores of one shop, counted from what its ratings, or their contributions, hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recount {
    shop_id: ShopId,
    periods: BTreeMap<Period, Histogram>,
}

impl Recount {
    /// Of a shop; nothing is counted yet.
    pub fn new(shop_id: ShopId) -> Self {
        Self { shop_id, periods: BTreeMap::new() }
    }

    /// Counts one more.
    pub fn add(&mut self, held: Held) {
        for period in [Period::All, Period::Month(held.month)] {
            self.periods.entry(period).or_default().add(held.stars);
        }
    }

    /// Counts one less; `false`, and nothing is changed, when it was not counted.
    #[must_use]
    pub fn remove(&mut self, held: Held) -> bool {
        let less = |period| {
            let mut counts = *self.periods.get(&period)?;
            counts.remove(held.stars).then_some((period, counts))
        };
        let (Some(all), Some(month)) = (less(Period::All), less(Period::Month(held.month))) else { return false };
        self.periods.extend([all, month]);
        true
    }

    /// The scores that something was counted for.
    pub fn keys(&self) -> impl Iterator<Item = ScoreKey> {
        self.periods.keys().map(|period| ScoreKey { shop_id: self.shop_id.clone(), period: *period })
    }

    /// Every score of the shop that is not what was counted, but for those that cannot be understood. One without
    /// ratings may be left over from before.
    ///
    /// `city` is where the shop is; `None`: that is not known, and where its scores are is left as it is.
    pub fn differences(
        &self,
        stored: &Found<ScoreKey, Score>,
        city: Option<&City>,
        now: Timestamp,
    ) -> Vec<ScoreDifference> {
        let readable: BTreeMap<Period, &Score> =
            stored.iter().filter_map(|(key, score)| Some((key.period, score.as_ref().ok()?))).collect();
        let all = readable.get(&Period::All).and_then(|score| score.city.as_ref());
        let unreadable = |period: &Period| stored.iter().any(|(key, score)| key.period == *period && score.is_err());
        let periods: BTreeSet<Period> = readable.keys().chain(self.periods.keys()).copied().collect();
        let difference = |period: Period| {
            let stored = readable.get(&period).copied();
            let histogram = self.periods.get(&period).copied().unwrap_or_default();
            let city = city.or_else(|| stored.map_or(all, |stored| stored.city.as_ref())).cloned();
            let key = ScoreKey { shop_id: self.shop_id.clone(), period };
            let same = |stored: &Score| {
                let as_counted = Score::new(key.clone(), histogram, stored.revision, city.clone(), stored.updated_at);
                *stored == as_counted
            };
            let revision = counter_after(stored.map(|stored| stored.revision), now);
            // None is as good as one without ratings.
            let differs = stored.map_or(histogram != Histogram::default(), |stored| !same(stored));
            differs.then(|| ScoreDifference {
                stored: stored.cloned(),
                counted: Score::new(key.clone(), histogram, revision, city.clone(), now),
            })
        };
        periods.into_iter().filter(|period| !unreadable(period)).filter_map(difference).collect()
    }
}
