//! What every implementation of a port must do, whatever lies behind it.
//!
//! Each function takes a store that may hold anything but must not hold the photo it is given.

use std::future::Future;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{Parked, World, WorldQueue};
use crate::SOURCE_BYTES_MAX;
use crate::edition::{Edition, Revision};
use crate::keys::{PhotoKey, RenditionKey};
use crate::outcome::{Answer, Cause, Format, Outcome, Reason, Rendition, Source};
use crate::ports::{ParkReason, PhotoStore, Put, Receipt, SourceQueue};
use crate::sequencer::Sequencer;

/// What the app does to originals: the other side of [`PhotoStore::original`].
pub trait App {
    /// Stores an object and returns its version id.
    fn upload(&self, photo: &PhotoKey, body: Bytes, user_id: Option<&str>) -> impl Future<Output = String>;
    /// Hides the object behind a delete marker.
    fn remove(&self, photo: &PhotoKey) -> impl Future<Output = ()>;
    /// Removes the delete marker.
    fn undelete(&self, photo: &PhotoKey) -> impl Future<Output = ()>;
}

impl App for World {
    async fn upload(&self, photo: &PhotoKey, body: Bytes, user_id: Option<&str>) -> String {
        World::upload(self, photo, body, user_id)
    }

    async fn remove(&self, photo: &PhotoKey) {
        World::remove(self, photo);
    }

    async fn undelete(&self, photo: &PhotoKey) {
        self.remove_newest_version(photo);
    }
}

/// What stands on the other sides of [`SourceQueue`].
pub trait Queue {
    /// Puts a message into the queue.
    fn send(&self, body: &str) -> impl Future<Output = ()>;
    /// Receives one visible message, if there is one.
    fn receive(&self) -> impl Future<Output = Option<(Receipt, String)>>;
    /// Lets this many seconds pass.
    fn wait(&self, seconds: u32) -> impl Future<Output = ()>;
    /// What was parked.
    fn parked(&self) -> impl Future<Output = Vec<Parked>>;
}

impl Queue for World {
    async fn send(&self, body: &str) {
        World::send(self, body);
    }

    async fn receive(&self) -> Option<(Receipt, String)> {
        World::receive(self, 1).pop().map(|message| (message.receipt, message.body))
    }

    async fn wait(&self, seconds: u32) {
        self.advance(SignedDuration::from_secs(seconds.into()));
    }

    async fn parked(&self) -> Vec<Parked> {
        World::parked(self)
    }
}

impl Queue for WorldQueue<'_> {
    async fn send(&self, body: &str) {
        WorldQueue::send(self, body);
    }

    async fn receive(&self) -> Option<(Receipt, String)> {
        WorldQueue::receive(self, 1).pop().map(|message| (message.receipt, message.body))
    }

    async fn wait(&self, seconds: u32) {
        self.advance(SignedDuration::from_secs(seconds.into()));
    }

    async fn parked(&self) -> Vec<Parked> {
        WorldQueue::parked(self)
    }
}

fn rendition_key(photo: &PhotoKey, revision: u64, name: &str) -> RenditionKey {
    let edition = Edition::new(Revision(revision), "v", "contract", &"thumb=1:fit".parse().unwrap());
    RenditionKey { photo: photo.clone(), edition, name: name.parse().unwrap() }
}

/// An outcome with every attribute that an outcome can have, apart from those of a rejection.
pub fn ready(photo: &PhotoKey, revision: u64) -> Outcome {
    let key = rendition_key(photo, revision, "thumb");
    let edition = key.edition.clone();
    let renditions = vec![Rendition { name: key.name.clone(), key, width: 160, height: 90, bytes: 4321 }];
    Outcome {
        photo: photo.clone(),
        answer: Answer::Ready { renditions, thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned() },
        sequencer: "0055AED6DCD90281E5".parse().unwrap(),
        revision: Revision(revision),
        edition,
        user_id: Some("user-1".parse().unwrap()),
        cause: Cause::Event,
        pipeline: "contract".to_owned(),
        source: Some(Source {
            version_id: "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY".to_owned(),
            etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            bytes: 2_865_278,
            format: Some(Format::Jpeg),
            width: Some(4032),
            height: Some(3024),
        }),
        processed_at: Timestamp::from_millisecond(1_792_000_000_123).unwrap(),
    }
}

/// Outcomes are stored whole, and only in the order of their revisions.
pub async fn outcomes(store: &impl PhotoStore, photo: &PhotoKey) {
    assert_eq!(store.outcome(photo).await.unwrap(), None);

    assert_eq!(store.put_outcome(&ready(photo, 2)).await.unwrap(), Put::LostRace, "2 cannot be the first");
    assert_eq!(store.outcome(photo).await.unwrap(), None, "a lost race writes nothing");
    assert_eq!(store.put_outcome(&ready(photo, 1)).await.unwrap(), Put::Stored);
    assert_eq!(store.outcome(photo).await.unwrap(), Some(ready(photo, 1)), "what was written is read at once");
    assert_eq!(store.put_outcome(&ready(photo, 1)).await.unwrap(), Put::LostRace, "1 is taken");

    let detected = Some("image/heic".to_owned());
    let rejected = Outcome {
        answer: Answer::Rejected { reason: Reason::UnsupportedFormat, detected },
        user_id: None,
        source: ready(photo, 2).source.map(|source| Source { format: None, width: None, height: None, ..source }),
        ..ready(photo, 2)
    };
    assert_eq!(store.put_outcome(&rejected).await.unwrap(), Put::Stored);
    assert_eq!(store.outcome(photo).await.unwrap(), Some(rejected), "an outcome replaces all of the one before");

    let removed = Outcome { answer: Answer::Removed, source: None, ..ready(photo, 3) };
    assert_eq!(store.put_outcome(&removed).await.unwrap(), Put::Stored);
    assert_eq!(store.outcome(photo).await.unwrap(), Some(removed));

    let before_any_event = Outcome { sequencer: Sequencer::none(), cause: Cause::Reprocess, ..ready(photo, 4) };
    assert_eq!(store.put_outcome(&before_any_event).await.unwrap(), Put::Stored);
    assert_eq!(
        store.outcome(photo).await.unwrap(),
        Some(before_any_event),
        "an empty sequencer is read as it was written"
    );
}

/// Renditions of one photo are listed, all of them and no others, and deleted.
pub async fn renditions(store: &impl PhotoStore, photo: &PhotoKey) {
    let longer = PhotoKey { photo_id: format!("{}-2", photo.photo_id).parse().unwrap(), ..photo.clone() };
    let [a, b, c] = [(1, "a"), (1, "b"), (2, "a")].map(|(revision, name)| rendition_key(photo, revision, name));
    let other = rendition_key(&longer, 1, "a");
    assert_eq!(store.renditions(photo).await.unwrap(), []);
    for key in [&a, &b, &c, &c, &other] {
        store.put_rendition(key, Bytes::from_static(b"jpeg")).await.unwrap();
    }
    let mut listed = store.renditions(photo).await.unwrap();
    listed.sort();
    assert_eq!(listed, [a.clone(), b.clone(), c.clone()], "neither less, nor those of {longer}");

    store.delete_renditions(&[a.clone(), c]).await.unwrap();
    assert_eq!(store.renditions(photo).await.unwrap(), std::slice::from_ref(&b));
    store.delete_renditions(&[a, b]).await.unwrap();
    assert_eq!(store.renditions(photo).await.unwrap(), [], "deleting what is gone is no error");
    store.delete_renditions(std::slice::from_ref(&other)).await.unwrap();
    assert_eq!(store.renditions(&longer).await.unwrap(), []);
}

/// An original is what it is now.
pub async fn originals(store: &impl PhotoStore, app: &impl App, photo: &PhotoKey) {
    assert_eq!(store.original(photo).await.unwrap(), None, "what was never there is no error");

    let first = app.upload(photo, Bytes::from_static(b"one"), Some("user-1")).await;
    let read = store.original(photo).await.unwrap().unwrap();
    assert_eq!((read.version_id.as_str(), read.bytes), (first.as_str(), 3));
    assert_eq!(read.body.as_deref(), Some(b"one".as_slice()));
    assert_eq!(read.user_id.as_deref(), Some("user-1"));
    assert!(!read.etag.is_empty() && !read.etag.contains('"'), "{:?}", read.etag);

    let second = app.upload(photo, Bytes::new(), None).await;
    let read = store.original(photo).await.unwrap().unwrap();
    assert_ne!(first, second);
    assert_eq!((read.version_id.as_str(), read.bytes, read.user_id), (second.as_str(), 0, None));
    assert_eq!(read.body, Some(Bytes::new()));

    app.remove(photo).await;
    assert_eq!(store.original(photo).await.unwrap(), None, "a delete marker hides it");
    app.undelete(photo).await;
    assert_eq!(store.original(photo).await.unwrap().unwrap().version_id, second);
}

/// An original over the limit is described and not read.
pub async fn large_originals(store: &impl PhotoStore, app: &impl App, photo: &PhotoKey) {
    let limit = usize::try_from(SOURCE_BYTES_MAX).unwrap();
    app.upload(photo, vec![0; limit].into(), None).await;
    let read = store.original(photo).await.unwrap().unwrap();
    assert_eq!(read.body.map(|body| body.len()), Some(limit), "the limit itself is read");
    app.upload(photo, vec![0; limit + 1].into(), None).await;
    let read = store.original(photo).await.unwrap().unwrap();
    assert_eq!((read.bytes, read.body), (SOURCE_BYTES_MAX + 1, None));
}

/// Messages are deleted, postponed and parked.
pub async fn source_queue(queue: &impl SourceQueue, sides: &impl Queue) {
    sides.send("a").await;
    sides.send("b").await;
    let mut received = Vec::new();
    while let Some(message) = sides.receive().await {
        received.push(message);
    }
    received.sort_by(|a, b| a.1.cmp(&b.1));
    let [(a, _), (b, _)] = received.as_slice() else { panic!("sent a and b, received {received:?}") };

    queue.postpone(a, 2).await.unwrap();
    assert_eq!(sides.receive().await, None, "it is postponed");
    queue.delete(std::slice::from_ref(b)).await.unwrap();
    queue.delete(std::slice::from_ref(b)).await.unwrap();
    sides.wait(3).await;
    let (again, body) = sides.receive().await.unwrap();
    assert_eq!(body, "a", "a came back after its seconds, b is deleted");
    queue.delete(&[again]).await.unwrap();
    queue.delete(&[]).await.unwrap();

    let error = "the key \"uploads/Café\" is not\nuploads/SHOP/PHOTO".to_owned();
    let reason = ParkReason { code: "unexpected_key", error: error.clone() };
    queue.park("{\"Records\":[]}", &reason, None).await.unwrap();
    // As it is, also when it is none that we ever wrote.
    queue.park("{\"Records\":[]}", &reason, Some("often/é")).await.unwrap();
    let mut parked = sides.parked().await;
    parked.sort_by(|a, b| a.replayed.cmp(&b.replayed));
    let expected = |replayed: Option<&str>| Parked {
        body: "{\"Records\":[]}".to_owned(),
        reason: "unexpected_key".to_owned(),
        error: error.clone(),
        replayed: replayed.map(str::to_owned),
    };
    assert_eq!(parked, [None, Some("often/é")].map(expected));
}
