//! The stores as a rebuild sees them: those of the world, watched, and in some tests read in a wrong order.
//!
//! Only a rebuild goes through here; the aggregator's workers have the world itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::{ShopId, UserId};
use coffeeshop_core::ledger::{Transaction, View};
use coffeeshop_core::ports::{Found, PortError, Put, ScoreStore, ShopRecords, UserPage, Users};
use coffeeshop_core::rating::{RatingItem, RatingKey};
use coffeeshop_core::score::{City, Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;
use fastrand::Rng;

use crate::lanes::turns;

/// What a rebuild does otherwise than designed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// Nothing.
    None,
    /// Pass 2 reads ratings before contributions.
    RatingsFirst,
    /// Pass 1 reads contributions before the scores; and it believes the first look, which would save it.
    ContributionsFirst,
    /// Pass 1 takes the scores that it read first for those that it should read again; and it believes the first look.
    ScoresOnce,
    /// Pass 1 believes the first look at scores that seem wrong, though a transaction may be half seen.
    OneLook,
    /// Its writes are on no condition.
    Unconditional,
}

pub(super) struct Store<'a> {
    world: &'a ScoreWorld,
    sabotage: Sabotage,
    /// How many turns others may have before each call.
    slow: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Shops whose scores have been read once.
    counts: HashMap<ShopId, Count>,
    /// What was seen at the first look.
    looks: HashMap<ShopId, Count>,
    /// Ratings as they were before their contributions were read.
    pages: HashMap<ShopId, Vec<(UserId, RatingItem)>>,
    singles: HashMap<RatingKey, Option<RatingItem>>,
    lost_races: u64,
    moved: u64,
    rng: Rng,
}

/// What was read of a shop before its contributions.
struct Count {
    scores: BTreeMap<ScoreKey, Score>,
    contributions: Vec<Contribution>,
    /// Whether contributions are answered from here.
    again: bool,
    /// Whether all is.
    replayed: bool,
}

impl Count {
    fn scores(&self) -> Found<ScoreKey, Score> {
        self.scores.iter().map(|(key, score)| (key.clone(), Ok(score.clone()))).collect()
    }
}

impl<'a> Store<'a> {
    pub(super) fn new(world: &'a ScoreWorld, sabotage: Sabotage, slow: usize, seed: u64) -> Self {
        let state = State { rng: Rng::with_seed(seed), ..State::default() };
        Self { world, sabotage, slow, state: Mutex::new(state) }
    }

    /// Who is far away from the stores is slower than workers.
    async fn pause(&self) {
        let pause = self.state().rng.usize(..=self.slow);
        turns(pause).await;
    }

    /// How many writes came too late.
    pub(super) fn lost_races(&self) -> u64 {
        self.state().lost_races
    }

    /// How often scores had changed when they were read again.
    pub(super) fn moved(&self) -> u64 {
        self.state().moved
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Every rating of the shop.
    async fn all_ratings(&self, shop_id: &ShopId) -> Result<Vec<(UserId, RatingItem)>, PortError> {
        let (mut users, mut all) = (Users::default(), Vec::new());
        loop {
            self.pause().await;
            let page = self.world.ratings_of(shop_id, &users).await?;
            all.extend(page.items);
            users.above = page.next;
            if users.above.is_none() {
                return Ok(all);
            }
        }
    }

    /// Every contribution of the shop.
    async fn all_contributions(&self, shop_id: &ShopId) -> Result<Vec<Contribution>, PortError> {
        let (mut above, mut all) = (None, Vec::new());
        loop {
            self.pause().await;
            let page = self.world.contributions_of(shop_id, above.as_ref()).await?;
            all.extend(page.items.into_iter().map(|(_, contribution)| contribution.unwrap()));
            above = page.next;
            if above.is_none() {
                return Ok(all);
            }
        }
    }

    /// Whether the second look sees what the first one saw.
    fn one_look(&self) -> bool {
        matches!(self.sabotage, Sabotage::OneLook | Sabotage::ContributionsFirst | Sabotage::ScoresOnce)
    }
}

fn readable(found: &Found<ScoreKey, Score>) -> BTreeMap<ScoreKey, Score> {
    found.iter().filter_map(|(key, score)| Some((key.clone(), score.as_ref().ok()?.clone()))).collect()
}

impl ScoreStore for Store<'_> {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        if self.sabotage == Sabotage::RatingsFirst {
            self.pause().await;
            let mut copy = self.world.ratings(ratings).await?;
            let singles = ratings.iter().map(|key| (key.clone(), copy.remove(key)));
            self.state().singles.extend(singles);
        }
        self.pause().await;
        self.world.contributions(ratings).await
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        self.pause().await;
        self.world.scores(keys).await
    }

    /// Whoever counts reads scores, then contributions, then the scores again in this way.
    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        let first = scores.first().and_then(|key| self.state().counts.remove(&key.shop_id));
        let Some(first) = first else { return self.world.one_moment(ratings, scores).await };
        let again = || View { scores: first.scores(), ..View::default() };
        if self.one_look() && first.replayed {
            return Ok(again());
        }
        let view = if self.sabotage == Sabotage::ScoresOnce {
            again()
        } else {
            self.pause().await;
            self.world.one_moment(ratings, scores).await?
        };
        let moved = readable(&view.scores) != first.scores;
        let mut state = self.state();
        state.moved += u64::from(moved);
        if self.one_look() && !moved {
            state.looks.insert(scores[0].shop_id.clone(), first);
        }
        drop(state);
        Ok(view)
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        self.pause().await;
        self.world.cities(shops).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        if self.sabotage == Sabotage::Unconditional {
            // A call as any other: others have a turn before its effect.
            self.pause().await;
            self.world.scores(&[]).await?;
            for put in &transaction.contributions {
                self.world.put_contribution(&put.item.rating, Some(put.item.clone()));
            }
            for put in &transaction.scores {
                self.world.put_score(put.item.clone());
            }
            return Ok(Put::Stored);
        }
        self.pause().await;
        let put = self.world.commit(transaction).await?;
        self.state().lost_races += u64::from(put == Put::LostRace);
        Ok(put)
    }
}

impl ShopRecords for Store<'_> {
    async fn shops(&self, after: Option<&ShopId>, limit: usize) -> Result<Vec<ShopId>, PortError> {
        self.pause().await;
        self.world.shops(after, limit).await
    }

    async fn scores_of(&self, shop_id: &ShopId) -> Result<Found<ScoreKey, Score>, PortError> {
        let look = self.state().looks.remove(shop_id);
        if let Some(look) = look {
            let found = look.scores();
            self.state().counts.insert(shop_id.clone(), Count { again: true, replayed: true, ..look });
            return Ok(found);
        }
        let again = self.sabotage == Sabotage::ContributionsFirst;
        let contributions = if again { self.all_contributions(shop_id).await? } else { Vec::new() };
        self.pause().await;
        let found = self.world.scores_of(shop_id).await?;
        let count = Count { scores: readable(&found), contributions, again, replayed: false };
        self.state().counts.insert(shop_id.clone(), count);
        Ok(found)
    }

    async fn contributions_of(
        &self,
        shop_id: &ShopId,
        above: Option<&UserId>,
    ) -> Result<UserPage<Result<Contribution, PortError>>, PortError> {
        if let Some(count) = self.state().counts.get(shop_id).filter(|count| count.again) {
            let items = count.contributions.iter().map(|item| (item.rating.user_id.clone(), Ok(item.clone())));
            return Ok(UserPage { items: items.collect(), next: None });
        }
        let page = async {
            if self.sabotage == Sabotage::RatingsFirst && above.is_none() {
                let copy = self.all_ratings(shop_id).await?;
                self.state().pages.insert(shop_id.clone(), copy);
            }
            self.pause().await;
            self.world.contributions_of(shop_id, above).await
        };
        // Who counts begins again after an error.
        let page = page.await.inspect_err(|_| drop(self.state().counts.remove(shop_id)))?;
        if let Some(count) = self.state().counts.get_mut(shop_id) {
            count.contributions.extend(page.items.iter().filter_map(|(_, item)| item.as_ref().ok()).cloned());
        }
        Ok(page)
    }

    async fn ratings_of(&self, shop_id: &ShopId, users: &Users) -> Result<UserPage<RatingItem>, PortError> {
        if self.sabotage == Sabotage::RatingsFirst {
            let within = |user: &UserId| {
                users.above.as_ref().is_none_or(|above| user > above)
                    && users.up_to.as_ref().is_none_or(|last| user <= last)
            };
            let state = self.state();
            let items = state.pages.get(shop_id).into_iter().flatten().filter(|(user, _)| within(user));
            return Ok(UserPage { items: items.cloned().collect(), next: None });
        }
        self.pause().await;
        self.world.ratings_of(shop_id, users).await
    }

    async fn ratings(&self, keys: &[RatingKey]) -> Result<HashMap<RatingKey, RatingItem>, PortError> {
        if self.sabotage == Sabotage::RatingsFirst {
            let state = self.state();
            let known = keys.iter().filter_map(|key| Some((key.clone(), state.singles.get(key)?.clone()?)));
            return Ok(known.collect());
        }
        self.pause().await;
        self.world.ratings(keys).await
    }
}
