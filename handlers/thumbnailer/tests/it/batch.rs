//! The order of work on a batch: what is suspected, what is parked, what there is no time for.

use aws_lambda_events::sqs::SqsEvent;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::{Clock, PhotoStore};
use coffeeshop_core::testing::{Fault, Message, World};
use coffeeshop_thumbnailer::batch::{self, Deps};
use futures::executor::block_on;
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{BUCKET, Copier, VISIBILITY_TIMEOUT, deliver_all, deps, invoke, notification, record};

fn photo(i: usize) -> PhotoKey {
    PhotoKey::from_original(&format!("uploads/shop/photo-{i}")).unwrap()
}

/// Uploads photos, each in a message of its own, and receives the messages as if for the n-th time each.
fn received(world: &World, receives: &[u32]) -> Vec<Message> {
    for i in 0..receives.len() {
        world.upload(&photo(i), "bytes", None);
    }
    for event in world.take_events() {
        world.send(notification(&event));
    }
    let mut messages = world.receive(receives.len());
    for (message, receives) in messages.iter_mut().zip(receives) {
        message.receive_count = *receives;
    }
    messages
}

fn ready(world: &World) -> Vec<usize> {
    (0..5).filter(|i| world.stored(&photo(*i)).is_some()).collect()
}

#[test]
fn every_record_of_every_message_is_handled() {
    let world = World::default();
    for i in 0..4 {
        world.upload(&photo(i), "bytes", None);
    }
    let records: Vec<_> =
        world.take_events().iter().map(|event| record(&event.photo.original(), &event.sequencer.to_string())).collect();
    world.send(json!({ "Records": records[..3] }).to_string());
    world.send(json!({ "Records": records[3..] }).to_string());
    let messages = world.receive(5);
    assert_eq!(block_on(invoke(&world, messages)), []);
    assert_eq!(ready(&world), [0, 1, 2, 3]);
    assert_eq!(world.queued(), 0);
}

#[test]
fn one_photo_that_fails_gives_back_its_message_alone() {
    let world = World::default();
    let messages = received(&world, &[1, 1, 1]);
    world.fail(0, Fault::Before);
    let again = block_on(invoke(&world, messages));
    assert_eq!(again.len(), 1);
    assert_eq!((ready(&world).len(), world.queued()), (2, 1));
    block_on(deliver_all(&world));
    assert_eq!(ready(&world), [0, 1, 2]);
}

#[test]
fn a_suspect_is_worked_on_after_the_finished_ones_are_deleted() {
    let world = World::default();
    let messages = received(&world, &[1, 3, 1]);
    block_on(invoke(&world, messages));
    let log = world.take_log();
    let deleted = log.iter().position(|call| *call == "queue.delete").unwrap();
    let outcomes: Vec<_> = (0..log.len()).filter(|i| log[*i] == "photos.put").collect();
    assert_eq!(outcomes.iter().filter(|i| **i < deleted).count(), 2, "{log:?}");
    assert_eq!(outcomes.iter().filter(|i| **i > deleted).count(), 1, "{log:?}");
    assert!(log[deleted..].starts_with(&["queue.delete", "photos.get"]), "{log:?}");
}

#[test]
fn of_several_suspects_one_is_worked_on_and_the_others_come_again_apart() {
    let world = World::default();
    let messages = received(&world, &[3, 4, 3, 1]);
    let again = block_on(invoke(&world, messages));
    let log = world.take_log();
    assert_eq!(log[..2], ["queue.postpone", "queue.postpone"], "before any work");
    assert_eq!(ready(&world), [1, 3], "the fresh one, and the suspect that has the fewest receives left");
    assert_eq!(again.len(), 2);

    let mut came = Vec::new();
    for second in 1..=20 {
        world.advance(SignedDuration::from_secs(1));
        came.extend(world.receive(5).into_iter().map(|message| (second, message)));
    }
    let seconds: Vec<_> = came.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [3, 6], "each at another time");
}

#[test]
fn on_its_last_receive_no_suspect_is_given_back_untried() {
    let world = World::default();
    let messages = received(&world, &[5, 3, 5, 1]);
    assert_eq!(block_on(invoke(&world, messages)).len(), 1);
    assert_eq!(ready(&world), [0, 2, 3]);
    let log = world.take_log();
    let deletions = log.iter().filter(|call| **call == "queue.delete").count();
    assert_eq!(deletions, 3, "before each of the two, and Lambda's own: {log:?}");
}

/// After an outage, every message has used up two receives, and none is to blame.
#[test]
fn after_an_outage_no_photo_goes_to_the_dlq_untried() {
    let world = World::default();
    for i in 0..60 {
        world.upload(&photo(i), "bytes", None);
    }
    for event in world.take_events() {
        world.send(notification(&event));
    }
    for _ in 0..2 {
        assert_eq!(world.receive(100).len(), 60);
        world.advance(SignedDuration::from_secs(720));
    }
    for _ in 0..2000 {
        let messages = world.receive(batch::BATCH_MESSAGES_MAX);
        world.advance(SignedDuration::from_secs(i64::from(messages.is_empty())));
        block_on(invoke(&world, messages));
    }
    assert_eq!((world.queued(), world.dead()), (0, Vec::<String>::new()));
    world.assert_settled();
}

#[test]
fn the_template_and_the_code_agree() {
    let template = include_str!("../../../../infra/template.yaml");
    for (part, line) in [
        ("ThumbnailerFunction", format!("BatchSize: {}", batch::BATCH_MESSAGES_MAX)),
        ("ThumbnailerFunction", "MaximumConcurrency: 20".to_owned()),
        ("UploadsQueue", format!("maxReceiveCount: {}", batch::RECEIVES_MAX)),
        ("Renditions", format!("Default: {}", coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT)),
    ] {
        let (_, after) = template.split_once(&format!("\n  {part}:\n")).unwrap();
        let mut lines = after.lines().take_while(|line| line.is_empty() || line.starts_with("   "));
        assert!(lines.any(|there| there.trim() == line), "{part} has no {line}");
    }
}

#[test]
fn a_suspect_that_kills_the_function_takes_no_companion_along() {
    let world = World::default();
    let messages = received(&world, &[1, 1, 3]);
    let mut work = std::pin::pin!(invoke(&world, messages));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // Killed at the suspect's first call: the reply is never seen.
    while !world.take_log().contains(&"queue.delete") {
        assert!(work.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(ready(&world), [0, 1]);
    assert_eq!(world.queued(), 1, "the finished ones are gone from the queue, whatever happens now");
}

#[test]
fn when_the_finished_ones_cannot_be_deleted_the_suspect_is_not_begun() {
    let world = World::default();
    let messages = received(&world, &[1, 3]);
    let calls = {
        let dry = World::default();
        let messages = received(&dry, &[1, 3]);
        block_on(invoke(&dry, messages));
        dry.take_log().iter().position(|call| *call == "queue.delete").unwrap()
    };
    world.fail(calls, Fault::Before);
    let again = block_on(invoke(&world, messages));
    assert_eq!(again.len(), 1);
    assert_eq!(ready(&world), [0]);
}

#[test]
fn a_suspect_that_cannot_be_postponed_still_comes_again() {
    let world = World::default();
    let messages = received(&world, &[3, 4]);
    world.fail(0, Fault::Before);
    assert_eq!(block_on(invoke(&world, messages)).len(), 1);
    block_on(deliver_all(&world));
    assert_eq!(ready(&world), [0, 1]);
}

/// A clock that is past the last moment to begin.
struct Late<'a>(&'a World, std::sync::atomic::AtomicBool);

impl Clock for Late<'_> {
    fn now(&self) -> jiff::Timestamp {
        let first = !self.1.swap(true, std::sync::atomic::Ordering::Relaxed);
        self.0.now() + SignedDuration::from_secs(if first { 0 } else { 97 })
    }

    async fn sleep(&self, duration: std::time::Duration) {
        self.0.sleep(duration).await;
    }
}

#[test]
fn what_there_is_no_time_for_is_given_back_and_not_begun() {
    let world = World::default();
    let messages = received(&world, &[1, 1, 3]);
    let clock = Late(&world, false.into());
    let renderer = Copier::default();
    let originals_bucket = BUCKET.to_owned();
    let deps = Deps {
        store: &world,
        queue: &world,
        clock: &clock,
        renderer: &renderer,
        originals_bucket,
        visibility_timeout: VISIBILITY_TIMEOUT,
    };
    let deadline = u64::try_from((world.now() + SignedDuration::from_secs(120)).as_millisecond()).unwrap();
    let response = block_on(batch::handle(&deps, crate::support::batch(&messages), deadline)).unwrap();
    assert_eq!(response.batch_item_failures.len(), 3, "23 s are less than a fifth of 120 s");
    assert_eq!(world.take_log(), ["queue.delete"], "nothing was deleted, nothing begun");
    assert!(block_on(world.outcome(&photo(0))).unwrap().is_none());
}

#[test]
fn what_cannot_be_used_is_parked_alone_with_its_reason() {
    let world = World::default();
    world.upload(&photo(0), "bytes", None);
    let event = world.take_events().remove(0);
    let sequencer = event.sequencer.to_string();
    let good = record(&event.photo.original(), &sequencer);
    let bad = record("uploads/Caf%C3%A9+am+Markt/photo.jpg", &sequencer);
    world.send(json!({ "Records": [bad, good] }).to_string());
    let messages = world.receive(5);
    assert_eq!(block_on(invoke(&world, messages)), []);
    assert_eq!(ready(&world), [0], "a bad record stops no other");
    let [parked] = world.parked().try_into().unwrap();
    assert_eq!(parked.reason, "unexpected_key");
    assert!(parked.error.contains("uploads/Café am Markt/photo.jpg"), "{}", parked.error);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&parked.body).unwrap(), json!({ "Records": [bad] }));
}

/// A message of one record, of several, of none that can be told apart, and an operator's.
#[test]
fn what_is_parked_keeps_how_often_its_message_was_replayed() {
    let bad = |key: &str| record(key, "01");
    let one = json!({ "Records": [bad("elsewhere")] }).to_string();
    let several =
        json!({ "Records": [bad("a"), record(&photo(0).original(), "02"), bad("b"), bad("%zz")] }).to_string();
    let bad_request = json!({ "reprocess": { "shop_id": "shop" } }).to_string();
    for (body, records) in [(one, 1), (several, 3), ("no JSON at all".to_owned(), 1), (bad_request, 1)] {
        for replayed in [None, Some("2/run"), Some("of another version")] {
            let world = World::default();
            match replayed {
                Some(replayed) => world.send_replayed(body.clone(), replayed),
                None => world.send(body.clone()),
            }
            block_on(deliver_all(&world));
            let parked = world.parked();
            let marks: Vec<_> = parked.iter().map(|parked| parked.replayed.as_deref()).collect();
            assert_eq!(marks, vec![replayed; records], "{body}");
        }
    }
}

#[test]
fn parking_that_fails_is_tried_again_with_the_message() {
    let world = World::default();
    world.send("no JSON at all");
    let messages = world.receive(5);
    world.fail(0, Fault::Before);
    assert_eq!(block_on(invoke(&world, messages)).len(), 1);
    assert_eq!(world.parked(), []);
    block_on(deliver_all(&world));
    let [parked] = world.parked().try_into().unwrap();
    assert_eq!((parked.reason.as_str(), parked.body.as_str()), ("not_a_notification", "no JSON at all"));
}

#[test]
fn nothing_is_parked_while_another_record_of_the_message_fails() {
    let world = World::default();
    world.upload(&photo(0), "bytes", None);
    let event = world.take_events().remove(0);
    let records = [record("elsewhere", "01"), record(&event.photo.original(), &event.sequencer.to_string())];
    world.send(json!({ "Records": records }).to_string());
    let messages = world.receive(5);
    world.fail(0, Fault::Before);
    assert_eq!(block_on(invoke(&world, messages)).len(), 1);
    assert_eq!(world.parked(), [], "it would be parked again when the message comes again");
    block_on(deliver_all(&world));
    assert_eq!(world.parked().len(), 1);
}

#[test]
fn a_message_that_cannot_be_answered_for_fails_the_batch() {
    let world = World::default();
    let renderer = Copier::default();
    let deps = deps(&world, &renderer);
    for missing in ["messageId", "receiptHandle"] {
        let mut message = json!({ "messageId": "a", "receiptHandle": "b", "body": "{}" });
        message[missing] = json!(if missing == "messageId" { Some("") } else { None });
        let event: SqsEvent = serde_json::from_value(json!({ "Records": [message] })).unwrap();
        assert!(block_on(batch::handle(&deps, event, 1000)).is_err(), "{missing}");
    }
}

#[test]
fn a_user_id_that_is_none_means_that_nobody_is_told() {
    for (given, stored) in
        [(Some("user-1"), Some("user-1")), (None, None), (Some("Ünal & Söhne"), None), (Some(""), None)]
    {
        let world = World::default();
        world.upload(&photo(0), "bytes", given);
        world.send(notification(&world.take_events()[0]));
        block_on(deliver_all(&world));
        let outcome = world.stored(&photo(0)).unwrap();
        assert_eq!(outcome.user_id.map(String::from).as_deref(), stored, "{given:?}");
        assert_eq!(outcome.answer.status(), "ready");
    }
}
