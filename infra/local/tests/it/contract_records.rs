//! What a person's command reads over AWS keeps the same contract as the world in memory; and it finds its stack.
//!
//! On copies of the stack's tables, one set a test: without streams, so that no function answers what is written here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexDescription, PutRequest, WriteRequest,
};
use coffeeshop_aws::leaderboard::AwsLeaderboard;
use coffeeshop_aws::shop_records::AwsShopRecords;
use coffeeshop_aws::stack::{self, Stack, StackError};
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::rating::{Attribute, RatingItem, RatingKey};
use coffeeshop_core::score::City;
use coffeeshop_core::testing::records_contract::{self, RecordSides};

use crate::stack;

type Item = HashMap<String, AttributeValue>;

/// Tables of one test alone.
struct Outside {
    dynamodb: aws_sdk_dynamodb::Client,
    stack: Stack,
    records: AwsShopRecords,
    boards: AwsLeaderboard,
}

impl Outside {
    async fn new(name: &str) -> Self {
        let mut info = stack().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&info.sdk_config());
        for output in ["RatingsTable", "ContributionsTable", "ScoresTable"] {
            let table = copy(&dynamodb, info.output(output).unwrap(), name).await;
            info.outputs.insert(output.to_owned(), table);
        }
        let stack = Stack::of(&info);
        let (records, boards) = (stack.shop_records().unwrap(), stack.leaderboard().unwrap());
        Self { dynamodb, stack, records, boards }
    }

    /// Writes items, as many as a call takes.
    async fn put(&self, table: &str, items: Vec<Item>) {
        const WRITES_MAX: usize = 25;
        let table = self.stack.output(table).unwrap();
        for items in items.chunks(WRITES_MAX) {
            let put = |item: &Item| {
                let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            };
            let writes = items.iter().map(put).collect();
            let written = self.dynamodb.batch_write_item().request_items(table, writes).send().await.unwrap();
            assert!(written.unprocessed_items.unwrap_or_default().is_empty());
        }
    }
}

/// A table with the keys and indexes of another, and without its stream.
pub(crate) async fn copy(dynamodb: &aws_sdk_dynamodb::Client, table: &str, name: &str) -> String {
    let described = dynamodb.describe_table().table_name(table).send().await.unwrap().table.unwrap();
    let index = |index: GlobalSecondaryIndexDescription| {
        let copied = GlobalSecondaryIndex::builder().set_index_name(index.index_name);
        copied.set_key_schema(index.key_schema).set_projection(index.projection).build().unwrap()
    };
    let indexes = described.global_secondary_indexes.map(|indexes| indexes.into_iter().map(index).collect());
    let copied = format!("{name}-{table}");
    let create = dynamodb.create_table().table_name(&copied).billing_mode(BillingMode::PayPerRequest);
    let create = create.set_attribute_definitions(described.attribute_definitions).set_key_schema(described.key_schema);
    create.set_global_secondary_indexes(indexes).send().await.unwrap();
    copied
}

pub(crate) fn text(text: &(impl ToString + ?Sized)) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn keys(shop_id: &impl ToString, name: &str, value: &impl ToString) -> Item {
    HashMap::from([("shop_id".to_owned(), text(shop_id)), (name.to_owned(), text(value))])
}

impl RecordSides for Outside {
    async fn rate(&self, ratings: &[(RatingKey, RatingItem)]) {
        let attribute = |attribute: &Attribute| match attribute {
            Attribute::Number(number) => AttributeValue::N(number.clone()),
            Attribute::Text(said) => text(said),
            Attribute::Other => AttributeValue::Bool(true),
        };
        let item = |(rating, item): &(RatingKey, RatingItem)| {
            let mut written = keys(&rating.shop_id, "user_id", &rating.user_id);
            let attributes = [("stars", &item.stars), ("rated_at", &item.rated_at)];
            let attributes = attributes.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            written.extend(attributes.map(|(name, value)| (name.to_owned(), attribute(value))));
            written.insert("comment".to_owned(), text("not asked for"));
            written
        };
        self.put("RatingsTable", ratings.iter().map(item).collect()).await;
    }

    async fn withdraw(&self, rating: &RatingKey) {
        let key = keys(&rating.shop_id, "user_id", &rating.user_id);
        let delete = self.dynamodb.delete_item().table_name(self.stack.output("RatingsTable").unwrap());
        delete.set_key(Some(key)).send().await.unwrap();
    }

    async fn litter(&self, items: &[(String, String)]) {
        for (table, name) in [("RatingsTable", "user_id"), ("ContributionsTable", "user_id"), ("ScoresTable", "period")]
        {
            let item = |(shop_id, value): &(String, String)| keys(shop_id, name, value);
            self.put(table, items.iter().map(item).collect()).await;
        }
    }
}

fn shop() -> ShopId {
    "contract".parse().unwrap()
}

fn city() -> City {
    "Frankfurt (Oder) #1".parse().unwrap()
}

#[tokio::test]
async fn shops() {
    let outside = Outside::new("contract-shops").await;
    records_contract::shops(&outside.records, &outside, &shop()).await;
}

#[tokio::test]
async fn ratings_of() {
    let outside = Outside::new("contract-ratings-of").await;
    records_contract::ratings_of(&outside.records, &outside, &shop()).await;
}

#[tokio::test]
async fn contributions_of() {
    let outside = Outside::new("contract-contributions-of").await;
    records_contract::contributions_of(&outside.records, &outside, &shop()).await;
}

#[tokio::test]
async fn ratings() {
    let outside = Outside::new("contract-ratings").await;
    records_contract::ratings(&outside.records, &outside, &shop()).await;
}

#[tokio::test]
async fn scores_of() {
    let outside = Outside::new("contract-scores-of").await;
    records_contract::scores_of(&outside.records, &outside, &shop()).await;
}

#[tokio::test]
async fn boards() {
    let outside = Outside::new("contract-boards").await;
    let periods = ["all", "2026-11"].map(|period| period.parse().unwrap());
    records_contract::boards(&outside.records, &outside.boards, &shop(), &city(), periods).await;
}

#[tokio::test]
async fn pages_while_an_index_may_be_behind() {
    let outside = Outside::new("contract-lagging").await;
    let (shop, city, period) = (shop(), city(), "all".parse().unwrap());
    records_contract::pages_of_a_lagging_index(&outside.records, &outside.boards, &shop, &city, period).await;
}

#[tokio::test]
async fn a_stack_is_found_by_its_name() {
    let info = stack().await;
    let sdk = info.sdk_config();
    assert_eq!(stack::outputs(&sdk, "shared").await.unwrap(), info.outputs);
    let error = stack::outputs(&sdk, "nobodys").await.unwrap_err();
    assert!(matches!(error, StackError::NoStack { .. }), "{error:?}");
}
