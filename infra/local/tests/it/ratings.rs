//! Ratings end to end: what the app writes becomes scores, whatever happens to the function; compared with a recount
//! that reads nothing but the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::ScoreStore as _;
use coffeeshop_core::rating::{RatingKey, held};
use coffeeshop_core::score::ScoreKey;
use coffeeshop_local::app::{App, Said};
use coffeeshop_local::{Options, Stack};
use fastrand::Rng;
use serde_json::Value;

const WRITES: usize = 5000;
const WRITERS: usize = 5;
const KILLS_MIN: usize = 20;

/// How often it is looked, every half second, whether the pipeline has come to rest.
const LOOKS_MAX: usize = 360;

pub(crate) fn rating(shop: usize, user: usize) -> RatingKey {
    RatingKey { shop_id: format!("shop-{shop}").parse().unwrap(), user_id: format!("user-{user}").parse().unwrap() }
}

pub(crate) fn said(stars: i64, day: u32) -> Said {
    Said { stars, rated_at: format!("2026-{:02}-{:02}T12:00:00Z", 10 + day / 28, 1 + day % 28), comment: String::new() }
}

/// The scores that the ratings make, and those that are stored: of every shop and period with ratings.
pub(crate) async fn recount_and_scores(app: &App) -> (BTreeMap<ScoreKey, Histogram>, BTreeMap<ScoreKey, Histogram>) {
    let mut recount: BTreeMap<ScoreKey, Histogram> = BTreeMap::new();
    for (rating, item) in app.ratings().await.unwrap() {
        let Ok(held) = held(&item) else { continue };
        for period in [Period::All, Period::Month(held.month)] {
            recount.entry(ScoreKey { shop_id: rating.shop_id.clone(), period }).or_default().add(held.stars);
        }
    }
    let scores = app.scores().await.unwrap().into_iter().filter(|score| score.count > 0);
    (recount, scores.map(|score| (score.key, score.histogram)).collect())
}

/// Waits until the scores equal the recount; they must still do so a while later.
async fn settled(app: &App) {
    for _ in 0..LOOKS_MAX {
        let (recount, scores) = recount_and_scores(app).await;
        if recount == scores {
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert_eq!(recount_and_scores(app).await, (recount, scores), "it changed once more");
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (recount, scores) = recount_and_scores(app).await;
    assert_eq!(scores, recount, "scores (left) and their recount (right)");
}

async fn write(app: &App, writer: usize) {
    let mut rng = Rng::with_seed(writer as u64);
    for _ in 0..WRITES / WRITERS {
        // A few shops get most of the ratings, and each writer has users of its own.
        let shop = rng.usize(..20).min(rng.usize(..20)).min(rng.usize(..20));
        let rating = rating(shop, writer * 100 + rng.usize(..60));
        match rng.u8(..20) {
            0..3 => app.withdraw(&rating).await.unwrap(),
            3 => app.rate(&rating, &said(9, 0)).await.unwrap(),
            _ => app.rate(&rating, &said(rng.i64(1..=5), rng.u32(..56))).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn scores_are_exact_although_the_function_is_killed() {
    let options = Options { stack_name: "killed".to_owned(), ..Options::new() };
    let stack = Stack::start(&options.kill("aggregator", 30, 20_261_121)).await.unwrap();
    let app = App::new(stack.info()).unwrap();
    futures::future::join_all((0..WRITERS).map(|writer| write(&app, writer))).await;
    settled(&app).await;

    let (scores, _) = recount_and_scores(&app).await;
    assert!(scores.len() > 40, "there is something to compare: {}", scores.len());
    let log = fs::read_to_string(stack.log_path()).unwrap();
    let kills = log.lines().filter(|line| line.contains("killed killed-aggregator inside invocation")).count();
    assert!(kills >= KILLS_MIN, "{kills} kills");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_keeps_failing_rests_whole_in_the_failures_bucket() {
    let stack = Stack::start(&Options { stack_name: "failing".to_owned(), ..Options::new() }).await.unwrap();
    let (app, sdk) = (App::new(stack.info()).unwrap(), stack.info().sdk_config());
    // A score of a later version, say: it is neither understood nor replaced.
    let put = aws_sdk_dynamodb::Client::new(&sdk).put_item().table_name(stack.info().output("ScoresTable").unwrap());
    let put = put.item("shop_id", AttributeValue::S("shop-0".to_owned()));
    let put = put.item("period", AttributeValue::S("all".to_owned()));
    put.item("histogram", AttributeValue::S("?".to_owned())).send().await.unwrap();
    let users = 40;
    for user in 0..users {
        app.rate(&rating(0, user), &said(5, 0)).await.unwrap();
        app.rate(&rating(1, user), &said(4, 0)).await.unwrap();
    }

    let s3 = aws_sdk_s3::Client::new(&sdk);
    let bucket = stack.info().output("FailuresBucket").unwrap();
    // Beside those of the publisher, which cannot read that score either.
    let prefix = format!("aws/lambda/{}/", stack.info().output("AggregatorMapping").unwrap());
    let all: BTreeSet<String> = (0..users).map(|user| format!("user-{user}")).collect();
    let mut archived = BTreeSet::new();
    for _ in 0..LOOKS_MAX {
        archived = archived_users(&s3, bucket, &prefix, "shop-0").await;
        if archived == all {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(archived, all, "every rating of the shop that failed is in the archive");
    // Of the other shop, nothing is missing: it was settled beside the one that failed.
    let key = ScoreKey { shop_id: "shop-1".parse().unwrap(), period: Period::All };
    let score = app.score_store().scores(std::slice::from_ref(&key)).await.unwrap().remove(&key).unwrap().unwrap();
    assert_eq!(score.count, users as u64);
    stack.stop().await.unwrap();
}

/// Reads all archives of a mapping, and returns the users whose ratings of this shop they hold.
async fn archived_users(s3: &aws_sdk_s3::Client, bucket: &str, prefix: &str, shop: &str) -> BTreeSet<String> {
    let listed = s3.list_objects_v2().bucket(bucket).prefix(prefix).send().await.unwrap();
    let mut users = BTreeSet::new();
    for object in listed.contents() {
        let body = s3.get_object().bucket(bucket).key(object.key().unwrap()).send().await.unwrap().body;
        let archive: Value = serde_json::from_slice(&body.collect().await.unwrap().into_bytes()).unwrap();
        assert_eq!(archive["requestContext"]["condition"], "RetryAttemptsExhausted");
        let payload: Value = serde_json::from_str(archive["payload"].as_str().unwrap()).unwrap();
        let records = payload["Records"].as_array().unwrap();
        assert_eq!(archive["DDBStreamBatchInfo"]["batchSize"], records.len(), "all of the batch");
        for image in records.iter().map(|record| &record["dynamodb"]["NewImage"]) {
            assert!(image["stars"]["N"].is_string(), "with its image");
            if image["shop_id"]["S"] == shop {
                users.insert(image["user_id"]["S"].as_str().unwrap().to_owned());
            }
        }
    }
    users
}
