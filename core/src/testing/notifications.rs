//! Subscriptions, deliveries, inboxes and both queues of the notifier in memory: as unkind as the real ones. Webhooks are
//! not here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::calls::{Calls, Fault, suspend_once};
use super::queue::{MemoryQueue, Message, Parked};
use crate::delivery::{Delivery, DeliveryKey};
use crate::event::EventId;
use crate::ids::{ChannelId, UserId};
use crate::inbox::InboxItem;
use crate::ports::{
    Clock, DeliveryQueue, DeliveryResult, Lease, Malformed, NotificationStore, ParkReason, PortError, Put, Receipt,
    SourceQueue, SubscriptionPage,
};
use crate::subscription::{Channel, Secret, Subscriber, Subscription};

/// How many subscriptions are on a page.
const PAGE: usize = 2;

/// How often a notification is received before it goes to the dead-letter queue.
const NOTIFICATION_RECEIVES_MAX: u32 = 5;

/// The ports of the notifier in memory. Each call is suspended once before its effect.
#[derive(Debug)]
pub struct NotificationWorld {
    calls: Calls,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    subscriptions: BTreeMap<(Subscriber, String), Result<Subscription, Malformed>>,
    deliveries: BTreeMap<DeliveryKey, Made>,
    inbox: BTreeMap<(UserId, EventId), InboxItem>,
    queues: [MemoryQueue; 2],
    now: Timestamp,
    call_takes: SignedDuration,
}

#[derive(Debug, Default)]
struct Made {
    /// Whose, and until when.
    lease: Option<(String, Timestamp)>,
    result: Option<DeliveryResult>,
}

impl Made {
    fn delivered(&self) -> bool {
        matches!(self.result, Some(DeliveryResult::Delivered { .. }))
    }
}

/// One of the queues of a [`NotificationWorld`], with its dead-letter queue.
#[derive(Debug, Clone, Copy)]
pub struct WorldQueue<'a> {
    world: &'a NotificationWorld,
    queue: usize,
}

impl NotificationWorld {
    /// A world in which a delivery is received so often before it goes to the dead-letter queue.
    pub fn new(delivery_receives_max: u32) -> Self {
        let queues = [NOTIFICATION_RECEIVES_MAX, delivery_receives_max].map(MemoryQueue::new);
        Self {
            calls: Calls::default(),
            state: Mutex::new(State {
                subscriptions: BTreeMap::new(),
                deliveries: BTreeMap::new(),
                inbox: BTreeMap::new(),
                queues,
                now: Timestamp::default(),
                call_takes: SignedDuration::ZERO,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The queue that events come from.
    pub fn notifications(&self) -> WorldQueue<'_> {
        WorldQueue { world: self, queue: 0 }
    }

    /// The queue of deliveries.
    pub fn deliveries(&self) -> WorldQueue<'_> {
        WorldQueue { world: self, queue: 1 }
    }

    /// Writes a subscription as the app would.
    pub fn subscribe(&self, subscription: Subscription) {
        let key = (subscription.subscriber.clone(), subscription.channel_id.to_string());
        self.state().subscriptions.insert(key, Ok(subscription));
    }

    /// Writes a subscription that makes no sense.
    pub fn subscribe_malformed(&self, subscriber: &Subscriber, channel_id: &str) {
        let malformed = Malformed {
            subscriber: subscriber.clone(),
            channel_id: channel_id.to_owned(),
            error: "injected: malformed".to_owned(),
        };
        self.state().subscriptions.insert((subscriber.clone(), channel_id.to_owned()), Err(malformed));
    }

    /// Takes a subscription away.
    pub fn unsubscribe(&self, subscriber: &Subscriber, channel_id: &ChannelId) {
        self.state().subscriptions.remove(&(subscriber.clone(), channel_id.to_string()));
    }

    /// A stored subscription, without a port call.
    pub fn subscribed(&self, subscriber: &Subscriber, channel_id: &ChannelId) -> Option<Subscription> {
        self.state().subscriptions.get(&(subscriber.clone(), channel_id.to_string()))?.clone().ok()
    }

    /// All items of all inboxes, without a port call.
    pub fn inboxes(&self) -> Vec<InboxItem> {
        self.state().inbox.values().cloned().collect()
    }

    /// What became of a delivery, without a port call.
    pub fn result(&self, delivery: &DeliveryKey) -> Option<DeliveryResult> {
        self.state().deliveries.get(delivery)?.result.clone()
    }

    /// Makes the `call`-th port call from now on (the first is 0) go wrong; the others work.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.calls.fail(call, fault);
    }

    /// Makes one of `one_in` calls go wrong; with 0, none.
    pub fn fail_at_random(&self, seed: u64, one_in: u32) {
        self.calls.fail_at_random(seed, one_in);
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

    /// Lets every port call take so long from now on.
    pub fn take_calls_of(&self, duration: SignedDuration) {
        self.state().call_takes = duration;
    }

    /// Lets time pass until a message of any queue can be received; false if there is none.
    pub fn advance_to_next_message(&self) -> bool {
        let mut state = self.state();
        let next = state.queues.iter().filter_map(MemoryQueue::next_visible_at).min();
        if let Some(next) = next {
            state.now = state.now.max(next);
        }
        next.is_some()
    }

    async fn call<T>(&self, call: &'static str, effect: impl FnOnce(&mut State) -> T) -> Result<T, PortError> {
        let reply = self.calls.enter(call).await?;
        let mut state = self.state();
        let result = effect(&mut state);
        let takes = state.call_takes;
        state.now += takes;
        reply.leave(result)
    }
}

impl WorldQueue<'_> {
    fn with<T>(&self, effect: impl FnOnce(&mut MemoryQueue, Timestamp) -> T) -> T {
        let mut state = self.world.state();
        let now = state.now;
        effect(&mut state.queues[self.queue], now)
    }

    async fn call<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut MemoryQueue, Timestamp) -> T,
    ) -> Result<T, PortError> {
        let queue = self.queue;
        self.world.call(call, |state| effect(&mut state.queues[queue], state.now)).await
    }

    /// Lets time pass in its world.
    pub fn advance(&self, duration: SignedDuration) {
        self.world.advance(duration);
    }

    /// Puts a message into the queue.
    pub fn send(&self, body: impl Into<String>) {
        self.with(|queue, now| queue.send(body.into(), None, now));
    }

    /// Puts a message with the attribute `replayed` into the queue.
    pub fn send_replayed(&self, body: impl Into<String>, replayed: &str) {
        self.with(|queue, now| queue.send(body.into(), Some(replayed.to_owned()), now));
    }

    /// Receives up to `max` visible messages and hides them.
    pub fn receive(&self, max: usize) -> Vec<Message> {
        self.with(|queue, now| queue.receive(max, now))
    }

    /// Takes messages away, as Lambda does with those that a function has handled.
    pub fn remove(&self, receipts: &[Receipt]) {
        self.with(|queue, _| queue.delete(receipts));
    }

    /// How many messages there are, hidden ones included.
    pub fn queued(&self) -> usize {
        self.with(|queue, _| queue.len())
    }

    /// The messages that were received too often.
    pub fn dead(&self) -> Vec<String> {
        self.with(|queue, _| queue.dead.clone())
    }

    /// What was parked in the dead-letter queue.
    pub fn parked(&self) -> Vec<Parked> {
        self.with(|queue, _| queue.parked.clone())
    }
}

impl SourceQueue for WorldQueue<'_> {
    async fn delete(&self, receipts: &[Receipt]) -> Result<(), PortError> {
        self.call("queue.delete", |queue, _| queue.delete(receipts)).await
    }

    async fn postpone(&self, receipt: &Receipt, seconds: u32) -> Result<(), PortError> {
        self.call("queue.postpone", |queue, now| queue.postpone(receipt, seconds, now)).await
    }

    async fn park(&self, body: &str, reason: &ParkReason, replayed: Option<&str>) -> Result<(), PortError> {
        self.call("queue.park", |queue, _| queue.park(body, reason, replayed)).await
    }
}

impl DeliveryQueue for NotificationWorld {
    async fn send(&self, deliveries: &[Delivery]) -> Vec<Result<(), PortError>> {
        let mut sent = Vec::new();
        for delivery in deliveries {
            let body = serde_json::to_string(delivery).unwrap();
            sent.push(self.call("deliveries.send", |state| state.queues[1].send(body, None, state.now)).await);
        }
        sent
    }
}

impl NotificationStore for NotificationWorld {
    async fn subscriptions(&self, subscriber: &Subscriber, after: Option<&str>) -> Result<SubscriptionPage, PortError> {
        self.call("subscriptions.query", |state| {
            let of_subscriber = state.subscriptions.iter().filter(|((of, _), _)| of == subscriber);
            let rest = of_subscriber.filter(|((_, id), _)| after.is_none_or(|after| id.as_str() > after));
            let page: Vec<_> = rest.take(PAGE).collect();
            // As DynamoDB: a full page says that there may be more, also when there is none.
            let next = page.get(PAGE - 1).map(|((_, id), _)| id.clone());
            SubscriptionPage { subscriptions: page.into_iter().map(|(_, item)| item.clone()).collect(), next }
        })
        .await
    }

    async fn subscription(
        &self,
        subscriber: &Subscriber,
        channel_id: &ChannelId,
    ) -> Result<Option<Result<Subscription, Malformed>>, PortError> {
        let key = (subscriber.clone(), channel_id.to_string());
        self.call("subscriptions.get", |state| state.subscriptions.get(&key).cloned()).await
    }

    async fn disable(&self, subscriber: &Subscriber, channel_id: &ChannelId, url: &Secret) -> Result<Put, PortError> {
        let key = (subscriber.clone(), channel_id.to_string());
        self.call("subscriptions.disable", |state| match state.subscriptions.get_mut(&key) {
            Some(Ok(subscription))
                if matches!(&subscription.channel, Channel::Webhook { url: there, .. } if there == url) =>
            {
                subscription.enabled = false;
                Put::Stored
            }
            _ => Put::LostRace,
        })
        .await
    }

    async fn lease(
        &self,
        delivery: &DeliveryKey,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, PortError> {
        self.call("deliveries.lease", |state| {
            let made = state.deliveries.entry(delivery.clone()).or_default();
            if made.delivered() {
                return Lease::Delivered;
            }
            match &made.lease {
                Some((others, there)) if *there > now && others != owner => Lease::Others { until: *there },
                _ => {
                    made.lease = Some((owner.to_owned(), until));
                    Lease::Ours
                }
            }
        })
        .await
    }

    async fn finish(
        &self,
        delivery: &DeliveryKey,
        owner: &str,
        _now: Timestamp,
        result: &DeliveryResult,
    ) -> Result<(), PortError> {
        self.call("deliveries.finish", |state| {
            let made = state.deliveries.entry(delivery.clone()).or_default();
            let ours = made.lease.as_ref().is_some_and(|(there, _)| there == owner) && !made.delivered();
            if ours || matches!(result, DeliveryResult::Delivered { .. }) {
                *made = Made { lease: None, result: Some(result.clone()) };
            }
        })
        .await
    }

    async fn put_inbox(&self, item: &InboxItem) -> Result<Put, PortError> {
        self.call("inbox.put", |state| {
            let key = (item.user_id.clone(), item.event_id.clone());
            if state.inbox.contains_key(&key) {
                return Put::LostRace;
            }
            state.inbox.insert(key, item.clone());
            Put::Stored
        })
        .await
    }
}

impl Clock for NotificationWorld {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        suspend_once().await;
        self.advance(SignedDuration::try_from(duration).unwrap());
    }
}
