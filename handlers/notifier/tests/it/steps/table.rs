//! What each kind of event, subscription and answer comes to, when nothing goes wrong on our side.

use coffeeshop_core::event::{Data, PhotoRejected};
use coffeeshop_core::outcome::Reason;
use coffeeshop_core::ports::{Clock as _, DeliveryResult};
use coffeeshop_core::subscription::{Channel, Secret, Subscription};
use coffeeshop_core::testing::{Parked, WorldQueue, notifications_contract};

use super::bench::{
    Bench, DELIVERY_ATTEMPTS, NowOrNever as _, Step, TIMEOUT_SECONDS, board, changed, inbox, ready, user, webhook,
};
use super::endpoints::Behaviour;

#[test]
fn a_photo_is_told_to_its_uploader_in_each_way_and_to_nobody_else() {
    let bench = Bench::new();
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    for host in ["one.example", "two.example", "other.example"] {
        bench.endpoints.set(host, Behaviour::Status(200));
    }
    bench.world.subscribe(inbox(&ada, "app", "ada"));
    bench.world.subscribe(webhook(&ada, "one", "one.example"));
    bench.world.subscribe(webhook(&ada, "two", "two.example"));
    bench.world.subscribe(webhook(&user("bob"), "one", "other.example"));
    bench.world.subscribe(Subscription { enabled: false, ..webhook(&ada, "off", "other.example") });
    bench.publish(&event);
    bench.invoke_now(Step::Notifications);
    assert_eq!(bench.queue(Step::Deliveries).queued(), 3, "what is disabled is not asked for");
    bench.settle();

    bench.assert_told("one.example", &event, 0);
    bench.assert_told("two.example", &event, 0);
    assert!(bench.endpoints.calls("other.example").is_empty());
    let items = bench.world.inboxes();
    let [item] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((item.text.as_str(), item.unread, item.created_at), ("Your photo is ready.", true, event.time));
    assert_eq!(item.event_id, event.id);
    assert_eq!(item.expires_at, bench.world.now().as_second() + 90 * 24 * 3600);
}

#[test]
fn a_leaderboard_is_told_to_those_who_follow_it() {
    let bench = Bench::new();
    bench.endpoints.set("board.example", Behaviour::Status(204));
    let global = board("global");
    bench.world.subscribe(inbox(&global, "ada", "ada"));
    bench.world.subscribe(inbox(&global, "bob", "bob"));
    bench.world.subscribe(webhook(&global, "hook", "board.example"));
    bench.world.subscribe(inbox(&board("Eastmere"), "cyd", "cyd"));
    bench.publish(&changed("global", 7));
    bench.settle();
    let elsewhere = Bench::new();
    elsewhere.world.subscribe(inbox(&board("Eastmere"), "cyd", "cyd"));
    elsewhere.world.subscribe(inbox(&global, "ada", "ada"));
    elsewhere.publish(&changed("Eastmere", 1));
    elsewhere.settle();
    let users: Vec<_> = elsewhere.world.inboxes().into_iter().map(|item| item.user_id.to_string()).collect();
    assert_eq!(users, ["cyd"]);
    let users: Vec<_> = bench.world.inboxes().into_iter().map(|item| item.user_id.to_string()).collect();
    assert_eq!(users, ["ada", "bob"]);
    assert_eq!(bench.endpoints.calls("board.example").len(), 1);
    assert_eq!(
        bench.world.inboxes()[0].text,
        "The leaderboard of all shops, all time, has changed: 1 shop entered it."
    );
}

#[test]
fn what_nobody_is_told_of_is_ignored() {
    let bench = Bench::new();
    let ada = "ada".parse().unwrap();
    bench.world.subscribe(inbox(&user("ada"), "app", "ada"));
    bench.endpoints.set("hook.example", Behaviour::Status(200));
    bench.world.subscribe(webhook(&user("ada"), "hook", "hook.example"));
    bench.publish(&notifications_contract::removed(&ada, 1));
    let mut unknown_uploader = ready("ada", "photo", 1);
    if let Data::PhotoReady(ready) = &mut unknown_uploader.data {
        ready.photo.user_id = None;
    }
    bench.publish(&unknown_uploader);
    bench.publish(&ready("nobody-subscribed", "photo", 1));
    bench.settle();
    assert_eq!((bench.world.inboxes().len(), bench.world.notifications().parked().len()), (0, 0));
    assert!(bench.endpoints.calls("hook.example").is_empty());
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let bench = Bench::new();
    bench.world.subscribe(inbox(&user("ada"), "app", "ada"));
    let mut event = ready("ada", "photo", 2);
    let Data::PhotoReady(ready) = event.data else { panic!() };
    let detected = Some("image/heic".to_owned());
    event.data = Data::PhotoRejected(PhotoRejected { photo: ready.photo, reason: Reason::UnsupportedFormat, detected });
    bench.publish(&event);
    bench.settle();
    let text = bench.world.inboxes().remove(0).text;
    assert_eq!(text, "Your photo cannot be used: it is not a JPEG, PNG, WebP or GIF image (image/heic).");
}

#[test]
fn messages_of_another_queue_fail_the_batch() {
    let bench = Bench::new();
    bench.publish(&ready("ada", "photo", 1));
    let messages = bench.queue(Step::Notifications).receive(1);
    let error = bench.handle_of("elsewhere", &messages, 0, TIMEOUT_SECONDS).now_or_never_polled().unwrap_err();
    assert!(error.to_string().contains("\"elsewhere\""), "{error}");
    assert!(bench.world.take_log().is_empty());
}

#[track_caller]
fn parked_as(parked: &[Parked], body: &str, reason: &str) {
    let [only] = parked else { panic!("{parked:?}") };
    assert_eq!((only.body.as_str(), only.reason.as_str()), (body, reason));
}

#[test]
fn what_is_no_event_or_of_an_unknown_type_or_version_is_parked_at_once() {
    let event = serde_json::to_string(&ready("ada", "photo", 1)).unwrap();
    for (body, reason) in [
        ("Hello".to_owned(), "not_an_event"),
        ("{}".to_owned(), "not_an_event"),
        (event.replace("photo.ready.v1", "photo.ready.v2"), "unknown_type"),
        (event.replace("photo.ready.v1", "photo.sold.v1"), "unknown_type"),
        (event.replace(r#""specversion":"1.0""#, r#""specversion":"2.0""#), "not_an_event"),
        (event.replace("thumbhash", "thumbnail"), "not_an_event"),
    ] {
        let bench = Bench::new();
        bench.world.subscribe(inbox(&user("ada"), "app", "ada"));
        bench.world.notifications().send(body.clone());
        bench.settle();
        parked_as(&bench.world.notifications().parked(), &body, reason);
        assert!(bench.world.inboxes().is_empty());
    }
    let bench = Bench::new();
    bench.world.deliveries().send("Hello");
    bench.settle();
    parked_as(&bench.world.deliveries().parked(), "Hello", "not_a_delivery");
}

/// With what else an event may carry one day, it is the same event.
#[test]
fn an_attribute_more_does_no_harm() {
    let bench = Bench::new();
    bench.world.subscribe(inbox(&user("ada"), "app", "ada"));
    let event = serde_json::to_string(&ready("ada", "photo", 1)).unwrap();
    let more = event.replacen('{', r#"{"traceparent":"00-0","#, 1).replace(r#""cause""#, r#""weather":"fine","cause""#);
    bench.world.notifications().send(more);
    bench.settle();
    assert_eq!(bench.world.inboxes().len(), 1);
}

#[test]
fn a_malformed_subscription_is_parked_and_holds_up_no_other() {
    let bench = Bench::new();
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    bench.world.subscribe_malformed(&ada, "a-nonsense");
    bench.world.subscribe(inbox(&ada, "b-app", "ada"));
    bench.world.subscribe_malformed(&ada, "c-nonsense");
    bench.world.subscribe(inbox(&ada, "d-app", "ada"));
    bench.publish(&event);
    bench.settle();
    let parked = bench.world.notifications().parked();
    parked_as(&parked, &serde_json::to_string(&event).unwrap(), "malformed_subscription");
    assert!(parked[0].error.contains("user#ada") && parked[0].error.contains("a-nonsense"), "{parked:?}");
    assert_eq!(bench.world.inboxes().len(), 1);

    // One that became so on the way.
    let bench = Bench::new();
    bench.world.subscribe(inbox(&ada, "app", "ada"));
    bench.publish(&event);
    bench.invoke_now(Step::Notifications);
    bench.world.subscribe_malformed(&ada, "app");
    bench.settle();
    assert_eq!(bench.world.deliveries().parked()[0].reason, "malformed_subscription");
}

#[test]
fn what_is_switched_off_or_gone_on_the_way_is_told_nothing() {
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    for gone in [false, true] {
        let bench = Bench::new();
        let app = inbox(&ada, "app", "ada");
        bench.world.subscribe(app.clone());
        bench.publish(&event);
        bench.invoke_now(Step::Notifications);
        if gone {
            bench.world.unsubscribe(&ada, &app.channel_id);
        } else {
            bench.world.subscribe(Subscription { enabled: false, ..app });
        }
        bench.settle();
        assert_eq!((bench.world.inboxes().len(), bench.world.deliveries().parked().len()), (0, 0));
    }
}

/// One webhook that behaves so; after how many calls and which pauses (in seconds, all of them together at least and at
/// most) it came to which end.
#[track_caller]
fn check(behaviour: Behaviour, calls: usize, seconds: std::ops::RangeInclusive<i64>, end: &str) {
    let bench = Bench::new();
    let (hook, event) = (webhook(&user("ada"), "hook", "hook.example"), ready("ada", "photo", 1));
    bench.endpoints.set("hook.example", behaviour);
    bench.world.subscribe(hook.clone());
    bench.publish(&event);
    let begun = bench.world.now();
    bench.settle();
    assert_eq!(bench.endpoints.calls("hook.example").len(), calls, "{behaviour:?}: calls");
    let took = bench.world.now().duration_since(begun).as_secs();
    assert!(seconds.contains(&took), "{behaviour:?} took {took} seconds");
    let parked = bench.world.deliveries().parked();
    let still = bench.world.subscribed(&hook.subscriber, &hook.channel_id).unwrap().enabled;
    let found = match (parked.as_slice(), bench.result(&hook, &event)) {
        ([], Some(DeliveryResult::Delivered { status })) => format!("delivered {status}"),
        ([], Some(DeliveryResult::Failed { code })) if !still => format!("disabled: {code}"),
        ([only], Some(DeliveryResult::Failed { code })) if code == only.reason => {
            let delivery: serde_json::Value = serde_json::from_str(&only.body).unwrap();
            assert_eq!(delivery["event"]["id"], event.id.as_str(), "it can be replayed");
            format!("parked: {}: {}", only.reason, only.error)
        }
        other => format!("{other:?}"),
    };
    assert_eq!(found, end, "{behaviour:?}");
    assert!(bench.world.deliveries().dead().is_empty(), "nothing dies without a reason");
}

#[test]
fn each_answer_comes_to_its_end() {
    check(Behaviour::Status(200), 1, 0..=0, "delivered 200");
    check(Behaviour::Status(299), 1, 0..=0, "delivered 299");
    check(Behaviour::Status(410), 1, 0..=0, "disabled: gone");
    check(Behaviour::NotPublic, 1, 0..=0, "parked: address: the webhook's address 10.0.0.1 is not public");
    let answered = |code: &str, status: u16| format!("parked: {code}: the webhook answered {status}: said the webhook");
    for (status, code) in
        [(301, "status_3xx"), (400, "status_4xx"), (404, "status_4xx"), (422, "status_4xx"), (101, "status_unknown")]
    {
        check(Behaviour::Status(status), 1, 0..=0, &answered(code, status));
    }
    // 5 to 10 seconds, 10 to 20, 20 to 40.
    check(Behaviour::Recovers { status: 503, after: 3 }, 4, 35..=70, "delivered 200");
    check(Behaviour::Recovers { status: 429, after: 1 }, 2, 5..=10, "delivered 200");
    check(Behaviour::Busy { seconds: 300 }, 2, 300..=300, "delivered 200");
    let attempts = usize::try_from(DELIVERY_ATTEMPTS).unwrap();
    // 10, 20, .. 2560 and fourteen times 3600 seconds, and half of that at least.
    let pauses = 27_700..=55_520;
    check(Behaviour::Status(500), attempts, pauses.clone(), &answered("status_5xx", 500));
    check(Behaviour::Unreachable, attempts, pauses, "parked: unreachable: connection refused");
}

#[test]
fn a_webhook_that_cannot_be_used_is_parked_without_a_call() {
    let secret = |secret: &str| vec![Secret::new(secret)];
    let good = || secret(super::bench::SECRETS[0]);
    for (url, secrets, reason) in [
        ("http://hook.example/", good(), "not_https"),
        ("https://hook.example:8443/", good(), "port"),
        ("https://me:pw@hook.example/", good(), "userinfo"),
        ("https://169.254.169.254/latest/meta-data", good(), "address"),
        ("hook", good(), "not_a_url"),
        ("https://hook.example/", secret("hunter2"), "bad_secret"),
        ("https://hook.example/", [good(), secret("hunter2")].concat(), "bad_secret"),
        ("https://hook.example/", Vec::new(), "no_secret"),
    ] {
        let bench = Bench::new();
        let channel = Channel::Webhook { url: Secret::new(url), secrets };
        bench.world.subscribe(Subscription { channel, ..inbox(&user("ada"), "hook", "ada") });
        bench.publish(&ready("ada", "photo", 1));
        bench.settle();
        let parked = bench.world.deliveries().parked();
        assert_eq!(parked.iter().map(|parked| parked.reason.as_str()).collect::<Vec<_>>(), [reason], "{url}");
        assert!(!parked[0].error.contains("hunter2") && !parked[0].error.contains("pw"), "{parked:?}");
    }
}

/// A secret that is replaced, a channel that is repaired: what counts is what is there when it is done.
#[test]
fn what_was_parked_is_delivered_when_it_is_replayed() {
    let bench = Bench::new();
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    bench.endpoints.set("hook.example", Behaviour::Status(404));
    bench.world.subscribe(webhook(&ada, "hook", "hook.example"));
    bench.publish(&event);
    bench.settle();
    let parked = bench.world.deliveries().parked().remove(0);
    bench.endpoints.set("hook.example", Behaviour::Status(200));
    bench.world.deliveries().send(parked.body.clone());
    bench.settle();
    bench.assert_told("hook.example", &event, 0);
    bench.world.deliveries().send(parked.body);
    bench.settle();
    bench.assert_told("hook.example", &event, 0);
}

/// At once, and after the last of many attempts. What an event asks for is new, whatever the event went through.
#[test]
fn what_is_parked_keeps_how_often_it_was_replayed() {
    let (ada, event) = (user("ada"), serde_json::to_string(&ready("ada", "photo", 1)).unwrap());
    for replayed in [None, Some("2/run"), Some("of another version")] {
        let bench = Bench::new();
        bench.world.subscribe_malformed(&ada, "a-nonsense");
        bench.endpoints.set("hook.example", Behaviour::Status(500));
        bench.world.subscribe(webhook(&ada, "hook", "hook.example"));
        let send = |queue: WorldQueue<'_>, body: &str| match replayed {
            Some(replayed) => queue.send_replayed(body, replayed),
            None => queue.send(body),
        };
        let (notifications, deliveries) = (bench.world.notifications(), bench.world.deliveries());
        send(notifications, "no event");
        send(notifications, &event);
        send(deliveries, "no delivery");
        bench.settle();
        let marks = |parked: &[Parked]| -> Vec<_> {
            parked.iter().map(|parked| (parked.reason.clone(), parked.replayed.clone())).collect()
        };
        let mark = replayed.map(str::to_owned);
        let reasons = ["not_an_event", "malformed_subscription"].map(|reason| (reason.to_owned(), mark.clone()));
        assert_eq!(marks(&notifications.parked()), reasons);
        let parked = deliveries.parked();
        let expected = [("not_a_delivery".to_owned(), mark.clone()), ("status_5xx".to_owned(), None)];
        assert_eq!(marks(&parked), expected);

        send(deliveries, &parked[1].body);
        bench.settle();
        assert_eq!(marks(&deliveries.parked()[2..]), [("status_5xx".to_owned(), mark)]);
    }
}

#[test]
fn two_that_fail_at_once_do_not_come_again_at_once() {
    let bench = Bench::new();
    for number in 0..2 {
        bench.endpoints.set(&format!("hook-{number}.example"), Behaviour::Status(503));
        bench.world.subscribe(webhook(&user("ada"), &format!("hook-{number}"), &format!("hook-{number}.example")));
    }
    bench.publish(&ready("ada", "photo", 1));
    bench.invoke_now(Step::Notifications);
    bench.invoke_now(Step::Deliveries);
    let mut seconds = Vec::new();
    while seconds.len() < 2 {
        assert!(bench.world.advance_to_next_message());
        seconds.extend(bench.queue(Step::Deliveries).receive(10).iter().map(|_| bench.world.now().as_second()));
    }
    assert_ne!(seconds[0], seconds[1]);
}

#[test]
fn an_event_that_comes_again_is_told_once() {
    let bench = Bench::new();
    let event = ready("ada", "photo", 1);
    bench.endpoints.set("hook.example", Behaviour::Status(200));
    bench.world.subscribe(inbox(&user("ada"), "app", "ada"));
    bench.world.subscribe(webhook(&user("ada"), "hook", "hook.example"));
    for _ in 0..3 {
        bench.publish(&event);
    }
    bench.settle();
    bench.publish(&event);
    bench.settle();
    bench.assert_told("hook.example", &event, 0);
    assert_eq!((bench.world.inboxes().len(), bench.endpoints.calls("hook.example").len()), (1, 1));
}
