//! Photos whose notifications rest in `uploads-dlq`, and what the pipeline makes of them: outcomes, renditions, and what
//! their owner is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_local::repo_root;
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::failures::plain;
use super::pipeline::{Pipeline, Resting, eventually};

const OWNER: &str = "ada";

/// Attributes that say when.
const TIMES: [&str; 3] = ["processed_at", "created_at", "expires_at"];

/// The tables that end as they should, and their keys.
const TABLES: [(&str, [&str; 2]); 3] = [
    ("PhotosTable", ["shop_id", "photo_id"]),
    ("InboxTable", ["user_id", "event_id"]),
    ("DeliveriesTable", ["event_id", "channel"]),
];

/// Items by their tables, and objects with their `ETag`s, field by field, without times: a line each.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EndState(BTreeSet<String>);

impl EndState {
    /// How many there are of a table, or of `rendition`.
    pub(super) fn count(&self, of: &str) -> usize {
        self.0.iter().filter(|line| line.split(' ').next() == Some(of)).count()
    }

    /// What is in one of the two.
    pub(super) fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a String> {
        self.0.symmetric_difference(&other.0).collect()
    }
}

/// Photos that were uploaded, and their notifications, which nobody has handled yet.
pub(super) struct Photos<'a> {
    on: &'a Pipeline,
    dynamodb: aws_sdk_dynamodb::Client,
    notifications: Vec<Resting>,
    count: usize,
}

impl<'a> Photos<'a> {
    /// Uploads them while the thumbnailer is switched off.
    pub(super) async fn upload(on: &'a Pipeline, count: usize) -> Self {
        on.subscribe(OWNER).await;
        let queue = on.output("UploadsQueueUrl");
        on.drained(&[&queue]).await;
        let switch = Switch::of_the_thumbnailer(on, &queue).await;
        switch.turn("--no-enabled").await;
        let bytes = fs::read(repo_root().join("fixtures/images/png/rgb8.png")).unwrap();
        let upload = async |i: usize| {
            let photo = PhotoKey::from_original(&format!("uploads/shop-{}/photo-{i}", i % 7)).unwrap();
            on.app.upload(&photo, bytes.clone(), Some(OWNER)).await.unwrap();
        };
        stream::iter(0..count).map(upload).buffer_unordered(8).collect::<Vec<()>>().await;
        let notifications = received(on, &queue, count).await;
        on.drained(&[&queue]).await;
        switch.turn("--enabled").await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&on.info().sdk_config());
        Self { on, dynamodb, notifications, count }
    }

    /// Puts their notifications to rest.
    pub(super) async fn rest(&self, place: &str) {
        self.on.rest(place, &self.notifications).await;
    }

    /// Waits until all of them are answered and announced, and nothing is under way any more.
    pub(super) async fn end_state(&self) -> EndState {
        let user = OWNER.parse().unwrap();
        let told = async || self.on.app.inbox(&user).await.unwrap().len() >= self.count;
        eventually("their owner is told of each", told).await;
        let queues =
            ["UploadsQueueUrl", "NotificationsQueueUrl", "DeliveriesQueueUrl"].map(|name| self.on.output(name));
        self.on.drained(&queues.each_ref().map(String::as_str)).await;
        let mut lines = Vec::new();
        for (table, _) in TABLES {
            lines.extend(self.items(table).await.iter().map(|item| format!("{table} {}", without_times(item))));
        }
        lines.extend(self.on.renditions().await.iter().map(|(key, tag)| format!("rendition {key} {tag}")));
        let (count, lines) = (lines.len(), BTreeSet::from_iter(lines));
        assert_eq!(lines.len(), count, "no two items are equal but for their times");
        EndState(lines)
    }

    /// Undoes what was done, so that it can be done again.
    pub(super) async fn undo(&self) {
        for (table, key) in TABLES {
            let request = |mut item: BTreeMap<String, AttributeValue>| {
                let key = key.iter().map(|name| ((*name).to_owned(), item.remove(*name).unwrap())).collect();
                let delete = DeleteRequest::builder().set_key(Some(key)).build().unwrap();
                WriteRequest::builder().delete_request(delete).build()
            };
            let requests: Vec<WriteRequest> = self.items(table).await.into_iter().map(request).collect();
            for some in requests.chunks(25) {
                let write = self.dynamodb.batch_write_item().request_items(self.on.output(table), some.to_vec());
                let left = write.send().await.unwrap().unprocessed_items;
                assert!(left.is_none_or(|left| left.is_empty()));
            }
        }
        let renditions = self.on.renditions().await;
        let keys: Vec<_> = renditions.keys().map(|key| json!({ "Key": key })).collect();
        for some in keys.chunks(1000) {
            let file = self.on.folder.join("renditions.json");
            fs::write(&file, json!({ "Objects": some, "Quiet": true }).to_string()).unwrap();
            let (bucket, file) = (self.on.output("RenditionsBucket"), format!("file://{}", file.display()));
            self.on.aws(&["s3api", "delete-objects", "--bucket", &bucket, "--delete", &file]).await;
        }
        assert_eq!(self.on.renditions().await, BTreeMap::new());
    }

    async fn items(&self, table: &str) -> Vec<BTreeMap<String, AttributeValue>> {
        let scan = self.dynamodb.scan().table_name(self.on.output(table)).consistent_read(true);
        let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        items.into_iter().map(|item| item.into_iter().collect()).collect()
    }
}

fn without_times(item: &BTreeMap<String, AttributeValue>) -> String {
    let rest = item.iter().filter(|(name, _)| !TIMES.contains(&name.as_str()));
    let rest: BTreeMap<_, _> = rest.map(|(name, value)| (name, in_order(value))).collect();
    assert!(rest.len() < item.len(), "every item says when: {item:?}");
    format!("{rest:?}")
}

/// The same text for the same value.
fn in_order(value: &AttributeValue) -> String {
    match value {
        AttributeValue::L(list) => format!("{:?}", list.iter().map(in_order).collect::<Vec<_>>()),
        AttributeValue::M(map) => {
            let fields: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, in_order(value))).collect();
            format!("{fields:?}")
        }
        other => format!("{other:?}"),
    }
}

/// The notifications of so many uploads, taken from their queue.
async fn received(on: &Pipeline, queue: &str, count: usize) -> Vec<Resting> {
    let mut notifications = Vec::new();
    while notifications.len() < count {
        let receive = on.sqs.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(10);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        assert!(!messages.is_empty(), "{} of {count} uploads were said", notifications.len());
        for message in messages {
            let receipt = message.receipt_handle.unwrap();
            on.sqs.delete_message().queue_url(queue).receipt_handle(receipt).send().await.unwrap();
            notifications.push(plain(message.body.unwrap()));
        }
    }
    notifications
}

/// The mapping from a queue to a function.
struct Switch<'a> {
    on: &'a Pipeline,
    mapping: String,
}

impl<'a> Switch<'a> {
    async fn of_the_thumbnailer(on: &'a Pipeline, queue: &str) -> Self {
        let function = on.output("ThumbnailerFunction");
        let list = ["lambda", "list-event-source-mappings", "--function-name", &function];
        let answer: Value = serde_json::from_str(&on.aws(&list).await).unwrap();
        let mappings = answer["EventSourceMappings"].as_array().unwrap();
        let [mapping] = mappings.as_slice() else { panic!("{queue} is read once: {mappings:?}") };
        Self { on, mapping: mapping["UUID"].as_str().unwrap().to_owned() }
    }

    async fn turn(&self, way: &str) {
        self.on.aws(&["lambda", "update-event-source-mapping", "--uuid", &self.mapping, way]).await;
    }
}
