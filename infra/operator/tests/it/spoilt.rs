//! A shop with one contribution that cannot be understood, and whatever else is in the world.

use std::collections::HashMap;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::{ShopId, UserId};
use coffeeshop_core::ledger::{Transaction, View};
use coffeeshop_core::ports::{Found, PortError, Put, ScoreStore, ShopRecords, UserPage, Users};
use coffeeshop_core::rating::{RatingItem, RatingKey};
use coffeeshop_core::score::{City, Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;

/// The world behind it.
pub(crate) struct Spoilt<'a>(pub(crate) &'a ScoreWorld);

impl ScoreStore for Spoilt<'_> {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        self.0.contributions(ratings).await
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        self.0.scores(keys).await
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        self.0.one_moment(ratings, scores).await
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        self.0.cities(shops).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        self.0.commit(transaction).await
    }
}

impl ShopRecords for Spoilt<'_> {
    async fn shops(&self, after: Option<&ShopId>, limit: usize) -> Result<Vec<ShopId>, PortError> {
        self.0.shops(after, limit).await
    }

    async fn scores_of(&self, shop_id: &ShopId) -> Result<Found<ScoreKey, Score>, PortError> {
        self.0.scores_of(shop_id).await
    }

    async fn contributions_of(
        &self,
        shop_id: &ShopId,
        above: Option<&UserId>,
    ) -> Result<UserPage<Result<Contribution, PortError>>, PortError> {
        let mut page = self.0.contributions_of(shop_id, above).await?;
        if page.next.is_none() {
            // After all other users of these tests.
            page.items.push(("zoe".parse().unwrap(), Err(PortError::new("contributions.query", "spoilt"))));
        }
        Ok(page)
    }

    async fn ratings_of(&self, shop_id: &ShopId, users: &Users) -> Result<UserPage<RatingItem>, PortError> {
        self.0.ratings_of(shop_id, users).await
    }

    async fn ratings(&self, keys: &[RatingKey]) -> Result<HashMap<RatingKey, RatingItem>, PortError> {
        self.0.ratings(keys).await
    }
}
