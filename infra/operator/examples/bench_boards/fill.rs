//! Tables as the template has them, but without streams, so that nobody else writes; and ratings in them.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexDescription, PutRequest, WriteRequest,
};
use coffeeshop_aws::stack::StackInfo;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

/// How many ratings a shop has on average.
const RATINGS_A_SHOP: usize = 100;

/// How many items are written in one request, and how many requests at once.
const BATCH: usize = 25;
const AT_ONCE: usize = 8;

/// How long a comment is, in characters.
const COMMENT: usize = 100;

const CITIES: usize = 4;

/// A stack with tables of the bench's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tables {
    pub(crate) stack: StackInfo,
}

impl Tables {
    /// New tables, named after `name`.
    pub(crate) async fn create(stack: &StackInfo, name: &str) -> Result<Self> {
        let client = Client::new(&stack.sdk_config());
        let mut stack = stack.clone();
        for output in ["RatingsTable", "ContributionsTable", "ScoresTable", "ShopsTable"] {
            let made = format!("{name}-{output}");
            copy(&client, stack.output(output)?, &made).await.with_context(|| format!("{made} could not be made"))?;
            stack.outputs.insert(output.to_owned(), made);
        }
        Ok(Self { stack })
    }

    /// Shops, and so many ratings; returns how many shops.
    pub(crate) async fn fill(&self, ratings: usize) -> Result<usize> {
        let client = Client::new(&self.stack.sdk_config());
        let counts = counts(ratings);
        let shop = |(shop, _): (usize, &usize)| item([("shop_id", id("shop", shop)), ("city", city(shop))]);
        let shops: Vec<_> = counts.iter().enumerate().map(shop).collect();
        write(&client, self.stack.output("ShopsTable")?, shops).await?;
        let rated = counts.iter().enumerate().flat_map(|(shop, count)| (0..*count).map(move |user| (shop, user)));
        let items = rated.enumerate().map(|(number, (shop, user))| rating(number, shop, user)).collect();
        write(&client, self.stack.output("RatingsTable")?, items).await?;
        Ok(counts.len())
    }
}

/// How many ratings each shop has, by Zipf's law: the k-th has k times fewer than the first, and each at least one.
fn counts(ratings: usize) -> Vec<usize> {
    const WHOLE: usize = 1_000_000;
    let shops = ratings / RATINGS_A_SHOP;

    let harmonic: usize = (1..=shops).map(|rank| WHOLE / rank).sum();
    let share = |rank: usize| (ratings * (WHOLE / rank) / harmonic).max(1);
    let mut counts: Vec<usize> = (1..=shops).map(share).collect();
    let rest = ratings.saturating_sub(counts.iter().sum());
    if let Some(first) = counts.first_mut() {
        *first += rest;
    }
    counts
}

/// How many the most rated shop has.
pub(crate) fn of_first(ratings: usize) -> usize {
    counts(ratings).first().copied().unwrap_or_default()
}

/// The city that the first shop is in.
pub(crate) fn first_city() -> String {
    "city-0".to_owned()
}

fn city(shop: usize) -> AttributeValue {
    AttributeValue::S(format!("city-{}", shop % CITIES))
}

fn id(kind: &str, number: usize) -> AttributeValue {
    AttributeValue::S(format!("{kind}-{number:06}"))
}

fn rating(number: usize, shop: usize, user: usize) -> HashMap<String, AttributeValue> {
    let (month, day) = (1 + number % 12, 1 + number % 28);
    item([
        ("shop_id", id("shop", shop)),
        ("user_id", id("user", user)),
        ("stars", AttributeValue::N((1 + (number * 7 + shop) % 5).to_string())),
        ("rated_at", AttributeValue::S(format!("2026-{month:02}-{day:02}T12:00:00Z"))),
        ("comment", AttributeValue::S("x".repeat(COMMENT))),
    ])
}

fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> HashMap<String, AttributeValue> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn write(client: &Client, table: &str, items: Vec<HashMap<String, AttributeValue>>) -> Result<()> {
    let puts = items.into_iter().map(|item| {
        let put = PutRequest::builder().set_item(Some(item)).build()?;
        anyhow::Ok(WriteRequest::builder().put_request(put).build())
    });
    let puts = puts.collect::<Result<Vec<_>>>()?;
    let batches = puts.chunks(BATCH).map(<[WriteRequest]>::to_vec).collect::<Vec<_>>();
    let one = async |batch: Vec<WriteRequest>| {
        let written = client.batch_write_item().request_items(table, batch).send().await;
        let left = written.map_err(aws_sdk_dynamodb::Error::from)?.unprocessed_items.unwrap_or_default();
        ensure!(left.is_empty(), "the emulator throttles");
        Ok(())
    };
    stream::iter(batches).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

/// An empty table with the keys and indexes of another.
async fn copy(client: &Client, from: &str, to: &str) -> Result<()> {
    let described = client.describe_table().table_name(from).send().await.map_err(aws_sdk_dynamodb::Error::from)?;
    let table = described.table.context("the table is gone")?;
    let index = |index: GlobalSecondaryIndexDescription| {
        let made = GlobalSecondaryIndex::builder().set_index_name(index.index_name);
        made.set_key_schema(index.key_schema).set_projection(index.projection).build()
    };
    let indexes = table.global_secondary_indexes.unwrap_or_default();
    let indexes = indexes.into_iter().map(index).collect::<Result<Vec<_>, _>>()?;
    let create = client.create_table().table_name(to).billing_mode(BillingMode::PayPerRequest);
    let create = create.set_key_schema(table.key_schema).set_attribute_definitions(table.attribute_definitions);
    let create = create.set_global_secondary_indexes(Some(indexes).filter(|indexes| !indexes.is_empty()));
    create.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
    Ok(())
}
