//! Anything happens between any two calls of the thumbnailer: the app changes the photo, another thumbnailer answers
//! it, the function is killed.

use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;

use coffeeshop_core::photo::{Delivery, Request};
use coffeeshop_core::testing::World;
use coffeeshop_thumbnailer::photo::answer;
use futures::executor::block_on;

use crate::support::{Copier, answer_first, answer_now, photo, stray, take_requests};

type Step = (&'static str, fn(&World));

const BEFORE: [Step; 6] = [
    ("first upload", |world| {
        world.upload(&photo(), "one", None);
    }),
    ("overwrite", |world| {
        world.upload(&photo(), "one", None);
        answer_all(world);
        world.upload(&photo(), "two", None);
    }),
    ("removal", |world| {
        world.upload(&photo(), "one", None);
        answer_all(world);
        world.remove(&photo());
    }),
    ("undelete", |world| {
        world.upload(&photo(), "one", None);
        world.remove(&photo());
        answer_all(world);
        world.remove_newest_version(&photo());
    }),
    ("nothing new", |world| {
        world.upload(&photo(), "one", None);
        answer_all(world);
    }),
    ("nothing new since another configuration", |world| {
        world.upload(&photo(), "one", None);
        answer_now(world, &Copier::otherwise(), &take_requests(world)[0]);
    }),
];

const BETWEEN: [Step; 10] = [
    ("nothing", |_| {}),
    ("removal", |world| world.remove(&photo())),
    ("overwrite", |world| {
        world.upload(&photo(), "three", None);
    }),
    ("corrupt overwrite", |world| {
        world.upload(&photo(), "bad", None);
    }),
    ("same bytes again", |world| {
        world.upload(&photo(), "one", None);
    }),
    ("removal and undelete", |world| {
        world.remove(&photo());
        world.remove_newest_version(&photo());
    }),
    ("an old version removed", |world| world.remove_oldest_version(&photo())),
    ("overwrite, answered by another", |world| {
        world.upload(&photo(), "three", None);
        answer_all(world);
    }),
    ("reprocessed by another", |world| {
        let request = Request::Reprocess(photo());
        block_on(answer(world, &Copier::default(), world, &request, Delivery::First)).unwrap();
    }),
    ("overwrite, reprocessed by another of another configuration", |world| {
        world.upload(&photo(), "three", None);
        answer_now(world, &Copier::otherwise(), &Request::Reprocess(photo()));
    }),
];

/// Answers every event that S3 has sent, the newest first.
fn answer_all(world: &World) {
    for request in take_requests(world).iter().rev() {
        answer_first(world, &Copier::default(), request);
    }
}

/// Polls a thumbnailer until it has done `calls` calls, interrupts it there, and says whether it came so far.
fn run_for(
    world: &World,
    (request, delivery): (&Request, Delivery),
    calls: usize,
    between: fn(&World),
    killed: bool,
) -> bool {
    let renderer = Copier::default();
    let mut work = pin!(answer(world, &renderer, world, request, delivery));
    let until = world.calls() + calls;
    let mut done = false;
    while !done {
        if world.calls() == until {
            between(world);
            if killed {
                return true;
            }
            block_on(&mut work).unwrap();
            return true;
        }
        done = world.poll_one(work.as_mut()).is_ready();
    }
    false
}

/// Which of the requests for the photo is interrupted.
#[derive(Debug, Clone, Copy)]
enum Interrupted {
    /// The last event, if there is one, so delivered.
    Event(Delivery),
    /// An operator's request, beside the events.
    Reprocess,
}

impl Interrupted {
    /// It, and the requests that are still to be delivered.
    fn split(self, mut requests: Vec<Request>) -> Option<(Request, Vec<Request>)> {
        let request = match self {
            Self::Event(_) => requests.pop()?,
            Self::Reprocess => Request::Reprocess(photo()),
        };
        Some((request, requests))
    }

    fn delivery(self) -> Delivery {
        match self {
            Self::Event(delivery) => delivery,
            Self::Reprocess => Delivery::First,
        }
    }
}

/// Interrupts a thumbnailer after so many calls, then delivers everything; whether it was reached.
fn history(set_up: fn(&World), interrupted: Interrupted, calls: usize, between: fn(&World), killed: bool) -> bool {
    let world = World::default();
    set_up(&world);
    let Some((request, mut requests)) = interrupted.split(take_requests(&world)) else { return false };
    let reached = run_for(&world, (&request, interrupted.delivery()), calls, between, killed);
    world.assert_named_exist();
    // Everything is delivered, the interrupted request once more, in both orders, twice.
    requests.push(request);
    requests.extend(take_requests(&world));
    requests.extend(requests.clone().into_iter().rev());
    for request in &requests {
        answer_now(&world, &Copier::default(), request);
        world.assert_named_exist();
    }
    world.assert_settled();
    reached
}

#[test]
fn whatever_happens_between_any_two_calls_the_end_is_right() {
    let cases = [
        (Interrupted::Event(Delivery::First), 460),
        (Interrupted::Event(Delivery::Again), 480),
        (Interrupted::Reprocess, 680),
    ];
    for (interrupted, expected) in cases {
        let mut histories = 0;
        for (before, set_up) in BEFORE {
            for (between, interrupt) in BETWEEN {
                for killed in [false, true] {
                    for calls in 0..14 {
                        let history = || history(set_up, interrupted, calls, interrupt, killed);
                        let Ok(reached) = catch_unwind(history) else {
                            panic!("{before}, {interrupted:?}, then {between} at {calls}, killed: {killed}");
                        };
                        histories += usize::from(reached);
                    }
                }
            }
        }
        // Each history up to its last call, once going on and once killed.
        assert_eq!(histories, expected, "as many were interrupted: {interrupted:?}");
    }
}

#[test]
fn a_stray_rendition_of_an_earlier_revision_is_swept_even_when_nothing_is_written() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let event = take_requests(&world).remove(0);
    let renderer = Copier::default();
    let first = answer_now(&world, &renderer, &event);
    let stray = stray(&first.outcome);
    world.put_stray(stray.clone());

    let again = answer_now(&world, &renderer, &event);
    assert!(!again.news);
    assert_eq!(again.outcome, first.outcome);
    assert!(world.rendition(&stray).is_none());
    world.assert_settled();
}

#[test]
fn two_at_once_write_one_outcome() {
    let world = Arc::new(World::default());
    world.upload(&photo(), "one", None);
    let event = take_requests(&world).remove(0);
    let renderer = Copier::default();
    let (a, b) = block_on(async {
        let first = answer(&*world, &renderer, &*world, &event, Delivery::First);
        futures::join!(first, answer(&*world, &renderer, &*world, &event, Delivery::Again))
    });
    assert!(a.unwrap().unwrap().news != b.unwrap().unwrap().news, "one wrote it, the other found it");
    assert_eq!(world.stored(&photo()).unwrap().revision.0, 1);
    world.assert_settled();
}

#[test]
fn an_old_version_or_a_removal_that_was_undone_shows_what_is_there() {
    let world = World::default();
    world.upload(&photo(), "one", Some("user-1"));
    world.upload(&photo(), "two", Some("user-2"));
    answer_all(&world);
    world.remove_oldest_version(&photo());
    answer_all(&world);
    let outcome = world.stored(&photo()).unwrap();
    assert_eq!(outcome.answer.status(), "ready", "a deleted old version does no harm");
    assert_eq!(outcome.user_id.map(String::from).as_deref(), Some("user-2"));

    world.remove(&photo());
    answer_all(&world);
    let outcome = world.stored(&photo()).unwrap();
    assert_eq!((outcome.answer.status(), outcome.source), ("removed", None));
    assert_eq!(outcome.user_id.map(String::from).as_deref(), Some("user-2"), "whose photo is gone");
    world.assert_settled();

    world.remove_newest_version(&photo());
    answer_all(&world);
    assert_eq!(world.stored(&photo()).unwrap().answer.status(), "ready");
    world.assert_settled();
}

#[test]
fn a_poll_does_one_call() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let event = take_requests(&world).remove(0);
    let renderer = Copier::default();
    let mut work = pin!(answer(&world, &renderer, &world, &event, Delivery::Again));
    let mut seen = vec![world.calls()];
    while world.poll_one(work.as_mut()).is_pending() {
        seen.push(world.calls());
    }
    let expected = ["photos.get", "renditions.list", "originals.get", "renditions.put", "renditions.put", "photos.put"];
    assert_eq!(world.take_log(), expected, "the order that the promises rest on");
    assert!(seen.windows(2).all(|pair| pair[1] - pair[0] <= 1), "{seen:?}");
}
