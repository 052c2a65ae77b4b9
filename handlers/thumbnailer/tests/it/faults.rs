//! Every port call of a batch fails, before its effect and after it; then everything is delivered again.

use coffeeshop_core::testing::{Fault, World};
use futures::executor::block_on;

use crate::support::{Copier, answer_now, deliver_all, invoke, notification, photo, reprocess, stray, take_requests};

/// A history of a photo, the queue that S3 filled with it, and how many times it may be parked.
type Case = (&'static str, fn(&World), usize);

const CASES: [Case; 12] = [
    (
        "an upload",
        |world| {
            world.upload(&photo(), "one", Some("user-1"));
        },
        0,
    ),
    (
        "an upload that is corrupt",
        |world| {
            world.upload(&photo(), "bad", None);
        },
        0,
    ),
    (
        "an overwrite",
        |world| {
            world.upload(&photo(), "one", None);
            world.upload(&photo(), "two", None);
        },
        0,
    ),
    (
        "a removal",
        |world| {
            world.upload(&photo(), "one", None);
            world.remove(&photo());
        },
        0,
    ),
    (
        "an answered photo overwritten by a corrupt one",
        |world| {
            world.upload(&photo(), "one", None);
            send(world);
            block_on(deliver_all(world));
            world.upload(&photo(), "bad", None);
        },
        0,
    ),
    (
        "an upload and a record that cannot be used, in one message",
        |world| {
            world.upload(&photo(), "one", None);
            let good = notification(&world.take_events()[0]);
            let bad = good.replace("uploads/shop/photo", "uploads/what%");
            let join =
                |a: &str, b: &str| format!("{},{}", a.trim_end_matches("]}"), b.trim_start_matches("{\"Records\":["));
            world.send(join(&good, &bad));
        },
        1,
    ),
    (
        "reprocessed into other renditions",
        |world| {
            answered_otherwise(world);
            world.send(reprocess());
        },
        0,
    ),
    (
        "reprocessed beside an overwrite",
        |world| {
            answered_otherwise(world);
            world.upload(&photo(), "two", None);
            world.send(reprocess());
        },
        0,
    ),
    (
        "reprocessed when the event was lost",
        |world| {
            world.upload(&photo(), "one", None);
            world.take_events();
            world.send(reprocess());
        },
        0,
    ),
    (
        "reprocessed when the removal was lost",
        |world| {
            answered_otherwise(world);
            world.remove(&photo());
            world.take_events();
            world.send(reprocess());
        },
        0,
    ),
    (
        "reprocessed as it is, beside what a crash left",
        |world| {
            world.upload(&photo(), "one", None);
            let answered = answer_now(world, &Copier::default(), &take_requests(world)[0]);
            world.put_stray(stray(&answered.outcome));
            world.send(reprocess());
        },
        0,
    ),
    (
        "reprocessed as it is, and a request that cannot be used",
        |world| {
            world.upload(&photo(), "one", None);
            answer_now(world, &Copier::default(), &take_requests(world)[0]);
            world.send(reprocess());
            world.send(reprocess().replace("shop", "no shop"));
        },
        1,
    ),
];

/// An upload that was answered by a thumbnailer of another configuration.
fn answered_otherwise(world: &World) {
    world.upload(&photo(), "one", Some("user-1"));
    answer_now(world, &Copier::otherwise(), &take_requests(world)[0]);
}

fn send(world: &World) {
    for event in world.take_events() {
        world.send(notification(&event));
    }
}

fn set_up((_, history, _): &Case) -> World {
    let world = World::default();
    history(&world);
    send(&world);
    world
}

#[test]
fn every_call_fails_once_before_and_once_after() {
    for case in &CASES {
        let (name, _, parked) = case;
        let world = set_up(case);
        let before = world.calls();
        block_on(deliver_all(&world));
        let calls = world.calls() - before;
        world.assert_settled();
        assert_eq!(world.parked().len(), *parked, "{name}");
        assert!(calls >= 5, "{name}: {calls} calls");

        for call in 0..calls {
            for fault in [Fault::Before, Fault::After] {
                let world = set_up(case);
                let messages = world.receive(5);
                world.fail(call, fault);
                block_on(invoke(&world, messages));
                world.assert_named_exist();
                block_on(deliver_all(&world));
                world.assert_settled();
                // Parked once more when the reply, or the message's own deletion, is what failed: never lost.
                assert!((*parked..=2 * *parked).contains(&world.parked().len()), "{name}, {call} {fault:?}");
            }
        }
    }
}
