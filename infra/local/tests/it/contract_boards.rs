//! Leaderboards as announced, and leases, keep over AWS the same contract as in memory.
//!
//! On copies of the stack's tables, one set a test: without streams, so that nobody is told of what is written here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_aws::boards::AwsBoardStore;
use coffeeshop_core::score::City;
use coffeeshop_core::testing::boards_contract::{self, BoardSides};

use crate::contract_records::{copy, text};
use crate::stack;

/// Tables of one test alone.
struct Outside {
    dynamodb: aws_sdk_dynamodb::Client,
    boards: String,
    shops: String,
    store: AwsBoardStore,
}

impl Outside {
    async fn new(name: &str) -> Self {
        let info = stack().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&info.sdk_config());
        let boards = copy(&dynamodb, info.output("BoardsTable").unwrap(), name).await;
        let shops = copy(&dynamodb, info.output("ShopsTable").unwrap(), name).await;
        let store = AwsBoardStore::new(dynamodb.clone(), boards.clone(), shops.clone());
        Self { dynamodb, boards, shops, store }
    }

    async fn put(&self, table: &str, item: [(&str, AttributeValue); 3]) {
        let item: HashMap<_, _> = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.dynamodb.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }
}

impl BoardSides for Outside {
    async fn open_shop(&self, shop_id: &str, city: &str) {
        self.put(&self.shops, [("shop_id", text(shop_id)), ("name", text("A shop")), ("city", text(city))]).await;
    }

    async fn spoil(&self, board: &str, period: &str) {
        self.put(&self.boards, [("board", text(board)), ("period", text(period)), ("entries", text("a, b"))]).await;
    }
}

fn city() -> City {
    "Frankfurt (Oder) #1".parse().unwrap()
}

#[tokio::test]
async fn versions() {
    boards_contract::versions(&Outside::new("contract-versions").await.store, &city()).await;
}

#[tokio::test]
async fn many() {
    let outside = Outside::new("contract-many-boards").await;
    boards_contract::many(&outside.store, &outside, &city()).await;
}

#[tokio::test]
async fn many_announced() {
    boards_contract::many_announced(&Outside::new("contract-many-announced").await.store, &city()).await;
}

#[tokio::test]
async fn cities() {
    let outside = Outside::new("contract-cities").await;
    boards_contract::cities(&outside.store, &outside, "contract").await;
    // A shop without a city, and one whose city is no text.
    let other = |city| [("shop_id", text("other")), ("name", text("A shop")), ("city", city)];
    outside.put(&outside.shops, other(AttributeValue::Bool(true))).await;
    boards_contract::cities(&outside.store, &outside, "again").await;
}

#[tokio::test]
async fn leases() {
    boards_contract::leases(&Outside::new("contract-leases").await.store, ["boards", "scores"]).await;
}

#[tokio::test]
async fn races() {
    boards_contract::races(&Outside::new("contract-board-races").await.store, &city(), "boards").await;
}
