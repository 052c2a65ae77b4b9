//! The effects of events and notifications. What is said, and to whom, is not decided here.

use std::future::Future;

use jiff::Timestamp;

use super::{PortError, Put};
use crate::delivery::{Delivery, DeliveryKey};
use crate::event::Event;
use crate::ids::ChannelId;
use crate::inbox::InboxItem;
use crate::subscription::{Secret, Subscriber, Subscription};

/// The topic that the world subscribes to.
pub trait EventTopic {
    /// Publishes each; how it went, in their order. `Ok`: every subscription will get it, at least once. The order in
    /// which they arrive is not promised. All go out at once, in however many calls it takes, so that it takes as long as
    /// one of them: who publishes decides how many that is.
    fn publish(&self, events: &[&Event]) -> impl Future<Output = Vec<Result<(), PortError>>> + Send;
}

/// An item of `subscribers` that makes no sense: a fault of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subscriber} has a subscription {channel_id:?} that makes no sense: {error}")]
pub struct Malformed {
    /// Whose.
    pub subscriber: Subscriber,
    /// What it calls itself.
    pub channel_id: String,
    /// What is wrong.
    pub error: String,
}

/// Some subscriptions of a subscriber, in the order of their channels.
#[derive(Debug)]
pub struct SubscriptionPage {
    /// Enabled or not.
    pub subscriptions: Vec<Result<Subscription, Malformed>>,
    /// To be read on after this channel; `None`: there are no more.
    pub next: Option<String>,
}

/// What a worker finds when it wants to make a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Nobody else makes it until then.
    Ours,
    /// Another worker is at it, or died at it; it has until then.
    Others {
        /// The end of its lease.
        until: Timestamp,
    },
    /// It has been made.
    Delivered,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The endpoint took it: it is never made again.
    Delivered {
        /// What it answered, an HTTP status.
        status: u16,
    },
    /// It did not, for now or for good: anyone may try again.
    Failed {
        /// Why, for programs: a short code.
        code: &'static str,
    },
}

/// Subscriptions, deliveries and inboxes. Every read sees every earlier write.
pub trait NotificationStore {
    /// A page of a subscriber's subscriptions: at most a hundred, because each of them is about to become a message.
    fn subscriptions(
        &self,
        subscriber: &Subscriber,
        after: Option<&str>,
    ) -> impl Future<Output = Result<SubscriptionPage, PortError>> + Send;

    /// One of them, if it is there.
    fn subscription(
        &self,
        subscriber: &Subscriber,
        channel_id: &ChannelId,
    ) -> impl Future<Output = Result<Option<Result<Subscription, Malformed>>, PortError>> + Send;

    /// Uses a webhook no more, if its URL still is `url`; `LostRace`: it is another, or the webhook is gone.
    fn disable(
        &self,
        subscriber: &Subscriber,
        channel_id: &ChannelId,
        url: &Secret,
    ) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// Takes the lease of a delivery until `until`, in one step, unless it has been made, or another owner has a lease that
    /// ends after `now`. An owner is whoever handles one message in one invocation.
    fn lease(
        &self,
        delivery: &DeliveryKey,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Lease, PortError>> + Send;

    /// Notes what became of a delivery, and gives the owner's lease up. One that another owner has by now stays, and a
    /// delivery that was made stays made.
    fn finish(
        &self,
        delivery: &DeliveryKey,
        owner: &str,
        now: Timestamp,
        result: &DeliveryResult,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Puts an item into an inbox; `LostRace`: it is there already, and stays as it is.
    fn put_inbox(&self, item: &InboxItem) -> impl Future<Output = Result<Put, PortError>> + Send;
}

/// The queue of deliveries to be made.
pub trait DeliveryQueue {
    /// Sends each; how it went, in their order. `Ok`: it is there.
    fn send(&self, deliveries: &[Delivery]) -> impl Future<Output = Vec<Result<(), PortError>>> + Send;
}
