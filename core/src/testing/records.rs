//! All that there is of a shop, in memory: in pages as small as can be, so that every test turns them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::scores::{ScoreWorld, spoilt};
use crate::contribution::Contribution;
use crate::ids::{ShopId, UserId};
use crate::ports::{Found, PortError, ShopRecords, UserPage, Users};
use crate::rating::{RatingItem, RatingKey};
use crate::score::{City, Score, ScoreKey};

/// How many items a page has, unless it is to be large.
const PAGE_ITEMS: usize = 3;

/// How many items a large page has.
const LARGE_PAGE_ITEMS: usize = 1000;

impl ScoreWorld {
    /// A world whose pages are as large as those of the real stores.
    pub fn with_large_pages() -> Self {
        let mut world = Self::default();
        world.large_pages = true;
        world
    }

    /// Makes a contribution one that cannot be understood, or mends it.
    pub fn spoil_contribution(&self, rating: Option<RatingKey>) {
        self.state().spoilt_contribution = rating;
    }

    fn page_items(&self) -> usize {
        if self.large_pages { LARGE_PAGE_ITEMS } else { PAGE_ITEMS }
    }

    /// Writes a rating; nobody hears of it.
    pub fn put_rating(&self, rating: RatingKey, item: RatingItem) {
        self.state().ratings.insert(rating, item);
    }

    /// Deletes a rating; nobody hears of it.
    pub fn remove_rating(&self, rating: &RatingKey) {
        self.state().ratings.remove(rating);
    }

    /// The stored ratings, without a port call.
    pub fn stored_ratings(&self) -> BTreeMap<RatingKey, RatingItem> {
        self.state().ratings.clone().into_iter().collect()
    }

    /// The city of a shop, without a port call.
    pub fn stored_city(&self, shop_id: &ShopId) -> Option<City> {
        self.state().cities.get(shop_id).cloned()
    }

    /// Whatever some other writer might have left in place of a contribution; `None` loses it.
    pub fn put_contribution(&self, rating: &RatingKey, contribution: Option<Contribution>) {
        let mut state = self.state();
        match contribution {
            Some(contribution) => state.contributions.put(rating.clone(), contribution),
            None => drop(state.contributions.items.remove(rating)),
        }
    }

    /// Loses a score.
    pub fn remove_score(&self, key: &ScoreKey) {
        self.state().scores.items.remove(key);
    }
}

/// A page of the users' items within the range, in any order before.
fn page<T>(items: impl Iterator<Item = (UserId, T)>, users: &Users, most: usize) -> UserPage<T> {
    let within = |user: &UserId| {
        users.above.as_ref().is_none_or(|above| user > above) && users.up_to.as_ref().is_none_or(|last| user <= last)
    };
    let mut items: Vec<_> = items.filter(|(user, _)| within(user)).collect();
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    let full = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| full).map(|(user, _)| user.clone());
    UserPage { items, next }
}

impl ShopRecords for ScoreWorld {
    async fn shops(&self, after: Option<&ShopId>, limit: usize) -> Result<Vec<ShopId>, PortError> {
        let reply = self.calls.enter("shops.list").await?;
        let state = self.state();
        let rated = state.ratings.keys().chain(state.contributions.items.keys()).map(|rating| &rating.shop_id);
        let shops: BTreeSet<&ShopId> = rated.chain(state.scores.items.keys().map(|key| &key.shop_id)).collect();
        let above = |shop: &&ShopId| after.is_none_or(|after| *shop > after);
        let found = shops.into_iter().filter(above).take(limit).cloned().collect();
        drop(state);
        reply.leave(found)
    }

    async fn scores_of(&self, shop_id: &ShopId) -> Result<Found<ScoreKey, Score>, PortError> {
        let reply = self.calls.enter("scores.query").await?;
        let state = self.state();
        let keys: Vec<ScoreKey> = state.scores.items.keys().filter(|key| key.shop_id == *shop_id).cloned().collect();
        let found = state.read_scores(&keys, false);
        drop(state);
        reply.leave(found)
    }

    async fn contributions_of(
        &self,
        shop_id: &ShopId,
        above: Option<&UserId>,
    ) -> Result<UserPage<Result<Contribution, PortError>>, PortError> {
        let reply = self.calls.enter("contributions.query").await?;
        let state = self.state();
        let items = state.contributions.items.iter().filter(|(rating, _)| rating.shop_id == *shop_id);
        let users = Users { above: above.cloned(), up_to: None };
        let contribution = |(rating, item): (&RatingKey, &Contribution)| {
            let spoilt = state.spoilt_contribution.as_ref() == Some(rating);
            (rating.user_id.clone(), if spoilt { Err(self::spoilt("contributions.query")) } else { Ok(item.clone()) })
        };
        let found = page(items.map(contribution), &users, self.page_items());
        drop(state);
        reply.leave(found)
    }

    async fn ratings_of(&self, shop_id: &ShopId, users: &Users) -> Result<UserPage<RatingItem>, PortError> {
        let reply = self.calls.enter("ratings.query").await?;
        let state = self.state();
        let items = state.ratings.iter().filter(|(rating, _)| rating.shop_id == *shop_id);
        let found = page(items.map(|(rating, item)| (rating.user_id.clone(), item.clone())), users, self.page_items());
        drop(state);
        reply.leave(found)
    }

    async fn ratings(&self, keys: &[RatingKey]) -> Result<HashMap<RatingKey, RatingItem>, PortError> {
        let reply = self.calls.enter("ratings.get").await?;
        let state = self.state();
        let found = keys.iter().filter_map(|key| Some((key.clone(), state.ratings.get(key)?.clone()))).collect();
        drop(state);
        reply.leave(found)
    }
}
