//! What a person's command reads of photos keeps the same contract over AWS as the world in memory.
//!
//! Outcomes are in a table of each test alone, without a stream, so that no function answers what is written there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, BillingMode};
use coffeeshop_aws::photos::AwsPhotoStore;
use coffeeshop_aws::stack::Stack;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::testing::photo_records_contract::{self, Spoiler};

use crate::stack;
use crate::world::{Emulated, photo};

struct OfTest {
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    photos: AwsPhotoStore,
}

impl OfTest {
    async fn new(name: &str) -> Self {
        let mut info = stack().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&info.sdk_config());
        let photos = info.output("PhotosTable").unwrap();
        let described = dynamodb.describe_table().table_name(photos).send().await.unwrap().table.unwrap();
        let table = format!("{photos}-{name}");
        dynamodb
            .create_table()
            .table_name(&table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(described.attribute_definitions)
            .set_key_schema(described.key_schema)
            .send()
            .await
            .unwrap();
        info.outputs.insert("PhotosTable".to_owned(), table.clone());
        Self { dynamodb, table, photos: Stack::of(&info).photos().unwrap() }
    }
}

impl Spoiler for OfTest {
    async fn spoil(&self, PhotoKey { shop_id, photo_id }: &PhotoKey) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = HashMap::from([
            ("shop_id".to_owned(), text(shop_id.as_str())),
            ("photo_id".to_owned(), text(photo_id.as_str())),
            ("status".to_owned(), text("of a later version")),
        ]);
        self.dynamodb.put_item().table_name(&self.table).set_item(Some(item)).send().await.unwrap();
    }
}

fn shop() -> ShopId {
    "contract-photos".parse().unwrap()
}

#[tokio::test]
async fn outcomes() {
    let of = OfTest::new("outcomes").await;
    photo_records_contract::outcomes(&of.photos, &of, &shop()).await;
}

#[tokio::test]
async fn outcomes_of() {
    let of = OfTest::new("outcomes-of").await;
    photo_records_contract::outcomes_of(&of.photos, &of, &shop()).await;
}

#[tokio::test]
async fn versions() {
    let on = Emulated::new(stack().await);
    let photos = Stack::of(&on.stack).photos().unwrap();
    photo_records_contract::versions(&photos, &on, &photo("contract-versions")).await;
}
