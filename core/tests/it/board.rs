//! What leaderboards are called; and pages of them, merged from what was found in partitions.

use coffeeshop_core::board::{Board, Page};
use coffeeshop_core::score::{CityError, RankKey, Score};
use coffeeshop_core::testing::scores_contract::score;
use serde_json::json;

/// `a5@2` is shop `a` with five ratings, by its second revision; the more ratings, the better.
fn entry(text: &str) -> Score {
    let (shop, rest) = text.split_at(1);
    let (ratings, revision) = rest.split_once('@').unwrap_or((rest, "1"));
    score(&shop.parse().unwrap(), "all", revision.parse().unwrap(), ratings.parse().unwrap())
}

fn key(text: &str) -> RankKey {
    entry(text).rank.unwrap().rank_key
}

/// What was found, the cut and the limit; the page, and where it goes on.
#[track_caller]
fn check(found: &str, cut: Option<&str>, limit: usize, page: &str, next: Option<&str>) {
    let merged = Page::merge(found.split_whitespace().map(entry), cut.map(key), limit);
    let scores: Vec<_> = page.split_whitespace().map(entry).collect();
    assert_eq!(merged, Page { scores, next: next.map(key) }, "{found:?} cut at {cut:?}, at most {limit}");
}

#[test]
fn a_leaderboard_is_called_global_or_as_its_city() {
    let city = |name: &str| Board::City(name.parse().unwrap());
    for (text, board) in
        [("global", Board::Global), ("Global", city("Global")), ("Frankfurt (Oder) #1", city("Frankfurt (Oder) #1"))]
    {
        assert_eq!(text.parse().as_ref(), Ok(&board));
        assert_eq!(board.to_string(), text);
        assert_eq!(serde_json::to_value(&board).unwrap(), text);
        assert_eq!(serde_json::from_value::<Board>(json!(text)).unwrap(), board);
    }
    for text in ["", "a\nb", "\u{FFFE}"] {
        assert_eq!(text.parse::<Board>(), Err(CityError::Text { bytes: text.len() }), "{text:?}");
        assert!(serde_json::from_value::<Board>(json!(text)).is_err(), "{text:?}");
    }
}

#[test]
fn a_page_is_the_first_of_what_was_found_in_order() {
    check("", None, 3, "", None);
    check("a5", None, 3, "a5", None);
    check("c1 a5 b3", None, 3, "a5 b3 c1", None);
    check("c3 a3 b3", None, 3, "a3 b3 c3", None);
}

#[test]
fn a_page_has_no_more_than_its_limit() {
    check("c1 a5 b3", None, 2, "a5 b3", Some("b3"));
    check("c1 a5 b3", None, 1, "a5", Some("a5"));
    check("c1 a5 b3", Some("c1"), 3, "a5 b3 c1", Some("c1"));
    check("c1 a5 b3", Some("c1"), 2, "a5 b3", Some("b3"));
}

#[test]
fn nothing_beyond_the_cut_is_known_to_be_next() {
    check("a9 b7 d4 c1", Some("b7"), 4, "a9 b7", Some("b7"));
    check("a9 b7 d4 c1", Some("d4"), 4, "a9 b7 d4", Some("d4"));
    check("a9 b7 d4 c1", Some("d4"), 2, "a9 b7", Some("b7"));
}

#[test]
fn of_a_shop_at_two_places_the_later_write_counts() {
    check("a9@1 b5 a2@2", None, 9, "b5 a2@2", None);
    check("a2@1 b5 a9@2", None, 9, "a9@2 b5", None);
    check("a9@2 b5 a2@1", None, 1, "a9@2", Some("a9@2"));
    check("b5 a9@1 a2@2", Some("b5"), 9, "b5", Some("b5"));
    check("a5@1 a5@2", None, 9, "a5@2", None);
}

#[test]
fn a_page_of_nothing_may_still_lead_on() {
    check("", Some("a5"), 9, "", Some("a5"));
    check("a9@1 a2@2", Some("a9"), 1, "", Some("a9"));
}

#[test]
fn a_score_without_a_rank_is_on_no_page() {
    check("a0 b5", None, 9, "b5", None);
    check("a5@1 a0@2 b3", None, 9, "b3", None);
}
