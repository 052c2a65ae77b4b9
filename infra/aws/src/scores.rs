//! [`ScoreStore`] over DynamoDB.
//!
//! Every read is consistent. Conditions look at versions and revisions alone.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Get, KeysAndAttributes, Put as PutAction, TransactGetItem, TransactWriteItem,
};
use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Replacement, Transaction, View};
use coffeeshop_core::ports::{Found, PortError, Put, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::score::{City, Score, ScoreKey};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failed;

/// The most items that DynamoDB reads in one call outside a transaction.
const READ_ITEMS_MAX: usize = 100;

/// How often keys that were left over are asked for before the caller has to wait: an answer of 16 MB, which leaves
/// some over too, is beyond a hundred such items.
const READ_ATTEMPTS_MAX: usize = 3;

/// How many such calls are under way at once.
const READS_AT_ONCE: usize = 4;

type Item = HashMap<String, AttributeValue>;

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

    /// The items of these keys that are there.
    async fn read<K: Serialize>(&self, call: &'static str, table: &str, keys: &[K]) -> Result<Vec<Item>, PortError> {
        let keys: Vec<Item> = keys.iter().map(serde_dynamo::to_item).collect::<Result<_, _>>().map_err(failed(call))?;
        let chunks: Vec<Vec<Item>> = keys.chunks(READ_ITEMS_MAX).map(<[Item]>::to_vec).collect();
        let reads = stream::iter(chunks).map(|keys| self.read_chunk(call, table, keys));
        let items: Vec<Vec<Item>> = reads.buffer_unordered(READS_AT_ONCE).try_collect().await?;
        Ok(items.into_iter().flatten().collect())
    }

    async fn read_chunk(&self, call: &'static str, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, PortError> {
        let (mut items, mut left) = (Vec::new(), keys);
        for _ in 0..READ_ATTEMPTS_MAX {
            let request = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build();
            let request = self.client.batch_get_item().request_items(table, request.map_err(failed(call))?);
            let mut answer = request.send().await.map_err(|error| unable(call, error))?;
            items.extend(answer.responses.as_mut().and_then(|found| found.remove(table)).unwrap_or_default());
            // What was too much for one answer, or for the table just now.
            let unprocessed = answer.unprocessed_keys.as_mut().and_then(|tables| tables.remove(table));
            left = unprocessed.map(|unprocessed| unprocessed.keys).unwrap_or_default();
            if left.is_empty() {
                return Ok(items);
            }
        }
        Err(PortError::busy(call, format!("{} keys are still not read", left.len())))
    }
}

/// Throttled, or in conflict with another call.
fn unable<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(
    call: &'static str,
    error: SdkError<E>,
) -> PortError {
    const BUSY: [&str; 6] = [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "Throttling",
    ];
    let busy = error.code().is_some_and(|code| BUSY.contains(&code));
    if busy { PortError::busy(call, error) } else { PortError::new(call, error) }
}

/// Whether a transaction was cancelled for nothing but what another attempt may find otherwise: conditions that do not
/// hold any more, conflicts, throttles.
fn lost_race(reasons: &[CancellationReason]) -> bool {
    const LOST: [&str; 5] =
        ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    !reasons.is_empty() && reasons.iter().all(|reason| LOST.contains(&reason.code().unwrap_or_default()))
}

/// Items by their keys. One that cannot be understood is somebody else's, or of a later version: it must not be
/// replaced.
fn found<K, T>(call: &'static str, items: Vec<Item>) -> Result<Found<K, T>, PortError>
where
    K: DeserializeOwned + Eq + Hash + Debug,
    T: DeserializeOwned,
{
    let by_key = |item: Item| {
        let key: K = serde_dynamo::from_item(item.clone()).map_err(failed(call))?;
        let item = serde_dynamo::from_item(item)
            .map_err(|error| PortError::new(call, format!("{key:?} cannot be understood: {error}")));
        Ok((key, item))
    };
    items.into_iter().map(by_key).collect()
}

impl ScoreStore for AwsScoreStore {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        const CALL: &str = "contributions.get";
        found(CALL, self.read(CALL, &self.names.contributions_table, ratings).await?)
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        const CALL: &str = "scores.get";
        found(CALL, self.read(CALL, &self.names.scores_table, keys).await?)
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
            contributions: found(CALL, contributions)?,
            scores: found(CALL, items.flatten().collect())?,
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
        Ok(self.read(CALL, &self.names.shops_table, &keys).await?.into_iter().filter_map(city).collect())
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
