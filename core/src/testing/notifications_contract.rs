//! What every implementation of the notifier's ports must do, whatever lies behind it.
//!
//! Each function takes a store that may hold anything but must not hold what belongs to the subscriber it is given.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};

use super::NotificationWorld;
use crate::board::Board;
use crate::delivery::{Delivery, DeliveryKey};
use crate::event::{ContentType, Data, Event, EventId, Photo, PhotoRemoved, Source, SpecVersion};
use crate::ids::UserId;
use crate::inbox::{About, InboxItem};
use crate::keys::PhotoKey;
use crate::outcome::Cause;
use crate::period::Period;
use crate::ports::{DeliveryQueue, DeliveryResult, Lease, NotificationStore, Put};
use crate::subscription::{Channel, Secret, Subscriber, Subscription};

/// What the app does to subscriptions, and reads of inboxes: the other side of [`NotificationStore`].
pub trait App {
    /// Writes a subscription.
    fn subscribe(&self, subscription: &Subscription) -> impl Future<Output = ()>;
    /// Writes one that makes no sense, with a secret in it that nobody must see.
    fn subscribe_malformed(&self, subscriber: &Subscriber, channel_id: &str) -> impl Future<Output = ()>;
    /// What is in a person's inbox.
    fn inbox(&self, user_id: &UserId) -> impl Future<Output = Vec<InboxItem>>;
}

impl App for NotificationWorld {
    async fn subscribe(&self, subscription: &Subscription) {
        NotificationWorld::subscribe(self, subscription.clone());
    }

    async fn subscribe_malformed(&self, subscriber: &Subscriber, channel_id: &str) {
        NotificationWorld::subscribe_malformed(self, subscriber, channel_id);
    }

    async fn inbox(&self, user_id: &UserId) -> Vec<InboxItem> {
        self.inboxes().into_iter().filter(|item| item.user_id == *user_id).collect()
    }
}

/// What must not be read in an error.
pub const SECRET: &str = "whsec_bm9ib2R5IG11c3QgcmVhZCB0aGlzIQ==";

fn webhook(subscriber: &Subscriber, channel_id: &str) -> Subscription {
    Subscription {
        subscriber: subscriber.clone(),
        channel_id: channel_id.parse().unwrap(),
        enabled: true,
        channel: Channel::Webhook { url: Secret::new("https://example.com/hook"), secrets: vec![Secret::new(SECRET)] },
    }
}

/// Subscriptions are read page by page, and one by one.
pub async fn subscriptions(store: &impl NotificationStore, app: &impl App, user_id: &UserId) {
    let subscriber = Subscriber::User(user_id.clone());
    let all = async || {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = store.subscriptions(&subscriber, after.as_deref()).await.unwrap();
            all.extend(page.subscriptions);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    };
    assert_eq!(all().await, []);
    let inbox = Subscription {
        channel: Channel::Inbox { user_id: user_id.clone() },
        enabled: false,
        ..webhook(&subscriber, "a-inbox")
    };
    let hooks = ["b-hook", "c-hook", "d-hook"].map(|id| webhook(&subscriber, id));
    for subscription in [&inbox].into_iter().chain(&hooks) {
        app.subscribe(subscription).await;
    }
    app.subscribe(&webhook(&Subscriber::Board(Board::City("Elsewhere".parse().unwrap())), "z")).await;
    app.subscribe_malformed(&subscriber, "e-nonsense").await;

    let mut found = all().await;
    let malformed = found.pop().unwrap().unwrap_err();
    assert_eq!((&malformed.subscriber, malformed.channel_id.as_str()), (&subscriber, "e-nonsense"));
    assert!(!malformed.error.is_empty() && !malformed.error.contains(SECRET), "{malformed:?}");
    let found: Vec<Subscription> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [inbox.clone(), hooks[0].clone(), hooks[1].clone(), hooks[2].clone()]);

    let one = async |id: &str| store.subscription(&subscriber, &id.parse().unwrap()).await.unwrap();
    assert_eq!(one("a-inbox").await, Some(Ok(inbox)));
    assert_eq!(one("e-nonsense").await, Some(Err(malformed)));
    assert_eq!(one("nowhere").await, None);

    let hook = &hooks[0];
    let disable =
        async |id: &str, url: &str| store.disable(&subscriber, &id.parse().unwrap(), &Secret::new(url)).await.unwrap();
    assert_eq!(disable("b-hook", "https://example.com/another").await, Put::LostRace);
    assert_eq!(one("b-hook").await, Some(Ok(hook.clone())), "it has another URL by now");
    assert_eq!(disable("b-hook", "https://example.com/hook").await, Put::Stored);
    assert_eq!(one("b-hook").await, Some(Ok(Subscription { enabled: false, ..hook.clone() })));
    assert_eq!(disable("nowhere", "https://example.com/hook").await, Put::LostRace);
    assert_eq!(one("nowhere").await, None, "nothing is made");
}

/// A lease is had by one worker, until it ends.
pub async fn leases(store: &impl NotificationStore, user_id: &UserId) {
    let at = |second: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + second);
    let key = |event: &str| DeliveryKey {
        event_id: format!("photo/{user_id}/{event}").parse().unwrap(),
        subscriber: Subscriber::User(user_id.clone()),
        channel_id: "hook".parse().unwrap(),
    };
    let first = key("1");
    let lease = async |owner: &str, now: i64, until: i64| store.lease(&first, owner, at(now), at(until)).await.unwrap();
    assert_eq!(lease("a", 0, 10).await, Lease::Ours);
    assert_eq!(lease("a", 1, 10).await, Lease::Ours, "whose reply was lost, asks again");
    assert_eq!(lease("b", 9, 20).await, Lease::Others { until: at(10) });
    let second = key("2");
    assert_eq!(
        store.lease(&second, "b", at(9), at(20)).await.unwrap(),
        Lease::Ours,
        "another event is another delivery"
    );
    assert_eq!(lease("b", 10, 20).await, Lease::Ours, "it has ended");

    let failed = DeliveryResult::Failed { code: "status_5xx" };
    store.finish(&first, "a", at(11), &failed).await.unwrap();
    assert_eq!(
        lease("a", 12, 30).await,
        Lease::Others { until: at(20) },
        "who comes late gives up nobody else's lease"
    );
    store.finish(&first, "b", at(13), &failed).await.unwrap();
    assert_eq!(lease("c", 13, 30).await, Lease::Ours, "it was given up");

    let delivered = DeliveryResult::Delivered { status: 204 };
    store.finish(&first, "c", at(14), &delivered).await.unwrap();
    assert_eq!(lease("d", 14, 40).await, Lease::Delivered);
    store.finish(&first, "c", at(15), &failed).await.unwrap();
    assert_eq!(lease("d", 1000, 2000).await, Lease::Delivered, "once made, made for ever");

    let late = key("3");
    assert_eq!(store.lease(&late, "a", at(0), at(10)).await.unwrap(), Lease::Ours);
    assert_eq!(store.lease(&late, "b", at(10), at(20)).await.unwrap(), Lease::Ours);
    store.finish(&late, "a", at(11), &delivered).await.unwrap();
    assert_eq!(store.lease(&late, "c", at(11), at(20)).await.unwrap(), Lease::Delivered, "it was made, by whomever");
}

/// An item is put into an inbox once.
pub async fn inbox(store: &impl NotificationStore, app: &impl App, user_id: &UserId) {
    assert_eq!(app.inbox(user_id).await, []);
    let photo = InboxItem {
        user_id: user_id.clone(),
        event_id: "photo/shop/photo/1".parse().unwrap(),
        kind: "coffeeshop.photo.ready.v1".to_owned(),
        text: "Your photo is ready.".to_owned(),
        unread: true,
        created_at: Timestamp::from_millisecond(1_792_000_000_123).unwrap(),
        expires_at: 4_000_000_000,
        about: About::Photo { shop_id: "shop".parse().unwrap(), photo_id: "photo".parse().unwrap() },
    };
    assert_eq!(store.put_inbox(&photo).await.unwrap(), Put::Stored);
    let again = InboxItem { text: "Another text.".to_owned(), unread: false, ..photo.clone() };
    assert_eq!(store.put_inbox(&again).await.unwrap(), Put::LostRace);
    let board = InboxItem {
        event_id: "board/global/all/1".parse().unwrap(),
        about: About::Leaderboard { board: Board::Global, period: Period::All },
        ..photo.clone()
    };
    assert_eq!(store.put_inbox(&board).await.unwrap(), Put::Stored);
    let mut found = app.inbox(user_id).await;
    found.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    assert_eq!(found, [board, photo]);
}

/// An event about a photo of the user, such as a delivery carries.
pub fn removed(user_id: &UserId, revision: u64) -> Event {
    let key = PhotoKey { shop_id: "shop".parse().unwrap(), photo_id: user_id.to_string().parse().unwrap() };
    let subject = format!("photo/shop/{user_id}");
    let revision_of = crate::edition::Revision(revision);
    let photo = Photo { key, revision: revision_of, user_id: Some(user_id.clone()), cause: Cause::Event };
    Event {
        specversion: SpecVersion::V1,
        id: EventId::of(&subject, revision),
        source: Source::Pipeline,
        subject,
        time: Timestamp::from_millisecond(1_792_000_000_123).unwrap(),
        datacontenttype: ContentType::Json,
        data: Data::PhotoRemoved(PhotoRemoved { photo }),
    }
}

/// Deliveries are sent, all of them, as they are. `receive` empties the queue.
pub async fn deliveries<R: Future<Output = Vec<Delivery>>>(
    queue: &impl DeliveryQueue,
    user_id: &UserId,
    receive: impl Fn() -> R,
) {
    let delivery = |number: u64| Delivery {
        subscriber: Subscriber::User(user_id.clone()),
        channel_id: format!("hook-{number}").parse().unwrap(),
        event: removed(user_id, number),
    };
    let sent: Vec<Delivery> = (1..=25).map(delivery).collect();
    assert!(queue.send(&[]).await.is_empty());
    let results = queue.send(&sent).await;
    assert_eq!(results.len(), sent.len());
    assert!(results.iter().all(Result::is_ok));
    let by_id = |delivery: &Delivery| delivery.event.id.clone();
    let (mut received, mut sent) = (receive().await, sent);
    received.sort_by_key(by_id);
    sent.sort_by_key(by_id);
    assert_eq!(received, sent);
}
