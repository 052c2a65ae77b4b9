//! What the snapshotter reads and writes keeps the same contract over AWS as the bucket and the tables in memory.
//!
//! Table and bucket are of each test alone, so that no function and no other test sees them.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, BillingMode};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use coffeeshop_aws::scan::TableScan;
use coffeeshop_aws::uploads::S3Uploads;
use coffeeshop_core::ports::{Scan as _, Segment, Served, Uploads as _};
use coffeeshop_core::score::Score;
use coffeeshop_core::testing::scores_contract::score;
use coffeeshop_core::testing::uploads_contract;

use crate::stack;

async fn bucket(name: &str) -> (aws_sdk_s3::Client, S3Uploads) {
    let info = stack().await;
    let client = aws_sdk_s3::Client::new(&info.sdk_config());
    let place = BucketLocationConstraint::from(info.region.as_str());
    let place = CreateBucketConfiguration::builder().location_constraint(place).build();
    client.create_bucket().bucket(name).create_bucket_configuration(place).send().await.unwrap();
    (client.clone(), S3Uploads::new(client, name.to_owned()))
}

#[tokio::test]
async fn uploads_in_parts() {
    let (_, uploads) = bucket("contract-in-parts").await;
    uploads_contract::in_parts(&uploads, "x").await;
}

#[tokio::test]
async fn uploads_given_up() {
    let (_, uploads) = bucket("contract-given-up").await;
    uploads_contract::given_up(&uploads, "x").await;
}

#[tokio::test]
async fn objects_put_whole() {
    let (_, uploads) = bucket("contract-whole").await;
    uploads_contract::whole(&uploads, "x").await;
}

#[tokio::test]
async fn both_are_handed_out_as_they_are_meant_to_be() {
    let (client, uploads) = bucket("contract-served").await;
    let served = Served { content_type: "application/json", cache_control: "public, max-age=60" };
    uploads.put("whole", "{}".into(), served).await.unwrap();
    let upload = uploads.begin("in-parts", served).await.unwrap();
    let part = uploads.put_part(&upload, 1, "{}".into()).await.unwrap();
    uploads.complete(&upload, &[part]).await.unwrap();
    for key in ["whole", "in-parts"] {
        let head = client.head_object().bucket("contract-served").key(key).send().await.unwrap();
        assert_eq!(
            (head.content_type(), head.cache_control()),
            (Some(served.content_type), Some(served.cache_control))
        );
    }
}

#[tokio::test]
async fn more_than_a_thousand_keys_are_listed() {
    let (_, uploads) = bucket("contract-listed").await;
    let served = Served { content_type: "text/plain", cache_control: "no-cache" };
    let puts = (0..1_203).map(|i| (format!("many/{i:04}"), &uploads));
    futures::future::join_all(puts.map(async |(key, uploads)| uploads.put(&key, "x".into(), served).await.unwrap()))
        .await;
    let keys = uploads.keys("many/").await.unwrap();
    assert_eq!(keys, (0..1_203).map(|i| format!("many/{i:04}")).collect::<Vec<_>>());
}

/// A table like that of scores.
async fn table(name: &str) -> (aws_sdk_dynamodb::Client, String) {
    let info = stack().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&info.sdk_config());
    let scores = info.output("ScoresTable").unwrap();
    let described = dynamodb.describe_table().table_name(scores).send().await.unwrap().table.unwrap();
    let keys = ["shop_id", "period"];
    let mut attributes = described.attribute_definitions.unwrap();
    attributes.retain(|attribute| keys.contains(&attribute.attribute_name()));
    let table = format!("{scores}-{name}");
    dynamodb
        .create_table()
        .table_name(&table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(described.key_schema)
        .send()
        .await
        .unwrap();
    (dynamodb, table)
}

#[tokio::test]
async fn every_item_is_in_one_segment_once() {
    let (dynamodb, table) = table("scanned").await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mut expected = BTreeMap::new();
    for number in 0..24 {
        let score = score(&format!("shop-{number}").parse().unwrap(), "2026-11", 1, number);
        let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(&score).unwrap();
        // So large that a segment has several pages.
        item.insert("padding".to_owned(), text(&"x".repeat(300_000)));
        dynamodb.put_item().table_name(&table).set_item(Some(item)).send().await.unwrap();
        expected.insert(score.key.to_string(), Some(score));
    }
    let unknown = HashMap::from([
        ("shop_id".to_owned(), text("shop-0")),
        ("period".to_owned(), text("2027-01")),
        ("count".to_owned(), text("of a later version")),
    ]);
    dynamodb.put_item().table_name(&table).set_item(Some(unknown)).send().await.unwrap();
    expected.insert("shop-0/2027-01".to_owned(), None);

    let scan = TableScan::scores(dynamodb, table);
    let (mut found, mut pages) = (BTreeMap::new(), 0);
    for number in 0..2 {
        let mut after = None;
        loop {
            let page = scan.page(Segment { number, of: 2 }, after.as_ref()).await.unwrap();
            pages += 1;
            for item in page.items {
                let (key, score): (String, Option<Score>) = match item {
                    Ok(score) => (score.key.to_string(), Some(score)),
                    Err(error) => {
                        let words = error.again().cause.to_string();
                        let key = words.split(' ').next().unwrap().to_owned();
                        assert!(words.contains("cannot be understood"), "{words}");
                        (key, None)
                    }
                };
                assert!(found.insert(key.clone(), score).is_none(), "{key} twice");
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    assert_eq!(found, expected);
    assert!(pages > 4, "{pages}");
}
