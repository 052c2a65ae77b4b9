//! What happens meanwhile: a shop that is rated whenever its scores or its contributions have been read, and whatever a
//! test wants to happen while somebody waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::{ShopId, UserId};
use coffeeshop_core::ledger::{Change, Transaction, View};
use coffeeshop_core::ports::{Clock, Found, PortError, Put, ScoreStore, ShopRecords, UserPage, Users};
use coffeeshop_core::rating::{RatingItem, RatingKey};
use coffeeshop_core::score::{City, Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;
use jiff::Timestamp;

use crate::world::{aggregate, item, rate};

/// The world behind it, and how often it is still rated.
pub(crate) struct Hot<'a> {
    world: &'a ScoreWorld,
    left: AtomicUsize,
}

impl<'a> Hot<'a> {
    pub(crate) fn new(world: &'a ScoreWorld, times: usize) -> Self {
        Self { world, left: AtomicUsize::new(times) }
    }

    /// An edit of one and the same rating, which changes its stars each time.
    async fn rated(&self) {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            let (number, stars) = (1000 + self.world.calls(), (left % 2 + 1).to_string());
            rate(self.world, "user-7", number, item(&stars, "2026-11-20")).await;
        }
    }
}

impl ScoreStore for Hot<'_> {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        let found = self.world.contributions(ratings).await;
        self.rated().await;
        found
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        let found = self.world.scores(keys).await;
        self.rated().await;
        found
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        self.world.one_moment(ratings, scores).await
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        self.world.cities(shops).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        self.world.commit(transaction).await
    }
}

impl ShopRecords for Hot<'_> {
    async fn shops(&self, after: Option<&ShopId>, limit: usize) -> Result<Vec<ShopId>, PortError> {
        self.world.shops(after, limit).await
    }

    async fn scores_of(&self, shop_id: &ShopId) -> Result<Found<ScoreKey, Score>, PortError> {
        let found = self.world.scores_of(shop_id).await;
        self.rated().await;
        found
    }

    async fn contributions_of(
        &self,
        shop_id: &ShopId,
        above: Option<&UserId>,
    ) -> Result<UserPage<Result<Contribution, PortError>>, PortError> {
        self.world.contributions_of(shop_id, above).await
    }

    async fn ratings_of(&self, shop_id: &ShopId, users: &Users) -> Result<UserPage<RatingItem>, PortError> {
        self.world.ratings_of(shop_id, users).await
    }

    async fn ratings(&self, keys: &[RatingKey]) -> Result<HashMap<RatingKey, RatingItem>, PortError> {
        self.world.ratings(keys).await
    }
}

/// Does something while somebody waits for the n-th time; the changes that it returns are delivered then.
pub(crate) struct Meanwhile<'a, F> {
    world: &'a ScoreWorld,
    sleeps: AtomicUsize,
    then: F,
}

impl<'a, F: Fn(&ScoreWorld, usize) -> Vec<Change> + Sync> Meanwhile<'a, F> {
    pub(crate) fn new(world: &'a ScoreWorld, then: F) -> Self {
        Self { world, sleeps: AtomicUsize::new(0), then }
    }
}

impl<F: Fn(&ScoreWorld, usize) -> Vec<Change> + Sync> Clock for Meanwhile<'_, F> {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    async fn sleep(&self, _: Duration) {
        let changes = (self.then)(self.world, self.sleeps.fetch_add(1, Ordering::Relaxed));
        aggregate(self.world, &changes).await;
    }
}
