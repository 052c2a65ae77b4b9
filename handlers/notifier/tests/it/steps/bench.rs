//! The notifier on queues in memory, driven as Lambda drives it, and what must be so in the end.

use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage, SqsMessageAttribute};
use coffeeshop_core::announce::{Item, announce};
use coffeeshop_core::board::{BoardEntry, BoardKey, BoardSnapshot};
use coffeeshop_core::delivery::DeliveryKey;
use coffeeshop_core::edition::Revision;
use coffeeshop_core::event::Event;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock as _, DeliveryResult};
use coffeeshop_core::replayed::REPLAYED;
use coffeeshop_core::subscription::{Channel, Secret, Subscriber, Subscription};
use coffeeshop_core::testing::{Message, NotificationWorld, WorldQueue, contract, suspend_once};
use coffeeshop_notifier::batch::{BATCH_MESSAGES_MAX, Deps, handle};
use coffeeshop_notifier::webhook::signature::signature;
use coffeeshop_notifier::webhook::target::Allow;
use futures::FutureExt as _;
use jiff::SignedDuration;
use lambda_runtime::{Context, Error};

use super::endpoints::{Endpoints, url};

/// As in the template.
pub(crate) const TIMEOUT_SECONDS: i64 = 60;
pub(crate) const DELIVERY_ATTEMPTS: u32 = 24;

pub(crate) const SECRETS: [&str; 2] =
    ["whsec_b25lIHNlY3JldCBmb3IgdGVzdHMgb25seQ==", "whsec_YW5vdGhlciBzZWNyZXQgZm9yIHRlc3Rz"];

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Notifications,
    Deliveries,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) world: Arc<NotificationWorld>,
    pub(crate) endpoints: Endpoints,
}

/// Polls until it is ready, or nothing has come of so many polls.
pub(crate) fn poll_times<T>(future: &mut Pin<&mut impl Future<Output = T>>, times: usize) -> Option<T> {
    let mut context = TaskContext::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

pub(crate) fn user(name: &str) -> Subscriber {
    Subscriber::User(name.parse().unwrap())
}

pub(crate) fn board(name: &str) -> Subscriber {
    Subscriber::Board(name.parse().unwrap())
}

pub(crate) fn inbox(subscriber: &Subscriber, channel_id: &str, user_id: &str) -> Subscription {
    let channel = Channel::Inbox { user_id: user_id.parse().unwrap() };
    Subscription { subscriber: subscriber.clone(), channel_id: channel_id.parse().unwrap(), enabled: true, channel }
}

pub(crate) fn webhook(subscriber: &Subscriber, channel_id: &str, host: &str) -> Subscription {
    let secrets = SECRETS.map(Secret::new).into();
    let channel = Channel::Webhook { url: Secret::new(url(host)), secrets };
    Subscription { channel, ..inbox(subscriber, channel_id, "nobody") }
}

/// A photo of this person is ready.
pub(crate) fn ready(user_id: &str, photo_id: &str, revision: u64) -> Event {
    let photo = PhotoKey { shop_id: "shop".parse().unwrap(), photo_id: photo_id.parse().unwrap() };
    let outcome = contract::ready(&photo, revision);
    let outcome = Outcome { user_id: Some(user_id.parse().unwrap()), revision: Revision(revision), ..outcome };
    announce(None, Some(&Item::Photo(outcome))).unwrap()
}

/// This leaderboard has changed.
pub(crate) fn changed(board: &str, version: u64) -> Event {
    let entry = BoardEntry { shop_id: "shop".parse().unwrap(), score_micros: 4_000_000, count: version };
    let snapshot = BoardSnapshot {
        key: BoardKey { board: board.parse().unwrap(), period: Period::All },
        version,
        entries: vec![entry],
        updated_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        exported: None,
    };
    announce(None, Some(&Item::Board(snapshot))).unwrap()
}

impl Bench {
    pub(crate) fn new() -> Self {
        let world = Arc::new(NotificationWorld::new(DELIVERY_ATTEMPTS));
        world.advance(SignedDuration::from_secs(1_795_255_200));
        Self { world, endpoints: Endpoints::default() }
    }

    pub(crate) fn queue(&self, step: Step) -> WorldQueue<'_> {
        match step {
            Step::Notifications => self.world.notifications(),
            Step::Deliveries => self.world.deliveries(),
        }
    }

    /// An event arrives.
    pub(crate) fn publish(&self, event: &Event) {
        self.world.notifications().send(serde_json::to_string(event).unwrap());
    }

    /// One invocation, to its end; what it has handled is taken off the queue.
    pub(crate) async fn invoke(&self, step: Step, messages: Vec<Message>, request: u64) {
        self.invoke_with(step, messages, request, TIMEOUT_SECONDS).await;
    }

    /// One that has so many seconds left.
    pub(crate) async fn invoke_within(&self, step: Step, messages: Vec<Message>, seconds: i64) {
        self.invoke_with(step, messages, 0, seconds).await;
    }

    async fn invoke_with(&self, step: Step, messages: Vec<Message>, request: u64, seconds: i64) {
        let source = if step == Step::Notifications { "notifications" } else { "deliveries" };
        let response = self.handle_of(source, &messages, request, seconds).await.unwrap();
        let again: BTreeSet<String> =
            response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        assert!(!again.contains(""), "an empty id means the whole batch");
        let receipts = messages.into_iter().map(|message| message.receipt);
        let handled: Vec<_> = receipts.filter(|receipt| !again.contains(&receipt.0)).collect();
        self.queue(step).remove(&handled);
    }

    /// What the function answers to messages of this queue.
    pub(crate) async fn handle_of(
        &self,
        source: &str,
        messages: &[Message],
        request: u64,
        seconds: i64,
    ) -> Result<SqsBatchResponse, Error> {
        let notifications = self.world.notifications();
        let deliveries = self.world.deliveries();
        let deps = Deps {
            store: &*self.world,
            notifications: &notifications,
            notifications_arn: "notifications".to_owned(),
            deliveries: &deliveries,
            deliveries_arn: "deliveries".to_owned(),
            outbox: &*self.world,
            webhooks: &self.endpoints,
            allow: Allow::default(),
            delivery_attempts: DELIVERY_ATTEMPTS,
            clock: &*self.world,
        };
        let mut context = Context::default();
        context.deadline = u64::try_from(self.world.now().as_millisecond() + seconds * 1000).unwrap();
        context.request_id = request.to_string();
        handle(&deps, sqs_event(source, messages), &context).await
    }

    /// One invocation with what the queue has, up to a hundred messages.
    pub(crate) fn invoke_now(&self, step: Step) {
        let messages = self.queue(step).receive(100);
        self.invoke(step, messages, 0).now_or_never_polled();
    }

    /// Works until nothing is left in either queue, as long as that takes.
    pub(crate) fn settle(&self) {
        for request in 0..10_000 {
            if !self.world.advance_to_next_message() {
                return;
            }
            for step in [Step::Notifications, Step::Deliveries] {
                let messages = self.queue(step).receive(10);
                if !messages.is_empty() {
                    self.invoke(step, messages, request).now_or_never_polled();
                }
            }
        }
        panic!("it never comes to rest");
    }

    /// Panics unless this webhook was told of this event: with one id, one body, and signatures that are right; and was not
    /// called again once it had taken it, but for what `again` allows.
    #[track_caller]
    pub(crate) fn assert_told(&self, host: &str, event: &Event, again: usize) {
        let calls = self.endpoints.calls(host);
        let calls: Vec<_> = calls.iter().filter(|call| call.message.id == event.id.as_str()).collect();
        let keys = SECRETS.map(|secret| secret.parse().unwrap());
        for call in &calls {
            let message = &call.message;
            assert_eq!(serde_json::from_str::<Event>(&message.body).unwrap(), *event);
            assert!(
                message.timestamp > 1_795_255_000 && message.timestamp <= self.world.now().as_second(),
                "in seconds"
            );
            assert_eq!(message.signature, signature(&keys, &message.id, message.timestamp, &message.body));
        }
        let taken = calls.iter().filter(|call| call.status == Some(200)).count();
        assert!((1..=1 + again).contains(&taken), "{host} took {} {taken} times", event.id);
    }

    /// What became of a delivery.
    pub(crate) fn result(&self, subscription: &Subscription, event: &Event) -> Option<DeliveryResult> {
        self.world.result(&DeliveryKey {
            event_id: event.id.clone(),
            subscriber: subscription.subscriber.clone(),
            channel_id: subscription.channel_id.clone(),
        })
    }
}

fn sqs_event(source: &str, messages: &[Message]) -> SqsEvent {
    let message = |message: &Message| {
        let mut sqs = SqsMessage::default();
        sqs.message_id = Some(message.receipt.0.clone());
        sqs.receipt_handle = Some(message.receipt.0.clone());
        sqs.body = Some(message.body.clone());
        sqs.event_source_arn = Some(source.to_owned());
        sqs.attributes.insert("ApproximateReceiveCount".to_owned(), message.receive_count.to_string());
        if message.replayed.is_some() {
            let mut attribute = SqsMessageAttribute::default();
            attribute.string_value.clone_from(&message.replayed);
            sqs.message_attributes.insert(REPLAYED.to_owned(), attribute);
        }
        sqs
    };
    let mut event = SqsEvent::default();
    event.records = messages.iter().map(message).collect();
    event
}

#[test]
fn the_template_and_the_code_agree() {
    let template = include_str!("../../../../../infra/template.yaml");
    for (part, line, times) in [
        ("NotifierFunction", format!("BatchSize: {BATCH_MESSAGES_MAX}"), 2),
        ("DeliveryAttempts", format!("Default: {DELIVERY_ATTEMPTS}"), 1),
        ("NotifierTimeout", format!("Default: {TIMEOUT_SECONDS}"), 1),
    ] {
        let (_, after) = template.split_once(&format!("\n  {part}:\n")).unwrap();
        let lines = after.lines().take_while(|line| line.is_empty() || line.starts_with("   "));
        assert_eq!(lines.filter(|there| there.trim() == line).count(), times, "{part}: {line}");
    }
}

/// What never waits for anything outside is polled to its end.
pub(crate) trait NowOrNever: Future + Sized {
    fn now_or_never_polled(self) -> Self::Output {
        let mut future = pin!(self);
        poll_times(&mut future, 1_000_000).expect("it waits for something that never comes")
    }

    /// Dropped after so many polls, as by a crash; `None` then.
    fn crashing_after(self, polls: usize) -> Option<Self::Output> {
        let mut future = pin!(self);
        poll_times(&mut future, polls)
    }
}

impl<F: Future> NowOrNever for F {}

#[test]
fn a_turn_is_one_poll() {
    assert!(suspend_once().now_or_never().is_none());
    assert!(suspend_once().crashing_after(1).is_none());
    assert!(suspend_once().crashing_after(2).is_some());
}
