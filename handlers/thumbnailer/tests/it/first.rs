//! When renditions are not listed: a photo's first event, delivered for the first time. A row for each condition, with
//! what would be left behind without it.

use std::pin::pin;

use coffeeshop_core::photo::{Delivery, Request};
use coffeeshop_core::ports::Clock;
use coffeeshop_core::testing::World;
use coffeeshop_thumbnailer::photo::answer;
use futures::executor::block_on;
use jiff::SignedDuration;

use crate::support::{
    Copier, VISIBILITY_TIMEOUT, answer_first, answer_now, deliver_all, invoke, notification_at, photo, take_requests,
};

const LIST: &str = "renditions.list";

fn lists(world: &World) -> usize {
    world.take_log().iter().filter(|call| **call == LIST).count()
}

/// A thumbnailer of another configuration puts its renditions, and dies before it has written the outcome.
fn dies_before_its_outcome(world: &World, request: &Request, delivery: Delivery) {
    let renderer = Copier::otherwise();
    let mut work = pin!(answer(world, &renderer, world, request, delivery));
    let mut log = Vec::new();
    while log.iter().filter(|call| **call == "renditions.put").count() < 2 {
        assert!(world.poll_one(work.as_mut()).is_pending());
        log.extend(world.take_log());
    }
}

#[test]
fn a_usual_upload_lists_nothing() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let event = world.take_events().remove(0);
    world.send(notification_at(&event, world.now()));
    block_on(deliver_all(&world));
    let order = ["photos.get", "originals.get", "renditions.put", "renditions.put", "photos.put", "queue.delete"];
    assert_eq!(world.take_log(), order);
    world.assert_settled();
}

#[test]
fn a_message_that_was_received_before_lists() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let requests = take_requests(&world);
    dies_before_its_outcome(&world, &requests[0], Delivery::First);
    answer_now(&world, &Copier::default(), &requests[0]);
    assert_eq!(lists(&world), 1);
    world.assert_settled();
}

/// Its message was received five times, rested, and was sent anew by SQS itself: nothing in it says so but its age.
#[test]
fn an_old_event_lists_in_a_message_that_is_new() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let event = world.take_events().remove(0);
    dies_before_its_outcome(&world, &Request::Changed(event.clone()), Delivery::First);
    let sent_at = world.now();
    world.advance(VISIBILITY_TIMEOUT + SignedDuration::from_secs(1));
    world.send(notification_at(&event, sent_at));
    let messages = world.receive(1);
    assert_eq!(messages[0].receive_count, 1);
    block_on(invoke(&world, messages));
    assert_eq!(lists(&world), 1);
    world.assert_settled();
}

#[test]
fn who_lost_a_race_lists() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let requests = take_requests(&world);
    let renderer = Copier::otherwise();
    let mut loser = pin!(answer(&world, &renderer, &world, &requests[0], Delivery::First));
    while !world.take_log().contains(&"originals.get") {
        assert!(world.poll_one(loser.as_mut()).is_pending());
    }
    answer_first(&world, &Copier::default(), &requests[0]);
    assert_eq!(lists(&world), 0);
    assert!(!block_on(loser).unwrap().unwrap().news);
    assert_eq!(lists(&world), 1);
    world.assert_settled();
}

/// What died first was about another upload; its message comes again and finds an outcome.
#[test]
fn a_photo_with_an_outcome_lists() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    world.upload(&photo(), "two", None);
    let requests = take_requests(&world);
    dies_before_its_outcome(&world, &requests[0], Delivery::First);
    answer_first(&world, &Copier::default(), &requests[1]);
    assert_eq!(lists(&world), 0);
    answer_first(&world, &Copier::default(), &requests[0]);
    assert_eq!(lists(&world), 1);
    world.assert_settled();
}

/// A request has no age: it may come from the dead-letter queue.
#[test]
fn a_request_to_reprocess_lists() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    world.take_events();
    let request = Request::Reprocess(photo());
    dies_before_its_outcome(&world, &request, Delivery::First);
    answer_first(&world, &Copier::default(), &request);
    assert_eq!(lists(&world), 1);
    world.assert_settled();
}

#[test]
fn only_a_fresh_event_in_a_new_message_was_not_worked_on() {
    let now = World::default().now();
    let of = |receives, age| Delivery::new(receives, now - age, now, VISIBILITY_TIMEOUT);
    let second = SignedDuration::from_secs(1);
    for (receives, age, delivery) in [
        (1, SignedDuration::ZERO, Delivery::First),
        (1, VISIBILITY_TIMEOUT, Delivery::First),
        (1, VISIBILITY_TIMEOUT + second, Delivery::Again),
        // S3's clock is a little ahead, or the time makes no sense.
        (1, -second, Delivery::First),
        (1, -VISIBILITY_TIMEOUT - second, Delivery::Again),
        (2, SignedDuration::ZERO, Delivery::Again),
    ] {
        assert_eq!(of(receives, age), delivery, "{receives} receives, {age}");
    }
}
