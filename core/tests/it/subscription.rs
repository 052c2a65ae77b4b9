//! Subscriptions as the app writes them, and what of them is never shown.

use coffeeshop_core::subscription::{Channel, Secret, Subscriber, Subscription};
use coffeeshop_core::testing::NotificationWorld;
use coffeeshop_core::{delivery::DeliveryKey, ports::NotificationStore as _};
use futures::executor::block_on;
use serde_json::{Value, json};

#[track_caller]
fn check(item: &Value, expected: Result<Channel, &str>) {
    let parsed: Result<Subscription, _> = serde_json::from_value(item.clone());
    match (parsed, expected) {
        (Ok(subscription), Ok(channel)) => assert_eq!(subscription.channel, channel, "{item}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{item}: {error}"),
        (parsed, expected) => panic!("{item}: {parsed:?}, not {expected:?}"),
    }
}

#[test]
fn an_inbox_is_the_subscribers_own_or_says_whose() {
    let inbox = |user_id: &str| Channel::Inbox { user_id: user_id.parse().unwrap() };
    let item = |subscriber: &str, user_id: Value| {
        let mut item = json!({ "subscriber": subscriber, "channel_id": "app", "enabled": true, "kind": "inbox" });
        if !user_id.is_null() {
            item["user_id"] = user_id;
        }
        item
    };
    check(&item("user#ada", Value::Null), Ok(inbox("ada")));
    check(&item("user#ada", json!("bob")), Ok(inbox("ada")));
    check(&item("board#global", json!("bob")), Ok(inbox("bob")));
    check(&item("board#St. Gallen", json!("bob")), Ok(inbox("bob")));
    check(&item("board#global", Value::Null), Err("whose inbox?"));
    check(&item("user#not an id", Value::Null), Err("no user"));
    check(&item("board#", Value::Null), Err("no board"));
    check(&item("shop#7", Value::Null), Err("neither with user# nor with board#"));
}

#[test]
fn a_subscriber_reads_as_it_is_written() {
    for text in ["user#ada", "board#global", "board#Zürich/#1"] {
        assert_eq!(text.parse::<Subscriber>().unwrap().to_string(), text);
    }
}

#[test]
fn neither_a_secret_nor_a_url_is_shown() {
    let hidden = "whsec_bm9ib2R5IG11c3QgcmVhZCB0aGlzIQ==";
    let channel = Channel::Webhook {
        url: Secret::new(format!("https://x.example/{hidden}")),
        secrets: vec![Secret::new(hidden)],
    };
    let shown = format!("{channel:?} {:?}", Secret::new(hidden));
    assert!(!shown.contains("whsec") && !shown.contains("x.example"), "{shown}");
}

/// What one subscriber was told says nothing of another with a channel of the same name.
#[test]
fn deliveries_of_two_subscribers_are_two() {
    let key = |subscriber: &str| DeliveryKey {
        event_id: "photo/shop/photo/1".parse().unwrap(),
        subscriber: subscriber.parse().unwrap(),
        channel_id: "hook".parse().unwrap(),
    };
    let (ada, bob) = (key("user#ada"), key("user#bob"));
    assert_eq!((ada.channel().as_str(), bob.channel().as_str()), ("user#ada#hook", "user#bob#hook"));
    let world = NotificationWorld::new(1);
    let until = "2026-11-21T10:00:00Z".parse().unwrap();
    for key in [ada, bob] {
        let lease = block_on(world.lease(&key, "one", jiff::Timestamp::UNIX_EPOCH, until)).unwrap();
        assert_eq!(lease, coffeeshop_core::ports::Lease::Ours);
    }
}
