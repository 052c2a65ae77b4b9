//! [`ScoreStore`] over DynamoDB.
//!
//! Every read is consistent. Conditions look at versions and revisions alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Get, Put as PutAction, TransactGetItem, TransactWriteItem,
};
use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Replacement, Transaction, View};
use coffeeshop_core::ports::{Found, PortError, Put, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::score::{City, Score, ScoreKey};
use serde::{Deserialize, Serialize};

use crate::failed;
use crate::tables::{Batch, Item, found, unable};

/// Three tables.
#[derive(Debug, Clone)]
pub struct AwsScoreStore {
    client: Client,
    names: ScoreStoreNames,
}

/// What the tables are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreStoreNames {
    /// What scores hold of ratings.
    pub contributions_table: String,
    /// The scores.
    pub scores_table: String,
    /// The shops.
    pub shops_table: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct ShopKey {
    shop_id: ShopId,
}

impl AwsScoreStore {
    /// A store of these names. Nothing is called yet.
    pub fn new(client: Client, names: ScoreStoreNames) -> Self {
        Self { client, names }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn names(&self) -> &ScoreStoreNames {
        &self.names
    }

    fn batch<'a>(&'a self, call: &'static str, table: &'a str) -> Batch<'a> {
        Batch { client: &self.client, call, table, attributes: None }
    }
}

/// Whether a transaction was cancelled for nothing but what another attempt may find otherwise: conditions that do not
/// hold any more, conflicts, throttles.
fn lost_race(reasons: &[CancellationReason]) -> bool {
    const LOST: [&str; 5] =
        ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    !reasons.is_empty() && reasons.iter().all(|reason| LOST.contains(&reason.code().unwrap_or_default()))
}

impl ScoreStore for AwsScoreStore {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        const CALL: &str = "contributions.get";
        Ok(found(CALL, self.batch(CALL, &self.names.contributions_table).read(ratings).await?))
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        const CALL: &str = "scores.get";
        Ok(found(CALL, self.batch(CALL, &self.names.scores_table).read(keys).await?))
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        const CALL: &str = "scores.one_moment";
        let get = |table: &str, key: serde_dynamo::Result<Item>| {
            let get = Get::builder().table_name(table).set_key(Some(key.map_err(failed(CALL))?)).build();
            Ok(TransactGetItem::builder().get(get.map_err(failed(CALL))?).build())
        };
        let contributions = ratings.iter().map(|key| get(&self.names.contributions_table, serde_dynamo::to_item(key)));
        let gets = contributions
            .chain(scores.iter().map(|key| get(&self.names.scores_table, serde_dynamo::to_item(key))))
            .collect::<Result<Vec<_>, _>>()?;
        let request = self.client.transact_get_items().set_transact_items(Some(gets));
        let answer = request.send().await.map_err(|error| match error.as_service_error() {
            Some(TransactGetItemsError::TransactionCanceledException(cancelled))
                if lost_race(cancelled.cancellation_reasons()) =>
            {
                PortError::busy(CALL, error)
            }
            _ => unable(CALL, error),
        })?;
        // In the order of the request, and empty for what is not there.
        let responses = answer.responses.unwrap_or_default();
        let (asked, answered) = (ratings.len() + scores.len(), responses.len());
        if asked != answered {
            return Err(PortError::new(CALL, format!("asked for {asked} items, told of {answered}")));
        }
        let mut items = responses.into_iter().map(|response| response.item);
        let contributions = items.by_ref().take(ratings.len()).flatten().collect();
        Ok(View {
            contributions: found(CALL, contributions),
            scores: found(CALL, items.flatten().collect()),
            cities: HashMap::new(),
        })
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        const CALL: &str = "shops.get";
        let keys: Vec<_> = shops.iter().map(|shop_id| ShopKey { shop_id: shop_id.clone() }).collect();
        let city = |item: Item| {
            // A city that is none, or no name of one, leaves the shop on no city's board, not the pipeline at rest.
            let city = item.get("city")?.as_s().ok()?.parse().ok()?;
            let ShopKey { shop_id } = serde_dynamo::from_item(item).ok()?;
            Some((shop_id, city))
        };
        Ok(self.batch(CALL, &self.names.shops_table).read(&keys).await?.into_iter().filter_map(city).collect())
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        const CALL: &str = "scores.commit";
        let contributions =
            transaction.contributions.iter().map(|put| action(&self.names.contributions_table, "version", put));
        let scores = transaction.scores.iter().map(|put| action(&self.names.scores_table, "revision", put));
        let actions = contributions.chain(scores).collect::<Result<Vec<_>, _>>()?;
        // The SDK gives each call a client token of its own, and the retries of one call the same.
        match self.client.transact_write_items().set_transact_items(Some(actions)).send().await {
            Ok(_) => Ok(Put::Stored),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if lost_race(cancelled.cancellation_reasons()) =>
                {
                    Ok(Put::LostRace)
                }
                _ => Err(unable(CALL, error)),
            },
        }
    }
}

/// Replaces an item, if `counter` is still what was read.
fn action<T: Serialize>(table: &str, counter: &str, put: &Replacement<T>) -> Result<TransactWriteItem, PortError> {
    const CALL: &str = "scores.commit";
    let item = serde_dynamo::to_item(&put.item).map_err(failed(CALL))?;
    let action = PutAction::builder().table_name(table).set_item(Some(item)).expression_attribute_names("#c", counter);
    let conditional: PutBuilder = match put.replaces {
        None => action.condition_expression("attribute_not_exists(#c)"),
        Some(read) => action
            .condition_expression("#c = :read")
            .expression_attribute_values(":read", AttributeValue::N(read.to_string())),
    };
    Ok(TransactWriteItem::builder().put(conditional.build().map_err(failed(CALL))?).build())
}
