//! Buckets, table and queue in memory: as unkind as the real ones where a test asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::calls::{Calls, Fault, suspend_once};
use super::queue::{MemoryQueue, Message, Parked};
use crate::SOURCE_BYTES_MAX;
use crate::edition::Revision;
use crate::keys::{PhotoKey, RenditionKey};
use crate::outcome::{Answer, Outcome};
use crate::photo::PhotoChanged;
use crate::ports::{Clock, Original, ParkReason, PhotoStore, PortError, Put, Receipt, SourceQueue};

/// All ports in memory.
///
/// Every port call is suspended once before its effect, so that a test which polls a handler by hand, by
/// [`poll_one`](Self::poll_one), can do anything between any two of its calls, or drop it there as a crash would.
#[derive(Debug, Default)]
pub struct World {
    calls: Calls,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) originals: BTreeMap<PhotoKey, Vec<Version>>,
    pub(super) outcomes: BTreeMap<PhotoKey, Outcome>,
    /// Photos whose item nobody can understand.
    pub(super) spoilt: BTreeSet<PhotoKey>,
    renditions: BTreeMap<RenditionKey, Bytes>,
    queue: MemoryQueue,
    events: Vec<PhotoChanged>,
    changes: u64,
    now: Timestamp,
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) written_at: Timestamp,
    /// `None`: a delete marker.
    pub(super) object: Option<(Bytes, Option<String>)>,
}

/// How often a message is received before it goes to the dead-letter queue.
const RECEIVES_MAX: u32 = 5;

impl Default for State {
    fn default() -> Self {
        Self {
            originals: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            spoilt: BTreeSet::new(),
            renditions: BTreeMap::new(),
            queue: MemoryQueue::new(RECEIVES_MAX),
            events: Vec::new(),
            changes: 0,
            now: Timestamp::default(),
        }
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Stores an object as the app would, as the newest version.
    pub fn upload(&self, photo: &PhotoKey, body: impl Into<Bytes>, user_id: Option<&str>) -> String {
        self.state().change(photo, Some((body.into(), user_id.map(str::to_owned))))
    }

    /// Hides the object behind a delete marker.
    pub fn remove(&self, photo: &PhotoKey) {
        self.state().change(photo, None);
    }

    /// Removes the newest version for good: a delete marker (which brings the object back) or the object's last state.
    pub fn remove_newest_version(&self, photo: &PhotoKey) {
        let mut state = self.state();
        if state.originals.get_mut(photo).and_then(Vec::pop).is_some() {
            state.announce(photo);
        }
    }

    /// Removes the oldest version for good, whether it is the current one or not.
    pub fn remove_oldest_version(&self, photo: &PhotoKey) {
        let mut state = self.state();
        if let Some(versions) = state.originals.get_mut(photo).filter(|versions| !versions.is_empty()) {
            versions.remove(0);
            state.announce(photo);
        }
    }

    /// The events that S3 has sent since this was last called.
    pub fn take_events(&self) -> Vec<PhotoChanged> {
        std::mem::take(&mut self.state().events)
    }

    /// The stored outcome, without a port call.
    pub fn stored(&self, photo: &PhotoKey) -> Option<Outcome> {
        self.state().outcomes.get(photo).cloned()
    }

    /// Makes an item of the photo's outcome that nobody can understand, as a later version may write one.
    pub fn spoil(&self, photo: &PhotoKey) {
        self.state().spoilt.insert(photo.clone());
    }

    /// A rendition's bytes, without a port call.
    pub fn rendition(&self, key: &RenditionKey) -> Option<Bytes> {
        self.state().renditions.get(key).cloned()
    }

    /// Whatever lies in the bucket of renditions, as if some other writer had put it there.
    pub fn put_stray(&self, key: RenditionKey) {
        self.state().renditions.insert(key, Bytes::new());
    }

    /// Makes the `call`-th port call from now on (the first is 0) go wrong; the others work.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.calls.fail(call, fault);
    }

    /// Polls `work` once, in which no more than one port call has its effect, also when several are under way in it.
    pub fn poll_one<F: Future + ?Sized>(&self, work: Pin<&mut F>) -> Poll<F::Output> {
        self.calls.poll_one(work)
    }

    /// How many port calls there have been.
    pub fn calls(&self) -> usize {
        self.calls.count()
    }

    /// The names of the calls since this was last asked for, in order.
    pub fn take_log(&self) -> Vec<&'static str> {
        self.calls.take_log()
    }

    /// Lets time pass.
    pub fn advance(&self, duration: SignedDuration) {
        self.state().now += duration;
    }

    /// Puts a message into the queue.
    pub fn send(&self, body: impl Into<String>) {
        let mut state = self.state();
        let now = state.now;
        state.queue.send(body.into(), None, now);
    }

    /// Puts a message with the attribute `replayed` into the queue.
    pub fn send_replayed(&self, body: impl Into<String>, replayed: &str) {
        let mut state = self.state();
        let now = state.now;
        state.queue.send(body.into(), Some(replayed.to_owned()), now);
    }

    /// Receives up to `max` visible messages and hides them for the visibility timeout. One that has been received
    /// five times goes to the dead-letter queue instead.
    pub fn receive(&self, max: usize) -> Vec<Message> {
        let mut state = self.state();
        let now = state.now;
        state.queue.receive(max, now)
    }

    /// How many messages are in the queue, hidden ones included.
    pub fn queued(&self) -> usize {
        self.state().queue.len()
    }

    /// The messages that were received too often.
    pub fn dead(&self) -> Vec<String> {
        self.state().queue.dead.clone()
    }

    /// What was parked in the dead-letter queue.
    pub fn parked(&self) -> Vec<Parked> {
        self.state().queue.parked.clone()
    }

    /// Panics unless the pipeline has come to rest: every photo's outcome answers the object that is there now (so
    /// an overwritten or removed one is never shown), and the bucket holds exactly the keys that outcomes name.
    #[track_caller]
    pub fn assert_settled(&self) {
        let state = self.state();
        for (photo, versions) in &state.originals {
            let outcome = state.outcomes.get(photo).unwrap_or_else(|| panic!("{photo} has no outcome"));
            let current = versions.last().and_then(|version| version.object.as_ref().map(|_| version.id.as_str()));
            let answered = outcome.source.as_ref().map(|source| source.version_id.as_str());
            assert_eq!(answered, current, "{photo} is answered for another version than the current one");
            assert_eq!(answered.is_none(), outcome.answer == Answer::Removed, "{photo}: {outcome:?}");
        }
        let mut named: Vec<&RenditionKey> = Vec::new();
        for outcome in state.outcomes.values() {
            if let Answer::Ready { renditions, .. } = &outcome.answer {
                named.extend(renditions.iter().map(|rendition| &rendition.key));
            }
        }
        named.sort();
        let stored: Vec<&RenditionKey> = state.renditions.keys().collect();
        assert_eq!(stored, named, "the bucket (left) holds other keys than the outcomes name (right)");
    }

    /// Panics if an outcome names a rendition that is not there.
    #[track_caller]
    pub fn assert_named_exist(&self) {
        let state = self.state();
        for outcome in state.outcomes.values() {
            if let Answer::Ready { renditions, .. } = &outcome.answer {
                for rendition in renditions {
                    assert!(state.renditions.contains_key(&rendition.key), "{} is named but not there", rendition.key);
                }
            }
        }
    }

    pub(super) async fn call<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut State) -> T,
    ) -> Result<T, PortError> {
        let reply = self.calls.enter(call).await?;
        let result = effect(&mut self.state());
        reply.leave(result)
    }
}

impl State {
    fn change(&mut self, photo: &PhotoKey, object: Option<(Bytes, Option<String>)>) -> String {
        let id = format!("v{}", self.changes + 1);
        let version = Version { id: id.clone(), written_at: self.now, object };
        self.originals.entry(photo.clone()).or_default().push(version);
        self.announce(photo);
        id
    }

    fn announce(&mut self, photo: &PhotoKey) {
        self.changes += 1;
        let sequencer = format!("{:016X}", self.changes).parse().unwrap();
        self.events.push(PhotoChanged { photo: photo.clone(), sequencer });
    }
}

impl PhotoStore for World {
    async fn outcome(&self, photo: &PhotoKey) -> Result<Option<Outcome>, PortError> {
        self.call("photos.get", |state| state.item(photo).transpose()).await?
    }

    async fn put_outcome(&self, outcome: &Outcome) -> Result<Put, PortError> {
        self.call("photos.put", |state| {
            let stored = state.outcomes.get(&outcome.photo).map_or(Revision(0), |stored| stored.revision);
            if stored.next() != outcome.revision {
                return Put::LostRace;
            }
            state.outcomes.insert(outcome.photo.clone(), outcome.clone());
            Put::Stored
        })
        .await
    }

    async fn renditions(&self, photo: &PhotoKey) -> Result<Vec<RenditionKey>, PortError> {
        self.call("renditions.list", |state| {
            state.renditions.keys().filter(|key| key.photo == *photo).cloned().collect()
        })
        .await
    }

    async fn put_rendition(&self, key: &RenditionKey, jpeg: Bytes) -> Result<(), PortError> {
        self.call("renditions.put", |state| {
            state.renditions.insert(key.clone(), jpeg);
        })
        .await
    }

    async fn delete_renditions(&self, keys: &[RenditionKey]) -> Result<(), PortError> {
        self.call("renditions.delete", |state| state.renditions.retain(|key, _| !keys.contains(key))).await
    }

    async fn original(&self, photo: &PhotoKey) -> Result<Option<Original>, PortError> {
        self.call("originals.get", |state| {
            let version = state.originals.get(photo)?.last()?;
            let (body, user_id) = version.object.clone()?;
            let bytes = body.len() as u64;
            Some(Original {
                version_id: version.id.clone(),
                etag: format!("etag-of-{bytes}-bytes"),
                bytes,
                user_id,
                body: (bytes <= SOURCE_BYTES_MAX).then_some(body),
            })
        })
        .await
    }
}

impl SourceQueue for World {
    async fn delete(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        self.call("queue.delete", |state| state.queue.delete(receipts)).await
    }

    async fn postpone(&self, receipt: &Receipt, seconds: u32) -> Result<(), PortError> {
        self.call("queue.postpone", |state| state.queue.postpone(receipt, seconds, state.now)).await
    }

    async fn park(&self, body: &str, reason: &ParkReason, replayed: Option<&str>) -> Result<(), PortError> {
        self.call("queue.park", |state| state.queue.park(body, reason, replayed)).await
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        suspend_once().await;
        self.advance(SignedDuration::try_from(duration).unwrap());
    }
}
