//! What the tests of the protocol share: a renderer without pixels, and S3 and SQS as they deliver.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use bytes::Bytes;
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::{Format, Outcome, Reason};
use coffeeshop_core::photo::{Delivery, PhotoChanged, Request};
use coffeeshop_core::ports::{Clock, PortError};
use coffeeshop_core::renditions::{RenditionSpec, RenditionSpecs};
use coffeeshop_core::replayed::REPLAYED;
use coffeeshop_core::reprocess::ReprocessRequest;
use coffeeshop_core::testing::{Message, World};
use coffeeshop_thumbnailer::batch::{self, Deps};
use coffeeshop_thumbnailer::photo::{Answered, Renderer, answer};
use coffeeshop_thumbnailer::render::{Header, Profile, Rejection, Rendered, RenderedFile, Stages};
use futures::executor::block_on;
use image::metadata::Orientation;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub(crate) const BUCKET: &str = "originals";

/// How long the function may run.
pub(crate) const TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

/// Of the queue of uploads: six times that.
pub(crate) const VISIBILITY_TIMEOUT: SignedDuration = SignedDuration::from_secs(720);

pub(crate) fn photo() -> PhotoKey {
    PhotoKey::from_original("uploads/shop/photo").unwrap()
}

/// Renditions that hold the source's bytes; bytes that begin with `bad` are corrupt.
#[derive(Debug)]
pub(crate) struct Copier {
    specs: RenditionSpecs,
    rendered: AtomicUsize,
}

impl Default for Copier {
    fn default() -> Self {
        Self::of("thumb=1:fit,card=2:fit")
    }
}

impl Copier {
    /// One that makes these.
    pub(crate) fn of(specs: &str) -> Self {
        Self { specs: specs.parse().unwrap(), rendered: AtomicUsize::new(0) }
    }

    /// One of another configuration: a rendition less, one more, one of another size.
    pub(crate) fn otherwise() -> Self {
        Self::of("thumb=3:fit,full=4:fit")
    }

    /// How many originals it was given.
    pub(crate) fn rendered(&self) -> usize {
        self.rendered.load(Ordering::Relaxed)
    }
}

impl Renderer for Copier {
    fn specs(&self) -> &RenditionSpecs {
        &self.specs
    }

    async fn render(&self, bytes: Bytes, _: &mut Stages) -> Result<Result<(Header, Rendered), Rejection>, PortError> {
        self.rendered.fetch_add(1, Ordering::Relaxed);
        if bytes.starts_with(b"bad") {
            let detail = "it says so".to_owned();
            return Ok(Err(Rejection { reason: Reason::Corrupt, detected: None, format: None, size: None, detail }));
        }
        let header = Header { format: Format::Png, stored: (2, 1), orientation: Orientation::NoTransforms, icc: None };
        let file = |spec: &RenditionSpec| {
            let name = spec.name.clone();
            RenderedFile { name, width: 2, height: 1, jpeg: bytes.clone() }
        };
        let renditions = self.specs.iter().map(file).collect();
        Ok(Ok((header, Rendered { renditions, thumbhash: "hash".to_owned(), profile: Profile::None })))
    }
}

/// Everything that S3 has sent, as requests.
pub(crate) fn take_requests(world: &World) -> Vec<Request> {
    world.take_events().into_iter().map(Request::Changed).collect()
}

/// Answers a request that is about something, and that may have been delivered before.
pub(crate) fn answer_now(world: &World, renderer: &Copier, request: &Request) -> Answered {
    block_on(answer(world, renderer, world, request, Delivery::Again)).unwrap().unwrap()
}

/// Answers a request that is about something, and that nobody has worked on.
pub(crate) fn answer_first(world: &World, renderer: &Copier, request: &Request) -> Answered {
    block_on(answer(world, renderer, world, request, Delivery::First)).unwrap().unwrap()
}

/// A rendition of this answer that it does not name.
pub(crate) fn stray(outcome: &Outcome) -> RenditionKey {
    let (photo, edition) = (outcome.photo.clone(), outcome.edition.clone());
    RenditionKey { photo, edition, name: "left-by-a-crash".parse().unwrap() }
}

/// What an operator sends about the photo.
pub(crate) fn reprocess() -> String {
    serde_json::to_string(&ReprocessRequest { reprocess: photo() }).unwrap()
}

/// What S3 writes about a change.
pub(crate) fn notification(event: &PhotoChanged) -> String {
    json!({ "Records": [record(&event.photo.original(), &event.sequencer.to_string())] }).to_string()
}

/// The same, of a change at this time.
pub(crate) fn notification_at(event: &PhotoChanged, sent_at: Timestamp) -> String {
    let mut record = record(&event.photo.original(), &event.sequencer.to_string());
    record["eventTime"] = json!(sent_at.to_string());
    json!({ "Records": [record] }).to_string()
}

pub(crate) fn record(key: &str, sequencer: &str) -> serde_json::Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-20T08:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "AWS:AROA" },
        "requestParameters": { "sourceIPAddress": "203.0.113.7" },
        "responseElements": { "x-amz-request-id": "C3D13FE58DE4C810" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": { "name": BUCKET, "ownerIdentity": { "principalId": "A3" }, "arn": "arn:aws:s3:::originals" },
            "object": { "key": key, "size": 3, "eTag": "d41d8cd9", "versionId": "v", "sequencer": sequencer },
        },
    })
}

/// A batch as Lambda hands it over.
pub(crate) fn batch(messages: &[Message]) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = messages
        .iter()
        .map(|message| {
            let mut record = SqsMessage::default();
            record.message_id = Some(format!("id-of-{}", message.receipt.0));
            record.receipt_handle = Some(message.receipt.0.clone());
            record.body = Some(message.body.clone());
            let count = message.receive_count.to_string();
            record.attributes.insert("ApproximateReceiveCount".to_owned(), count);
            if message.replayed.is_some() {
                let mut attribute = SqsMessageAttribute::default();
                attribute.string_value.clone_from(&message.replayed);
                record.message_attributes.insert(REPLAYED.to_owned(), attribute);
            }
            record
        })
        .collect();
    event
}

/// All of it in one world.
pub(crate) fn deps<'a>(world: &'a World, renderer: &'a Copier) -> Deps<'a, World, World, World, Copier> {
    Deps {
        store: world,
        queue: world,
        clock: world,
        renderer,
        originals_bucket: BUCKET.to_owned(),
        visibility_timeout: VISIBILITY_TIMEOUT,
    }
}

/// Hands a batch to the function, deletes what it did not give back, and returns what it gave back.
pub(crate) async fn invoke(world: &World, messages: Vec<Message>) -> Vec<Message> {
    use coffeeshop_core::ports::SourceQueue;

    let renderer = Copier::default();
    let deps = deps(world, &renderer);
    let deadline = u64::try_from((world.now() + TIMEOUT).as_millisecond()).unwrap();
    let response = batch::handle(&deps, batch(&messages), deadline).await.unwrap();
    let failed: Vec<String> = response.batch_item_failures.into_iter().map(|item| item.item_identifier).collect();
    let (again, done): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| failed.contains(&format!("id-of-{}", message.receipt.0)));
    let receipts: Vec<_> = done.into_iter().map(|message| message.receipt).collect();
    if world.delete(&receipts).await.is_err() {
        // Lambda's own deletion can fail as well: then what is done comes again.
    }
    again
}

/// Delivers until the queue is empty, letting visibility timeouts pass; panics if it never is.
pub(crate) async fn deliver_all(world: &World) {
    for _ in 0..20 {
        if world.queued() == 0 {
            return;
        }
        let messages = world.receive(batch::BATCH_MESSAGES_MAX);
        if messages.is_empty() {
            world.advance(SignedDuration::from_secs(720));
        } else {
            invoke(world, messages).await;
        }
    }
    panic!("the queue does not become empty");
}
