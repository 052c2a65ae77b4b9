//! Which events are news, and which renditions can go.

use coffeeshop_core::edition::{Edition, Revision};
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::photo::{Decision, PhotoChanged, decide, never_again};
use coffeeshop_core::testing::contract::ready;

fn event(sequencer: &str) -> PhotoChanged {
    let photo = PhotoKey::from_original("uploads/shop/photo").unwrap();
    PhotoChanged { photo, sequencer: sequencer.parse().unwrap() }
}

#[test]
fn only_a_greater_sequencer_is_news() {
    let first = event("01");
    assert_eq!(decide(&first, None), Decision::Answer { revision: Revision(1), stored: None });

    let mut stored = ready(&first.photo, 7);
    stored.sequencer = "0100".parse().unwrap();
    for late in ["01", "00FF", "0100"] {
        assert_eq!(decide(&event(late), Some(stored.clone())), Decision::Answered(stored.clone()), "{late}");
    }
    let news = Decision::Answer { revision: Revision(8), stored: Some(stored.clone()) };
    assert_eq!(decide(&event("01001"), Some(stored)), news);
}

#[test]
fn what_a_coming_outcome_may_name_is_kept() {
    let photo = event("01").photo;
    let outcome = ready(&photo, 7);
    let key = |revision, version: &str, name: &str| {
        let edition = Edition::new(Revision(revision), version, "p", &"thumb=1:fit".parse().unwrap());
        RenditionKey { photo: photo.clone(), edition, name: name.parse().unwrap() }
    };
    let named = RenditionKey { edition: outcome.edition.clone(), ..key(7, "", "thumb") };
    let left_over = RenditionKey { edition: outcome.edition.clone(), ..key(7, "", "renamed") };
    let gone = vec![key(1, "a", "thumb"), key(6, "a", "card"), key(7, "lost the race", "thumb"), left_over];
    let mut listed = gone.clone();
    listed.extend([named, key(8, "a", "thumb"), key(99, "a", "thumb")]);
    assert_eq!(never_again(listed, &outcome), gone);
}
