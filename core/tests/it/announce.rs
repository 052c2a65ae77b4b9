//! What each write says, as a table; and the ids of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use coffeeshop_core::announce::{Item, announce};
use coffeeshop_core::board::{BoardEntry, BoardKey, BoardSnapshot};
use coffeeshop_core::edition::Revision;
use coffeeshop_core::event::{Data, EVENT_ID_BYTES_MAX, Event, EventId, LeaderboardChanged};
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Outcome, Reason};
use coffeeshop_core::score::CITY_BYTES_MAX;
use coffeeshop_core::testing::contract::ready;
use coffeeshop_core::testing::scores_contract::score as score_of;
use fastrand::Rng;
use jiff::Timestamp;

/// A second of its own for each revision.
fn time(revision: u64) -> Timestamp {
    Timestamp::from_second(1_795_255_200 + i64::try_from(revision).unwrap()).unwrap()
}

/// `rejected@3` is the third answer.
pub(crate) fn photo(text: &str) -> Item {
    let (status, revision) = text.split_once('@').unwrap();
    let revision = revision.parse().unwrap();
    let ready = ready(&PhotoKey::from_original("uploads/shop-1/photo-1").unwrap(), revision);
    let answer = match status {
        "ready" => ready.answer.clone(),
        "rejected" => Answer::Rejected { reason: Reason::UnsupportedFormat, detected: Some("image/heic".to_owned()) },
        "removed" => Answer::Removed,
        _ => panic!("{text}"),
    };
    Item::Photo(Outcome { answer, revision: Revision(revision), processed_at: time(revision), ..ready })
}

/// `5@3` is a score of five ratings with the revision 3.
pub(crate) fn score(text: &str) -> Item {
    let (ratings, revision) = text.split_once('@').unwrap();
    let revision = revision.parse().unwrap();
    let mut score = score_of(&"shop-1".parse().unwrap(), "2026-11", revision, ratings.parse().unwrap());
    score.updated_at = time(revision);
    Item::Score(score)
}

/// `a b@3` are two shops in the third version of the board.
pub(crate) fn board(board: &str, text: &str) -> Item {
    let (shops, version) = text.split_once('@').unwrap();
    let version = version.parse().unwrap();
    let entry = |shop: &str| BoardEntry { shop_id: shop.parse().unwrap(), score_micros: 4_000_000, count: 7 };
    Item::Board(BoardSnapshot {
        key: BoardKey { board: board.parse().unwrap(), period: "all".parse().unwrap() },
        version,
        entries: shops.split_whitespace().map(entry).collect(),
        updated_at: Timestamp::from_second(1_795_255_200).unwrap(),
        exported: None,
    })
}

/// Type and id of what a write says, empty if it says nothing; `-` is no item.
#[track_caller]
fn check(item: fn(&str) -> Item, old: &str, new: &str, expected: &str) {
    let item = |text: &str| (text != "-").then(|| item(text));
    let (old_item, new_item) = (item(old), item(new));
    let said = announce(old_item.as_ref(), new_item.as_ref());
    let said = said.map(|event| format!("{} {} {}", event.data.kind(), event.id, event.time));
    assert_eq!(said.unwrap_or_default(), expected, "{old} -> {new}");
}

#[test]
fn every_answer_is_said_but_a_removal_after_a_removal() {
    let first = "coffeeshop.photo.ready.v1 photo/shop-1/photo-1/1 2026-11-21T10:00:01Z";
    let ready = "coffeeshop.photo.ready.v1 photo/shop-1/photo-1/4 2026-11-21T10:00:04Z";
    let rejected = "coffeeshop.photo.rejected.v1 photo/shop-1/photo-1/4 2026-11-21T10:00:04Z";
    let removed = "coffeeshop.photo.removed.v1 photo/shop-1/photo-1/4 2026-11-21T10:00:04Z";
    check(photo, "-", "ready@1", first);
    for old in ["ready@3", "rejected@3", "removed@3"] {
        check(photo, old, "ready@4", ready);
        check(photo, old, "rejected@4", rejected);
    }
    // `-` is also an old item that nobody understands.
    for old in ["-", "ready@3", "rejected@3"] {
        check(photo, old, "removed@4", removed);
    }
    check(photo, "removed@3", "removed@4", "");
    check(photo, "ready@4", "-", "");
    check(photo, "-", "-", "");
}

#[test]
fn a_score_is_said_when_its_revision_is_another() {
    let said = "coffeeshop.score.updated.v1 score/shop-1/2026-11/4 2026-11-21T10:00:04Z";
    check(score, "-", "5@4", said);
    check(score, "4@3", "5@4", said);
    check(score, "5@3", "5@4", said);
    check(score, "1@3", "0@4", said);
    check(score, "4@4", "5@4", "");
    check(score, "6@5", "5@4", said);
    check(score, "5@4", "-", "");
}

/// What is said of a leaderboard's places.
fn places(event: &Event) -> String {
    let Data::LeaderboardChanged(LeaderboardChanged { entered, left, moved, .. }) = &event.data else { panic!() };
    let entered = entered.iter().map(|it| format!("+{}{}", it.shop_id, it.place));
    let left = left.iter().map(|it| format!("-{}{}", it.shop_id, it.place));
    let moved = moved.iter().map(|it| format!("{}{}>{}", it.shop_id, it.from, it.to));
    entered.chain(left).chain(moved).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check_board(old: &str, new: &str, expected: &str) {
    let old_item = (old != "-").then(|| board("global", old));
    let event = announce(old_item.as_ref(), Some(&board("global", new))).unwrap();
    let version = new.split_once('@').unwrap().1;
    assert_eq!(event.id.as_str(), format!("board/global/all/{version}"));
    assert_eq!(places(&event), expected, "{old} -> {new}");
}

#[test]
fn a_leaderboard_is_always_said_with_what_is_not_as_before() {
    check_board("-", "a b@1", "+a1 +b2");
    check_board("-", "@1", "");
    check_board("a b@1", "a b@2", "");
    check_board("a b@1", "b a@2", "b2>1 a1>2");
    check_board("a b c@1", "d a b@9", "+d1 -c3 a1>2 b2>3");
    check_board("a b c@1", "c@2", "-a1 -b2 c3>1");
    check_board("a b@1", "@2", "-a1 -b2");
    check_board("@1", "a@2", "+a1");
    let old = board("global", "a@1");
    assert_eq!(announce(Some(&old), None), None);
}

#[test]
fn what_is_written_about_the_export_of_a_leaderboard_says_nothing() {
    let exported = |text: &str, exported| {
        let Item::Board(board) = board("global", text) else { panic!() };
        Item::Board(BoardSnapshot { exported, ..board })
    };
    let says = |old: &Item, new: &Item| announce(Some(old), Some(new)).map(|event| event.id.to_string());
    let (never, before, now) = (exported("a@2", None), exported("a@2", Some(1)), exported("a@2", Some(2)));
    for (old, new) in [(&never, &now), (&before, &now), (&now, &now), (&now, &never)] {
        assert_eq!(says(old, new), None);
    }
    // Whatever is different beside the version.
    assert_eq!(says(&now, &exported("b@2", Some(2))), None);
    for mark in [None, Some(1), Some(2), Some(3)] {
        assert_eq!(says(&now, &exported("b@3", mark)).as_deref(), Some("board/global/all/3"));
        assert_eq!(
            says(&now, &exported("a@3", mark)).as_deref(),
            Some("board/global/all/3"),
            "also with the same shops"
        );
    }
}

#[test]
fn a_leaderboard_that_goes_back_and_forth_says_so_each_time() {
    let versions = ["a b@1", "b a@2", "a b@3", "b a@4"].map(|text| board("global", text));
    let said: Vec<_> = versions.windows(2).map(|pair| announce(Some(&pair[0]), Some(&pair[1])).unwrap()).collect();
    assert_eq!(said.iter().map(places).collect::<Vec<_>>(), ["b2>1 a1>2", "a2>1 b1>2", "b2>1 a1>2"]);
    let first = announce(None, Some(&versions[0])).unwrap();
    let ids: HashSet<&EventId> = said.iter().chain([&first]).map(|event| &event.id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn who_follows_the_differences_has_the_leaderboard() {
    let mut rng = Rng::with_seed(5);
    for _ in 0..200 {
        let (mut old, mut follower): (Option<Item>, BTreeMap<usize, String>) = (None, BTreeMap::new());
        for version in 1..=10 {
            let mut shops: Vec<char> = "abcdefgh".chars().collect();
            rng.shuffle(&mut shops);
            shops.truncate(rng.usize(..=shops.len()));
            let shops: Vec<String> = shops.into_iter().map(String::from).collect();
            let new = board("global", &format!("{}@{version}", shops.join(" ")));
            let event = announce(old.as_ref(), Some(&new)).unwrap();
            let Data::LeaderboardChanged(changed) = event.data else { panic!() };
            let gone = changed.left.iter().map(|it| (it.place, &it.shop_id));
            for (place, shop) in gone.chain(changed.moved.iter().map(|it| (it.from, &it.shop_id))) {
                assert_eq!(follower.remove(&place).as_deref(), Some(shop.as_str()));
            }
            let come = changed.entered.iter().map(|it| (it.place, &it.shop_id));
            for (place, shop) in come.chain(changed.moved.iter().map(|it| (it.to, &it.shop_id))) {
                assert_eq!(follower.insert(place, shop.to_string()), None);
            }
            assert_eq!(follower, (1..).zip(shops).collect());
            assert_eq!(changed.entries.iter().map(|entry| entry.shop_id.to_string()).collect::<Vec<_>>(), {
                follower.values().cloned().collect::<Vec<_>>()
            });
            old = Some(new);
        }
    }
}

#[test]
fn the_name_of_a_city_is_escaped() {
    let id = |city: &str| announce(None, Some(&board(city, "a@7"))).unwrap();
    for (city, subject) in [
        ("global", "board/global/all"),
        ("Turin", "board/Turin/all"),
        ("St. Gallen", "board/St%2E%20Gallen/all"),
        ("Zürich/Üb#", "board/Z%C3%BCrich%2F%C3%9Cb%23/all"),
        ("100%", "board/100%25/all"),
        ("☕", "board/%E2%98%95/all"),
        ("a_b-c", "board/a_b-c/all"),
    ] {
        let event = id(city);
        assert_eq!(event.subject, subject);
        assert_eq!(event.id.as_str(), format!("{subject}/7"));
        assert_eq!(event.id.as_str().parse::<EventId>().as_ref(), Ok(&event.id));
    }
}

#[test]
fn the_longest_id_is_one() {
    for city in [".".repeat(CITY_BYTES_MAX), "ü".repeat(CITY_BYTES_MAX / 2)] {
        let text = format!("a@{}", u64::MAX);
        let Item::Board(mut snapshot) = board(&city, &text) else { panic!() };
        snapshot.key.period = "2026-11".parse().unwrap();
        let id = announce(None, Some(&Item::Board(snapshot))).unwrap().id;
        assert!(id.as_str().len() <= EVENT_ID_BYTES_MAX, "{}", id.as_str().len());
        assert_eq!(id.as_str().parse(), Ok(id));
    }
}

#[test]
fn one_id_has_one_content() {
    let mut contents: HashMap<EventId, Event> = HashMap::new();
    let mut said = |old: Option<&Item>, new: &Item| {
        if let Some(event) = announce(old, Some(new)) {
            assert_eq!(contents.entry(event.id.clone()).or_insert(event.clone()), &event);
        }
    };
    // Whatever was there before, and however often it is asked.
    for new in ["ready@3", "removed@4", "rejected@5"].map(photo) {
        for old in [None, Some(photo("ready@1")), Some(photo("removed@1")), Some(photo("rejected@2"))] {
            said(old.as_ref(), &new);
        }
    }
    for old in [None, Some(score("1@1")), Some(score("7@2"))] {
        said(old.as_ref(), &score("5@3"));
    }
    // There is one version before each.
    for _ in 0..2 {
        said(Some(&board("global", "a b@1")), &board("global", "b a@2"));
    }
}
