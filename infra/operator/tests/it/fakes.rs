//! What the commands on failures work on, in memory: buckets, functions and streams.
//!
//! Queues and scores are `coffeeshop-core`'s.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use coffeeshop_core::ports::{
    Answer, Clock, Functions, NotReadBack, Object, ObjectPage, Objects, PortError, Put, StreamRange, Streams,
};
use coffeeshop_core::testing::{QueueWorld, ScoreWorld, World, suspend_once};
use coffeeshop_operator::wiring::Wiring;
use jiff::Timestamp;

/// A bucket and a key.
type Place = (String, String);

/// How many objects a list has.
const PAGE_OBJECTS: usize = 3;

/// Buckets in memory.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    objects: Mutex<BTreeMap<Place, (Vec<u8>, Timestamp)>>,
    clock: Arc<QueueWorld>,
    /// How many calls still work; then each fails.
    pub(crate) works_for: Mutex<Option<usize>>,
}

impl Buckets {
    /// Nothing yet.
    pub(crate) fn new(clock: Arc<QueueWorld>) -> Self {
        Self { clock, ..Self::default() }
    }

    pub(crate) fn put(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) {
        let object = (bytes.into(), self.clock.now());
        self.objects.lock().unwrap().insert((bucket.to_owned(), key.to_owned()), object);
    }

    /// All of an object.
    pub(crate) fn read(&self, bucket: &str, key: &str) -> Option<String> {
        let objects = self.objects.lock().unwrap();
        let (bytes, _) = objects.get(&(bucket.to_owned(), key.to_owned()))?;
        Some(String::from_utf8(bytes.clone()).unwrap())
    }

    pub(crate) fn remove(&self, bucket: &str, key: &str) {
        self.objects.lock().unwrap().remove(&(bucket.to_owned(), key.to_owned()));
    }

    pub(crate) fn keys(&self, bucket: &str) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        objects.keys().filter(|(of, _)| of == bucket).map(|(_, key)| key.clone()).collect()
    }

    async fn call(&self, call: &'static str, bucket: &str) -> Result<(), PortError> {
        suspend_once().await;
        if bucket == "gone" {
            return Err(PortError::new(call, "NoSuchBucket"));
        }
        if let Some(left) = &mut *self.works_for.lock().unwrap() {
            *left = left.checked_sub(1).ok_or_else(|| PortError::new(call, "AccessDenied"))?;
        }
        Ok(())
    }
}

impl Objects for Buckets {
    async fn put_new(&self, bucket: &str, key: &str, file: &Path) -> Result<Put, PortError> {
        self.call("objects.put_new", bucket).await?;
        if self.read(bucket, key).is_some() {
            return Ok(Put::LostRace);
        }
        self.put(bucket, key, fs::read(file).unwrap());
        suspend_once().await;
        Ok(Put::Stored)
    }

    async fn replace(&self, bucket: &str, key: &str, file: &Path) -> Result<(), PortError> {
        self.call("objects.replace", bucket).await?;
        self.put(bucket, key, fs::read(file).unwrap());
        Ok(())
    }

    async fn list(&self, bucket: &str, prefix: &str, after: Option<&str>) -> Result<ObjectPage, PortError> {
        self.call("objects.list", bucket).await?;
        let objects = self.objects.lock().unwrap();
        let is_meant = |(of, key): &&Place| {
            of == bucket && key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        };
        let object = |(place, (bytes, written_at)): (&Place, &(Vec<u8>, Timestamp))| Object {
            key: place.1.clone(),
            bytes: bytes.len() as u64,
            written_at: *written_at,
        };
        let mut meant: Vec<Object> = objects.iter().filter(|(place, _)| is_meant(place)).map(object).collect();
        let more = meant.len() > PAGE_OBJECTS;
        meant.truncate(PAGE_OBJECTS);
        let next = meant.last().filter(|_| more).map(|object| object.key.clone());
        Ok(ObjectPage { objects: meant, next })
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, PortError> {
        self.call("objects.get", bucket).await?;
        let objects = self.objects.lock().unwrap();
        Ok(objects.get(&(bucket.to_owned(), key.to_owned())).map(|(bytes, _)| bytes.clone().into()))
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), PortError> {
        self.call("objects.delete", bucket).await?;
        self.remove(bucket, key);
        suspend_once().await;
        Ok(())
    }
}

/// What a function does with an event.
pub(crate) type Handler =
    Box<dyn Fn(Bytes) -> Pin<Box<dyn Future<Output = Result<Answer, PortError>> + Send>> + Send + Sync>;

/// Functions in memory.
#[derive(Default)]
pub(crate) struct Lambda {
    pub(crate) handler: Option<Handler>,
    /// What was invoked, with what.
    pub(crate) invocations: Mutex<Vec<(String, Bytes)>>,
}

impl Functions for Lambda {
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Answer, PortError> {
        self.invocations.lock().unwrap().push((function.to_owned(), payload.clone()));
        suspend_once().await;
        let answer = match &self.handler {
            Some(handler) => handler(payload).await,
            None => Err(PortError::new("functions.invoke", "ResourceNotFoundException")),
        };
        suspend_once().await;
        answer
    }
}

/// Streams in memory: what there is of one shard, by sequence number; nothing: it was trimmed.
#[derive(Debug, Default)]
pub(crate) struct Shard(pub(crate) Mutex<BTreeMap<String, String>>);

impl Streams for Shard {
    async fn read(&self, range: &StreamRange) -> Result<Vec<String>, NotReadBack> {
        suspend_once().await;
        let records = self.0.lock().unwrap();
        if !records.contains_key(&range.first) {
            return Err(NotReadBack::Trimmed);
        }
        Ok(records.range(range.first.clone()..=range.last.clone()).map(|(_, record)| record.clone()).collect())
    }
}

/// Everything in memory.
pub(crate) enum InMemory {}

impl Wiring for InMemory {
    type Queues = QueueWorld;
    type Objects = Buckets;
    type Functions = Lambda;
    type Streams = Shard;
    type Records = ScoreWorld;
    type Photos = World;
    type Clock = QueueWorld;
}
