//! Anything happens between any two calls of the thumbnailer: the app changes the photo, another thumbnailer answers
//! it, the function is killed.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use coffeeshop_core::outcome::Answer;
use coffeeshop_core::photo::PhotoChanged;
use coffeeshop_core::testing::World;
use coffeeshop_thumbnailer::photo::answer;
use futures::executor::block_on;

use crate::support::{Copier, photo};

type Step = (&'static str, fn(&World));

const BEFORE: [Step; 4] = [
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
];

const BETWEEN: [Step; 8] = [
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
];

/// Answers every event that S3 has sent, the newest first.
fn answer_all(world: &World) {
    for event in world.take_events().iter().rev() {
        block_on(answer(world, &Copier::default(), world, event)).unwrap();
    }
}

/// Polls a thumbnailer until it has done `calls` calls, interrupts it there, and says whether it came so far.
fn run_for(world: &World, event: &PhotoChanged, calls: usize, between: fn(&World), killed: bool) -> bool {
    let renderer = Copier::default();
    let mut work = pin!(answer(world, &renderer, world, event));
    let mut context = Context::from_waker(Waker::noop());
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
        done = work.as_mut().poll(&mut context).is_ready();
    }
    false
}

#[test]
fn whatever_happens_between_any_two_calls_the_end_is_right() {
    let mut histories = 0;
    for (before, set_up) in BEFORE {
        for (between, interrupt) in BETWEEN {
            for killed in [false, true] {
                for calls in 0..12 {
                    let world = World::default();
                    set_up(&world);
                    let mut events = world.take_events();
                    let event = events.pop().unwrap();
                    let reached = run_for(&world, &event, calls, interrupt, killed);
                    world.assert_named_exist();
                    // Everything is delivered, the interrupted event once more, in both orders, twice.
                    events.push(event);
                    events.extend(world.take_events());
                    events.extend(events.clone().into_iter().rev());
                    for event in &events {
                        block_on(answer(&world, &Copier::default(), &world, event)).unwrap();
                        world.assert_named_exist();
                    }
                    let outcome = world.stored(&photo());
                    assert!(outcome.is_some(), "{before}, then {between} at {calls}, killed: {killed}");
                    world.assert_settled();
                    histories += usize::from(reached);
                }
            }
        }
    }
    // Each history up to its last call, once going on and once killed.
    assert_eq!(histories, 384, "as many histories were interrupted");
}

#[test]
fn a_stray_rendition_of_an_earlier_revision_is_swept_even_when_nothing_is_written() {
    let world = World::default();
    world.upload(&photo(), "one", None);
    let event = world.take_events().remove(0);
    let renderer = Copier::default();
    let first = block_on(answer(&world, &renderer, &world, &event)).unwrap();
    let Answer::Ready { renditions, .. } = &first.outcome.answer else { panic!("{first:?}") };
    let mut stray = renditions[0].key.clone();
    stray.name = "left-by-a-crash".parse().unwrap();
    world.put_stray(stray.clone());

    let again = block_on(answer(&world, &renderer, &world, &event)).unwrap();
    assert!(!again.news);
    assert_eq!(again.outcome, first.outcome);
    assert!(world.rendition(&stray).is_none());
    world.assert_settled();
}

#[test]
fn two_at_once_write_one_outcome() {
    let world = Arc::new(World::default());
    world.upload(&photo(), "one", None);
    let event = world.take_events().remove(0);
    let renderer = Copier::default();
    let (a, b) = block_on(async {
        futures::join!(answer(&*world, &renderer, &*world, &event), answer(&*world, &renderer, &*world, &event))
    });
    assert!(a.unwrap().news != b.unwrap().news, "one wrote it, the other found it");
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
    let event = world.take_events().remove(0);
    let renderer = Copier::default();
    let mut work = pin!(answer(&world, &renderer, &world, &event));
    let mut context = Context::from_waker(Waker::noop());
    let mut seen = vec![world.calls()];
    while work.as_mut().poll(&mut context).is_pending() {
        seen.push(world.calls());
    }
    let expected = ["photos.get", "renditions.list", "originals.get", "renditions.put", "renditions.put", "photos.put"];
    assert_eq!(world.take_log(), expected, "the order that the promises rest on");
    assert!(seen.windows(2).all(|pair| pair[1] - pair[0] <= 1), "{seen:?}");
}
