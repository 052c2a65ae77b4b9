//! What the app does with a running stack: it uploads photos and reads their outcomes, it writes shops, ratings and
//! subscriptions, and reads scores and inboxes; and what is needed to see whether all of that is so, and what snapshots hold.
//!
//! As the account's root, without presigning: that is the app's own back end's business, described in `CONTRACT.md`.

mod archives;
mod notifications;
mod queues;
mod snapshots;

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use coffeeshop_aws::functions::LambdaFunctions;
use coffeeshop_aws::photos::{AwsPhotoStore, PhotoStoreNames, USER_ID_METADATA};
use coffeeshop_aws::scores::{AwsScoreStore, ScoreStoreNames};
use coffeeshop_aws::shop_records::rating_item;
use coffeeshop_aws::stack;
use coffeeshop_aws::uploads::S3Uploads;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::PhotoStore as _;
use coffeeshop_core::rating::{RatingItem, RatingKey};
use coffeeshop_core::score::{City, Score};

use crate::StackInfo;

type Item = HashMap<String, AttributeValue>;

/// The app, connected to a stack. Its clients belong to one tokio runtime.
#[derive(Debug)]
pub struct App {
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    originals_bucket: String,
    failures_bucket: String,
    ratings_table: String,
    quarantine_queue_url: String,
    names: ScoreStoreNames,
    notifications: notifications::Names,
    store: AwsPhotoStore,
    scores: AwsScoreStore,
    functions: LambdaFunctions,
    snapshotter: String,
    analytics: S3Uploads,
}

/// What somebody says of a shop, sense or nonsense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub stars: i64,
    /// RFC 3339.
    pub rated_at: String,
    /// Absent when empty.
    pub comment: String,
}

impl App {
    /// The app of this stack.
    pub fn new(stack: &StackInfo) -> Result<Self> {
        let output = |name| stack.output(name).map(str::to_owned);
        let sdk = stack.sdk_config();
        let (s3, dynamodb) = (coffeeshop_aws::sdk::s3(&sdk), aws_sdk_dynamodb::Client::new(&sdk));
        let photos = PhotoStoreNames {
            originals_bucket: output("OriginalsBucket")?,
            renditions_bucket: output("RenditionsBucket")?,
            photos_table: output("PhotosTable")?,
        };
        let names = ScoreStoreNames {
            contributions_table: output("ContributionsTable")?,
            scores_table: output("ScoresTable")?,
            shops_table: output("ShopsTable")?,
        };
        Ok(Self {
            originals_bucket: photos.originals_bucket.clone(),
            failures_bucket: output("FailuresBucket")?,
            ratings_table: output("RatingsTable")?,
            quarantine_queue_url: output("QuarantineQueueUrl")?,
            store: AwsPhotoStore::new(s3.clone(), dynamodb.clone(), photos),
            scores: AwsScoreStore::new(dynamodb.clone(), names.clone()),
            notifications: notifications::Names {
                subscribers: output("SubscribersTable")?,
                inbox: output("InboxTable")?,
                boards: output("BoardsTable")?,
            },
            functions: stack::Stack::of(stack).functions(),
            snapshotter: output("SnapshotterFunction")?,
            analytics: S3Uploads::new(s3.clone(), output("AnalyticsBucket")?),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            names,
            dynamodb,
            s3,
        })
    }

    /// Uploads a photo and returns its version id.
    pub async fn upload(&self, photo: &PhotoKey, bytes: Vec<u8>, user_id: Option<&str>) -> Result<String> {
        let put = self.s3.put_object().bucket(&self.originals_bucket).key(photo.original());
        let put = match user_id {
            Some(user_id) => put.metadata(USER_ID_METADATA, user_id),
            None => put,
        };
        let stored = put.body(ByteStream::from(bytes)).send().await.map_err(aws_sdk_s3::Error::from)?;
        stored.version_id.context("the bucket of originals has no versions")
    }

    /// The photo's outcome, if it has one by now.
    pub async fn outcome(&self, photo: &PhotoKey) -> Result<Option<Outcome>> {
        Ok(self.store.outcome(photo).await?)
    }

    /// The ports that the functions have for photos, over the same stack.
    pub fn store(&self) -> &AwsPhotoStore {
        &self.store
    }

    /// The ports that the functions have for scores, over the same stack.
    pub fn score_store(&self) -> &AwsScoreStore {
        &self.scores
    }

    /// Makes a shop known.
    pub async fn open_shop(&self, shop_id: &ShopId, name: &str, city: &City) -> Result<()> {
        let put = self.dynamodb.put_item().table_name(&self.names.shops_table);
        let put = put.item("shop_id", text(shop_id)).item("name", text(name)).item("city", text(city));
        put.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
        Ok(())
    }

    /// Writes a rating; one that was there is replaced.
    pub async fn rate(&self, rating: &RatingKey, said: &Said) -> Result<()> {
        let mut item = key(rating);
        item.insert("stars".to_owned(), AttributeValue::N(said.stars.to_string()));
        item.insert("rated_at".to_owned(), text(&said.rated_at));
        if !said.comment.is_empty() {
            item.insert("comment".to_owned(), text(&said.comment));
        }
        let put = self.dynamodb.put_item().table_name(&self.ratings_table).set_item(Some(item));
        put.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
        Ok(())
    }

    /// Takes a rating back.
    pub async fn withdraw(&self, rating: &RatingKey) -> Result<()> {
        let delete = self.dynamodb.delete_item().table_name(&self.ratings_table).set_key(Some(key(rating)));
        delete.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
        Ok(())
    }

    /// All ratings whose keys can be read, as the scores see them.
    pub async fn ratings(&self) -> Result<BTreeMap<RatingKey, RatingItem>> {
        let rating = |item: Item| {
            let rating = rating_item(&item);
            Some((serde_dynamo::from_item(item).ok()?, rating))
        };
        Ok(self.scan(&self.ratings_table).await?.into_iter().filter_map(rating).collect())
    }

    /// All scores.
    pub async fn scores(&self) -> Result<Vec<Score>> {
        let items = self.scan(&self.names.scores_table).await?;
        items.into_iter().map(|item| Ok(serde_dynamo::from_item(item)?)).collect()
    }

    async fn scan(&self, table: &str) -> Result<Vec<Item>> {
        let pages = self.dynamodb.scan().table_name(table).consistent_read(true).into_paginator().items().send();
        Ok(pages.collect::<Result<Vec<_>, _>>().await.map_err(aws_sdk_dynamodb::Error::from)?)
    }

    /// Why each record in the quarantine is there. They stay, and are hidden for some seconds.
    pub async fn quarantined(&self) -> Result<Vec<String>> {
        const HIDDEN_SECONDS: i32 = 5;
        let mut reasons = BTreeMap::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.quarantine_queue_url);
            let receive = receive.max_number_of_messages(10).message_attribute_names("reason");
            let received = receive.visibility_timeout(HIDDEN_SECONDS).send().await.map_err(aws_sdk_sqs::Error::from)?;
            let known = reasons.len();
            for message in received.messages.unwrap_or_default() {
                let reason = message.message_attributes.unwrap_or_default().remove("reason");
                let reason = reason.and_then(|reason| reason.string_value).unwrap_or_else(|| "none given".to_owned());
                reasons.insert(message.message_id, reason);
            }
            if reasons.len() == known {
                return Ok(reasons.into_values().collect());
            }
        }
    }
}

fn text(text: &(impl ToString + ?Sized)) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn key(rating: &RatingKey) -> Item {
    HashMap::from([("shop_id".to_owned(), text(&rating.shop_id)), ("user_id".to_owned(), text(&rating.user_id))])
}
