//! Reading items of DynamoDB: in batches, consistently, and what becomes of items and of errors.
//!
//! Which tables there are, and what their items mean, is not known here.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::hash::Hash;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use coffeeshop_core::ports::{Found, PortError};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failed;

/// The most items that DynamoDB reads in one call outside a transaction.
const READ_ITEMS_MAX: usize = 100;

/// How often keys that were left over are asked for before the caller has to wait: an answer of 16 MB, which leaves
/// some over too, is beyond a hundred such items.
const READ_ATTEMPTS_MAX: usize = 3;

/// How many such calls are under way at once.
const READS_AT_ONCE: usize = 4;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A value that is a text.
pub(crate) fn text(text: impl Display) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// Which items are read by their keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) client: &'a Client,
    pub(crate) call: &'static str,
    pub(crate) table: &'a str,
    /// A projection; `None`: all of each item.
    pub(crate) attributes: Option<&'static str>,
}

impl Batch<'_> {
    /// The items of these keys that are there.
    pub(crate) async fn read<K: Serialize>(self, keys: &[K]) -> Result<Vec<Item>, PortError> {
        let keys: Result<Vec<Item>, _> = keys.iter().map(serde_dynamo::to_item).collect();
        let keys = keys.map_err(failed(self.call))?;
        let chunks: Vec<Vec<Item>> = keys.chunks(READ_ITEMS_MAX).map(<[Item]>::to_vec).collect();
        let reads = stream::iter(chunks).map(|keys| self.read_chunk(keys));
        let items: Vec<Vec<Item>> = reads.buffer_unordered(READS_AT_ONCE).try_collect().await?;
        Ok(items.into_iter().flatten().collect())
    }

    async fn read_chunk(self, keys: Vec<Item>) -> Result<Vec<Item>, PortError> {
        let Self { client, call, table, attributes } = self;
        let (mut items, mut left) = (Vec::new(), keys);
        for _ in 0..READ_ATTEMPTS_MAX {
            let request = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true);
            let request = request.set_projection_expression(attributes.map(str::to_owned)).build();
            let request = client.batch_get_item().request_items(table, request.map_err(failed(call))?);
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
pub(crate) fn unable<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(
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

/// Items by their keys; one whose key is none is left out.
pub(crate) fn found<K, T>(call: &'static str, items: Vec<Item>) -> Found<K, T>
where
    K: DeserializeOwned + Eq + Hash + Display,
    T: DeserializeOwned,
{
    let by_key = |item: Item| {
        let key: K = serde_dynamo::from_item(item.clone()).ok()?;
        let item = understood(call, &key, item);
        Some((key, item))
    };
    items.into_iter().filter_map(by_key).collect()
}

/// One that cannot be understood is somebody else's, or of a later version: it must not be replaced.
pub(crate) fn understood<T: DeserializeOwned>(
    call: &'static str,
    key: &impl Display,
    item: Item,
) -> Result<T, PortError> {
    let error = |error| PortError::new(call, format!("{key} cannot be understood: {error}"));
    serde_dynamo::from_item(item).map_err(error)
}
