//! A photo is reprocessed on an operator's request: when anything is done, and what stays as it was.

use coffeeshop_core::edition::{Edition, Revision};
use coffeeshop_core::keys::RenditionKey;
use coffeeshop_core::outcome::{Answer, Cause, Outcome, Reason};
use coffeeshop_core::photo::{Delivery, Request};
use coffeeshop_core::pipeline::Pipeline;
use coffeeshop_core::ports::PhotoStore;
use coffeeshop_core::sequencer::Sequencer;
use coffeeshop_core::testing::World;
use coffeeshop_thumbnailer::photo::{Renderer, answer};
use coffeeshop_thumbnailer::render::PIPELINE;
use futures::executor::block_on;

use crate::support::{Copier, answer_now, deliver_all, photo, reprocess, stray, take_requests};

const WRITES: [&str; 3] = ["renditions.put", "photos.put", "renditions.delete"];

fn request() -> Request {
    Request::Reprocess(photo())
}

/// A photo with its answer, and no event under way.
fn answered(bytes: &'static str) -> (World, Outcome) {
    let world = World::default();
    world.upload(&photo(), bytes, Some("user-1"));
    let outcome = answer_now(&world, &Copier::default(), &take_requests(&world)[0]).outcome;
    world.take_log();
    (world, outcome)
}

/// Names of renditions that an outcome names.
fn names(outcome: &Outcome) -> Vec<&str> {
    let Answer::Ready { renditions, .. } = &outcome.answer else { panic!("{outcome:?}") };
    renditions.iter().map(|rendition| rendition.name.as_str()).collect()
}

/// Puts back an outcome as another version of the pipeline would have written it.
fn by_another_pipeline(answer: Answer) -> World {
    let (old, outcome) = answered("one");
    let version_id = &outcome.source.as_ref().unwrap().version_id;
    let edition = Edition::new(Revision(1), version_id, "photo/0", Copier::default().specs());
    let world = World::default();
    assert_eq!(world.upload(&photo(), "one", Some("user-1")), *version_id);
    world.take_events();
    drop(old);
    let outcome = Outcome { answer, edition, pipeline: "photo/0".to_owned(), ..outcome };
    block_on(world.put_outcome(&outcome)).unwrap();
    world
}

#[test]
fn the_pipeline_has_its_place_in_the_order() {
    assert_eq!(PIPELINE.parse::<Pipeline>().unwrap().to_string(), PIPELINE);
}

#[test]
fn without_an_outcome_it_is_answered_below_every_event() {
    let world = World::default();
    world.upload(&photo(), "one", Some("user-1"));
    let events = take_requests(&world);
    let first = answer_now(&world, &Copier::default(), &request());
    assert!(first.news);
    assert_eq!(world.stored(&photo()), Some(first.outcome.clone()));
    assert_eq!((first.outcome.sequencer, first.outcome.cause), (Sequencer::none(), Cause::Reprocess));
    assert_eq!((first.outcome.revision.0, first.outcome.answer.status()), (1, "ready"));
    assert_eq!(first.outcome.user_id.map(String::from).as_deref(), Some("user-1"));
    world.assert_settled();

    // The event comes after all: people are to hear of it.
    let event = answer_now(&world, &Copier::default(), &events[0]);
    assert!(event.news);
    assert_eq!((event.outcome.cause, event.outcome.revision.0), (Cause::Event, 2));
    assert!(event.outcome.sequencer > Sequencer::none());
    world.assert_settled();
}

#[test]
fn what_would_be_made_as_it_is_is_not_made_again() {
    for bytes in ["one", "bad"] {
        let (world, outcome) = answered(bytes);
        let renderer = Copier::default();
        let again = answer_now(&world, &renderer, &request());
        assert_eq!((again.news, &again.outcome, renderer.rendered()), (false, &outcome, 0), "{bytes}");
        assert_eq!(world.take_log(), ["photos.get", "renditions.list", "originals.get"], "{bytes}");

        let stray = stray(&outcome);
        world.put_stray(stray.clone());
        answer_now(&world, &renderer, &request());
        assert_eq!(world.take_log().last(), Some(&"renditions.delete"), "{bytes}");
        assert_eq!((world.rendition(&stray), world.stored(&photo())), (None, Some(outcome)), "{bytes}");
        world.assert_settled();
    }
}

#[test]
fn other_renditions_are_made_and_the_sequencer_stays() {
    let (world, before) = answered("one");
    let again = answer_now(&world, &Copier::otherwise(), &request());
    assert!(again.news);
    assert_eq!((names(&before), names(&again.outcome)), (vec!["thumb", "card"], vec!["thumb", "full"]));
    assert_eq!((&again.outcome.sequencer, again.outcome.cause), (&before.sequencer, Cause::Reprocess));
    assert_eq!((again.outcome.revision.0, again.outcome.edition.revision().0), (2, 2));
    assert_eq!(world.stored(&photo()), Some(again.outcome));
    let order = ["photos.get", "renditions.list", "originals.get", "renditions.put", "renditions.put", "photos.put"];
    assert_eq!(world.take_log(), [order.as_slice(), &["renditions.delete"]].concat());
    world.assert_settled();
}

#[test]
fn another_pipeline_makes_it_anew() {
    let ready = Answer::Ready { renditions: Vec::new(), thumbhash: "old".to_owned() };
    let corrupt = Answer::Rejected { reason: Reason::Corrupt, detected: None };
    for old in [ready, corrupt] {
        let world = by_another_pipeline(old);
        let before = world.stored(&photo()).unwrap();
        let again = answer_now(&world, &Copier::default(), &request()).outcome;
        assert_eq!((again.answer.status(), names(&again)), ("ready", vec!["thumb", "card"]));
        assert_eq!((again.sequencer, again.cause, again.revision.0), (before.sequencer, Cause::Reprocess, 2));
        assert_eq!(again.pipeline, PIPELINE);
        world.assert_settled();
    }
}

#[test]
fn another_version_is_shown_at_once_and_announced_by_its_event() {
    let (world, before) = answered("one");
    let second = world.upload(&photo(), "two", Some("user-2"));
    let events = take_requests(&world);
    let again = answer_now(&world, &Copier::default(), &request()).outcome;
    assert_eq!((again.cause, &again.sequencer), (Cause::Reprocess, &before.sequencer));
    assert_eq!(again.source.as_ref().map(|source| &source.version_id), Some(&second));
    world.assert_settled();

    let event = answer_now(&world, &Copier::default(), &events[0]).outcome;
    assert_eq!((event.cause, event.revision.0), (Cause::Event, 3));
    assert!(event.sequencer > again.sequencer);
    world.assert_settled();
}

#[test]
fn what_is_gone_is_removed_once() {
    let (world, before) = answered("one");
    world.remove(&photo());
    world.take_events();
    let gone = answer_now(&world, &Copier::default(), &request());
    assert!(gone.news);
    assert_eq!((&gone.outcome.answer, gone.outcome.cause), (&Answer::Removed, Cause::Reprocess));
    assert_eq!((&gone.outcome.sequencer, &gone.outcome.user_id), (&before.sequencer, &before.user_id));
    world.assert_settled();
    assert!(!answer_now(&world, &Copier::default(), &request()).news);
    assert_eq!(world.stored(&photo()), Some(gone.outcome));
}

#[test]
fn of_what_is_not_there_nothing_is_written() {
    let world = World::default();
    world.send(reprocess());
    block_on(deliver_all(&world));
    assert_eq!((world.stored(&photo()), world.parked(), world.dead()), (None, vec![], vec![]));
    let log = world.take_log();
    assert!(log.iter().all(|call| !WRITES.contains(call)), "{log:?}");
    let renderer = Copier::default();
    assert_eq!(block_on(answer(&world, &renderer, &world, &request(), Delivery::Again)).unwrap(), None);
}

/// Somebody was about to answer it and died, and no event of it is left.
#[test]
fn renditions_that_nobody_came_to_name_are_those_of_a_removed_photo() {
    let (_, outcome) = answered("one");
    let world = World::default();
    let stray = stray(&outcome);
    world.put_stray(stray.clone());
    let gone = answer_now(&world, &Copier::default(), &request()).outcome;
    assert_eq!((gone.answer, gone.sequencer, gone.revision.0), (Answer::Removed, Sequencer::none(), 1));
    assert!(world.rendition(&stray).is_none());
    world.assert_settled();
}

/// It was begun under another configuration, died, and comes again under the one that the outcome is of.
#[test]
fn renditions_of_a_greater_revision_are_outgrown_and_swept() {
    let (world, before) = answered("one");
    let edition = Edition::new(Revision(2), "v1", PIPELINE, Copier::otherwise().specs());
    let left = RenditionKey { edition, ..stray(&before) };
    world.put_stray(left.clone());
    let again = answer_now(&world, &Copier::default(), &request());
    assert!(again.news);
    assert_eq!((&again.outcome.sequencer, again.outcome.revision.0), (&before.sequencer, 2));
    assert!(world.rendition(&left).is_none());
    world.assert_settled();
    assert!(!answer_now(&world, &Copier::default(), &request()).news);
}

#[test]
fn a_request_goes_the_way_of_every_message() {
    let (world, _) = answered("one");
    world.upload(&photo(), "two", None);
    world.take_events();
    world.send(reprocess());
    world.send(reprocess());
    block_on(deliver_all(&world));
    let outcome = world.stored(&photo()).unwrap();
    assert_eq!((outcome.revision.0, outcome.cause), (2, Cause::Reprocess), "the second found nothing to do");
    world.assert_settled();
}
