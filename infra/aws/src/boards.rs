//! [`BoardStore`] and [`JobLeases`] over the `boards` and `shops` tables.
//!
//! Every read is consistent. Leases lie beside the boards, under a key that no board has.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::board::{BoardKey, BoardSnapshot, LEASE};
use coffeeshop_core::ports::{BoardStore, Found, JobLease, JobLeases, PortError, Put};
use coffeeshop_core::score::City;
use jiff::Timestamp;

use crate::failed;
use crate::tables::{Batch, Item, found, text, unable};

/// The tables of boards and of shops.
#[derive(Debug, Clone)]
pub struct AwsBoardStore {
    client: Client,
    boards_table: String,
    shops_table: String,
}

fn number(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// What became of a write on a condition.
fn stored<T, E>(call: &'static str, result: Result<T, SdkError<E>>) -> Result<Put, PortError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(_) => Ok(Put::Stored),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(Put::LostRace),
        Err(error) => Err(unable(call, error)),
    }
}

impl AwsBoardStore {
    /// Nothing is called yet.
    pub fn new(client: Client, boards_table: String, shops_table: String) -> Self {
        Self { client, boards_table, shops_table }
    }

    /// Some attributes of every item of a table.
    async fn attributes(&self, call: &'static str, table: &str, names: &str) -> Result<Vec<Item>, PortError> {
        let names = names.split(' ').map(|name| (format!("#{name}"), name.to_owned())).collect::<Vec<_>>();
        let projection = names.iter().map(|(alias, _)| alias.as_str()).collect::<Vec<_>>().join(", ");
        let scan = self.client.scan().table_name(table).consistent_read(true).projection_expression(projection);
        let scan = scan.set_expression_attribute_names(Some(names.into_iter().collect()));
        let mut pages = scan.into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.try_next().await.map_err(|error| unable(call, error))? {
            items.extend(page.items.unwrap_or_default());
        }
        Ok(items)
    }
}

impl BoardStore for AwsBoardStore {
    async fn boards(&self, keys: &[BoardKey]) -> Result<Found<BoardKey, BoardSnapshot>, PortError> {
        const CALL: &str = "boards.get";
        let batch = Batch { client: &self.client, call: CALL, table: &self.boards_table, attributes: None };
        Ok(found(CALL, batch.read(keys).await?))
    }

    async fn put_board(&self, board: &BoardSnapshot, replaces: Option<u64>) -> Result<Put, PortError> {
        const CALL: &str = "boards.put";
        let item = serde_dynamo::to_item(board).map_err(failed(CALL))?;
        let put = self.client.put_item().table_name(&self.boards_table).set_item(Some(item));
        let put = match replaces {
            // Whatever is there: what cannot be understood may have no version.
            None => put.condition_expression("attribute_not_exists(board)"),
            Some(version) => put
                .condition_expression("#version = :replaces")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":replaces", number(version)),
        };
        stored(CALL, put.send().await)
    }

    async fn exported(&self, key: &BoardKey, version: u64) -> Result<Put, PortError> {
        const CALL: &str = "boards.exported";
        let key = serde_dynamo::to_item(key).map_err(failed(CALL))?;
        let update = self.client.update_item().table_name(&self.boards_table).set_key(Some(key));
        let update = update.update_expression("SET exported = :version").condition_expression("#version = :version");
        let update = update.expression_attribute_names("#version", "version");
        stored(CALL, update.expression_attribute_values(":version", number(version)).send().await)
    }

    async fn announced(&self) -> Result<BTreeSet<BoardKey>, PortError> {
        let items = self.attributes("boards.list", &self.boards_table, "board period").await?;
        // A lease is none.
        Ok(items.into_iter().filter_map(|item| serde_dynamo::from_item(item).ok()).collect())
    }

    async fn cities_of_shops(&self) -> Result<BTreeSet<City>, PortError> {
        let items = self.attributes("shops.cities", &self.shops_table, "city").await?;
        let city = |item: Item| item.get("city")?.as_s().ok()?.parse().ok();
        Ok(items.into_iter().filter_map(city).collect())
    }
}

/// The key of a lease.
fn lease_key(lease: &JobLease) -> [(&'static str, AttributeValue); 2] {
    [("board", text(lease.job)), ("period", text(LEASE))]
}

impl JobLeases for AwsBoardStore {
    async fn take(&self, lease: &JobLease, now: Timestamp) -> Result<Put, PortError> {
        let put = lease_key(lease)
            .into_iter()
            .fold(self.client.put_item().table_name(&self.boards_table), |put, (name, value)| put.item(name, value));
        let put = put.item("owner", text(&lease.owner)).item("until", number(lease.until.as_millisecond()));
        let put = put.condition_expression("attribute_not_exists(#owner) OR #owner = :owner OR #until <= :now");
        let put = put.expression_attribute_names("#owner", "owner").expression_attribute_names("#until", "until");
        let put = put.expression_attribute_values(":owner", text(&lease.owner));
        let put = put.expression_attribute_values(":now", number(now.as_millisecond()));
        stored("leases.take", put.send().await)
    }

    async fn give_back(&self, lease: &JobLease) -> Result<(), PortError> {
        let delete = lease_key(lease)
            .into_iter()
            .fold(self.client.delete_item().table_name(&self.boards_table), |delete, (name, value)| {
                delete.key(name, value)
            });
        let delete = delete.condition_expression("#owner = :owner").expression_attribute_names("#owner", "owner");
        stored("leases.give_back", delete.expression_attribute_values(":owner", text(&lease.owner)).send().await)?;
        Ok(())
    }
}
