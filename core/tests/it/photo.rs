//! What is news, and which renditions can go.

use coffeeshop_core::edition::{Edition, Revision};
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::Cause;
use coffeeshop_core::photo::{Decision, Draft, PhotoChanged, Request, decide, never_again};
use coffeeshop_core::sequencer::Sequencer;
use coffeeshop_core::testing::contract::ready;

fn photo() -> PhotoKey {
    PhotoKey::from_original("uploads/shop/photo").unwrap()
}

fn event(sequencer: &str) -> Request {
    Request::Changed(PhotoChanged { photo: photo(), sequencer: sequencer.parse().unwrap() })
}

fn edition(revision: u64, version: &str) -> Edition {
    Edition::new(Revision(revision), version, "p", &"thumb=1:fit".parse().unwrap())
}

#[test]
fn only_a_greater_sequencer_is_news() {
    let first = |sequencer: &str| {
        let sequencer = sequencer.parse().unwrap();
        Decision::Answer(Draft { revision: Revision(1), sequencer, cause: Cause::Event, stored: None })
    };
    assert_eq!(decide(&event("01"), None), first("01"));

    let mut stored = ready(&photo(), 7);
    stored.sequencer = "0100".parse().unwrap();
    for late in ["01", "00FF", "0100"] {
        assert_eq!(decide(&event(late), Some(stored.clone())), Decision::Answered(stored.clone()), "{late}");
    }
    let Decision::Answer(draft) = decide(&event("01001"), Some(stored.clone())) else { panic!("it is greater") };
    let sequencer = "01001".parse().unwrap();
    assert_eq!(draft, Draft { revision: Revision(8), sequencer, cause: Cause::Event, stored: Some(stored.clone()) });
    assert!(draft.is_news(&edition(8, "another"), true, &[]));
    assert!(draft.is_news(&stored.edition, false, &[]), "an event is answered whatever is there");
}

#[test]
fn a_reprocessed_photo_keeps_its_sequencer_and_is_news_when_it_would_be_made_otherwise() {
    let mut stored = ready(&photo(), 7);
    stored.edition = edition(7, "a");
    let Decision::Answer(draft) = decide(&Request::Reprocess(photo()), Some(stored.clone())) else {
        panic!("that is for what is there to say")
    };
    let (revision, sequencer) = (Revision(8), stored.sequencer.clone());
    assert_eq!(draft, Draft { revision, sequencer, cause: Cause::Reprocess, stored: Some(stored) });
    for there in [true, false] {
        assert!(!draft.is_news(&edition(8, "a"), there, &[]));
        assert!(draft.is_news(&edition(8, "b"), there, &[]));
        let name = "thumb".parse().unwrap();
        let left = RenditionKey { photo: photo(), edition: edition(0, "left"), name };
        let listed = |revision| [RenditionKey { edition: edition(revision, "left"), ..left.clone() }];
        assert!(!draft.is_news(&edition(8, "a"), there, &listed(7)), "that is swept");
        assert!(draft.is_news(&edition(8, "a"), there, &listed(8)), "that is only swept with a later answer");
    }
}

#[test]
fn a_photo_without_outcome_is_reprocessed_below_every_event() {
    let Decision::Answer(draft) = decide(&Request::Reprocess(photo()), None) else { panic!("there is no outcome") };
    let (revision, sequencer) = (Revision(1), Sequencer::none());
    assert_eq!(draft, Draft { revision, sequencer, cause: Cause::Reprocess, stored: None });
    assert!(draft.is_news(&edition(1, "a"), true, &[]));
    assert!(!draft.is_news(&edition(1, ""), false, &[]), "nobody has ever seen it");

    let mut stored = ready(&photo(), 1);
    stored.sequencer = draft.sequencer;
    assert!(matches!(decide(&event("0"), Some(stored)), Decision::Answer(draft) if draft.revision == Revision(2)));
}

#[test]
fn what_a_coming_outcome_may_name_is_kept() {
    let photo = photo();
    let outcome = ready(&photo, 7);
    let key = |revision, version: &str, name: &str| RenditionKey {
        photo: photo.clone(),
        edition: edition(revision, version),
        name: name.parse().unwrap(),
    };
    let named = RenditionKey { edition: outcome.edition.clone(), ..key(7, "", "thumb") };
    let left_over = RenditionKey { edition: outcome.edition.clone(), ..key(7, "", "renamed") };
    let gone = vec![key(1, "a", "thumb"), key(6, "a", "card"), key(7, "lost the race", "thumb"), left_over];
    let mut listed = gone.clone();
    listed.extend([named, key(8, "a", "thumb"), key(99, "a", "thumb")]);
    assert_eq!(never_again(listed, &outcome), gone);
}
