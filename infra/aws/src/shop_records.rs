//! [`ShopRecords`] over DynamoDB, beside the [`ScoreStore`] of the same tables.
//!
//! Every read is consistent. What the records should be is not known here, and nothing is compared.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::{ShopId, UserId};
use coffeeshop_core::ledger::{Transaction, View};
use coffeeshop_core::ports::{Found, PortError, Put, ScoreStore, ShopRecords, UserPage, Users};
use coffeeshop_core::rating::{Attribute, RatingItem, RatingKey};
use coffeeshop_core::score::{City, Score, ScoreKey};

use crate::scores::AwsScoreStore;
use crate::tables::{Batch, Item, found, text, unable, understood};

/// How many items of a shop are read in one call: for contributions about what an answer of DynamoDB has room for.
const PAGE_ITEMS: i32 = 1_000;

/// The tables of scores, and that of ratings.
#[derive(Debug, Clone)]
pub struct AwsShopRecords {
    scores: AwsScoreStore,
    ratings_table: String,
}

/// What the scores see of an item of `ratings`.
pub fn rating_item(item: &Item) -> RatingItem {
    let attribute = |name| match item.get(name)? {
        AttributeValue::N(number) => Some(Attribute::Number(number.clone())),
        AttributeValue::S(text) => Some(Attribute::Text(text.clone())),
        _ => Some(Attribute::Other),
    };
    RatingItem { stars: attribute("stars"), rated_at: attribute("rated_at") }
}

/// An attribute that is an id.
fn id<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_s().ok()?.parse().ok()
}

/// Items of one shop, in the order of their users.
struct Listed<'a> {
    call: &'static str,
    table: &'a str,
    /// A projection; `None`: all of each item.
    attributes: Option<&'static str>,
}

impl AwsShopRecords {
    /// The records of these tables. Nothing is called yet.
    pub fn new(scores: AwsScoreStore, ratings_table: String) -> Self {
        Self { scores, ratings_table }
    }

    /// Keeps the first `limit` shops above `after` of a table, and of those that were kept before.
    async fn keep_shops(
        &self,
        table: &str,
        after: Option<&ShopId>,
        limit: usize,
        kept: &mut BTreeSet<ShopId>,
    ) -> Result<(), PortError> {
        const CALL: &str = "shops.list";
        let scan = self.scores.client().scan().table_name(table).consistent_read(true);
        let mut pages = scan.projection_expression("shop_id").into_paginator().send();
        while let Some(page) = pages.next().await {
            let items = page.map_err(|error| unable(CALL, error))?.items.unwrap_or_default();
            let shops = items.iter().filter_map(|item| id::<ShopId>(item, "shop_id"));
            for shop_id in shops.filter(|shop_id| after.is_none_or(|after| shop_id > after)) {
                kept.insert(shop_id);
                if kept.len() > limit {
                    kept.pop_last();
                }
            }
        }
        Ok(())
    }

    /// A page of a shop's items, with their users.
    async fn page(
        &self,
        Listed { call, table, attributes }: Listed<'_>,
        shop_id: &ShopId,
        users: &Users,
    ) -> Result<UserPage<Item>, PortError> {
        let mut page = UserPage { items: Vec::new(), next: None };
        let mut above = users.above.as_ref().map(ToString::to_string);
        // DynamoDB takes no range that ends before it begins.
        while users.up_to.as_ref().is_none_or(|up_to| above.as_deref().is_none_or(|above| above < up_to.as_str())) {
            let (range, values) = range(above.as_deref(), users.up_to.as_ref());
            let query = self.scores.client().query().table_name(table).consistent_read(true).limit(PAGE_ITEMS);
            let query = query.key_condition_expression(format!("shop_id = :shop_id{range}"));
            let query = query.set_expression_attribute_values(Some(values));
            let query = query.expression_attribute_values(":shop_id", text(shop_id));
            let query = query.set_projection_expression(attributes.map(str::to_owned));
            let found = query.send().await.map_err(|error| unable(call, error))?;
            let user = |item: Item| Some((id(&item, "user_id")?, item));
            page.items.extend(found.items.unwrap_or_default().into_iter().filter_map(user));
            let Some(last) = found.last_evaluated_key.filter(|key| !key.is_empty()) else { break };
            page.next = id(&last, "user_id");
            if page.next.is_some() {
                break;
            }
            // Nobody could be told to read on from a key that is none.
            let last = last.get("user_id").and_then(|user_id| user_id.as_s().ok());
            above = Some(last.ok_or_else(|| PortError::new(call, "the last key has no user"))?.clone());
        }
        Ok(page)
    }
}

/// A condition on the users' ids, and its values.
fn range(above: Option<&str>, up_to: Option<&UserId>) -> (&'static str, Item) {
    let value = |name: &str, value: AttributeValue| (name.to_owned(), value);
    match (above, up_to) {
        (None, None) => ("", Item::new()),
        (Some(above), None) => (" AND user_id > :above", Item::from([value(":above", text(above))])),
        (None, Some(up_to)) => (" AND user_id <= :up_to", Item::from([value(":up_to", text(up_to))])),
        (Some(above), Some(up_to)) => {
            // A sort key has one condition, and this one includes both its ends: it begins at the next text that
            // there can be.
            let from = value(":from", text(format!("{above}\0")));
            (" AND user_id BETWEEN :from AND :up_to", Item::from([from, value(":up_to", text(up_to))]))
        }
    }
}

impl ShopRecords for AwsShopRecords {
    async fn shops(&self, after: Option<&ShopId>, limit: usize) -> Result<Vec<ShopId>, PortError> {
        let mut kept = BTreeSet::new();
        let names = self.scores.names();
        for table in [&self.ratings_table, &names.contributions_table, &names.scores_table] {
            self.keep_shops(table, after, limit, &mut kept).await?;
        }
        Ok(kept.into_iter().collect())
    }

    async fn scores_of(&self, shop_id: &ShopId) -> Result<Found<ScoreKey, Score>, PortError> {
        const CALL: &str = "scores.query";
        let query = self.scores.client().query().table_name(&self.scores.names().scores_table).consistent_read(true);
        let query = query.key_condition_expression("shop_id = :shop_id");
        let query = query.expression_attribute_values(":shop_id", text(shop_id));
        let items: Result<Vec<Item>, _> = query.into_paginator().items().send().collect().await;
        Ok(found(CALL, items.map_err(|error| unable(CALL, error))?))
    }

    async fn contributions_of(
        &self,
        shop_id: &ShopId,
        above: Option<&UserId>,
    ) -> Result<UserPage<Result<Contribution, PortError>>, PortError> {
        const CALL: &str = "contributions.query";
        let listed = Listed { call: CALL, table: &self.scores.names().contributions_table, attributes: None };
        let users = Users { above: above.cloned(), up_to: None };
        let page = self.page(listed, shop_id, &users).await?;
        let contribution = |(user_id, item)| {
            let contribution = understood(CALL, &format_args!("{shop_id}/{user_id}"), item);
            (user_id, contribution)
        };
        Ok(UserPage { items: page.items.into_iter().map(contribution).collect(), next: page.next })
    }

    async fn ratings_of(&self, shop_id: &ShopId, users: &Users) -> Result<UserPage<RatingItem>, PortError> {
        let listed =
            Listed { call: "ratings.query", table: &self.ratings_table, attributes: Some("user_id, stars, rated_at") };
        let page = self.page(listed, shop_id, users).await?;
        let rating = |(user_id, item)| (user_id, rating_item(&item));
        Ok(UserPage { items: page.items.into_iter().map(rating).collect(), next: page.next })
    }

    async fn ratings(&self, keys: &[RatingKey]) -> Result<HashMap<RatingKey, RatingItem>, PortError> {
        let batch = Batch {
            client: self.scores.client(),
            call: "ratings.get",
            table: &self.ratings_table,
            attributes: Some("shop_id, user_id, stars, rated_at"),
        };
        let rating = |item: Item| {
            let rating = rating_item(&item);
            Some((serde_dynamo::from_item(item).ok()?, rating))
        };
        Ok(batch.read(keys).await?.into_iter().filter_map(rating).collect())
    }
}

impl ScoreStore for AwsShopRecords {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        self.scores.contributions(ratings).await
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        self.scores.scores(keys).await
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        self.scores.one_moment(ratings, scores).await
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        self.scores.cities(shops).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        self.scores.commit(transaction).await
    }
}
