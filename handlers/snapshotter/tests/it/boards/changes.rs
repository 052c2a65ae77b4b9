//! What is written, said and exported of which boards, when all goes well.

use coffeeshop_core::board::BoardDocument;
use coffeeshop_core::event::{Data, Event, LeaderboardChanged};
use coffeeshop_snapshotter::boards::Summary;
use coffeeshop_snapshotter::job::Job;
use jiff::SignedDuration;

use super::town::{TICK, Town, begin, key};

/// What is said of places.
fn places(event: &Event) -> String {
    let Data::LeaderboardChanged(LeaderboardChanged { entered, left, moved, .. }) = &event.data else { panic!() };
    let entered = entered.iter().map(|it| format!("+{}{}", it.shop_id, it.place));
    let left = left.iter().map(|it| format!("-{}{}", it.shop_id, it.place));
    let moved = moved.iter().map(|it| format!("{}{}>{}", it.shop_id, it.from, it.to));
    entered.chain(left).chain(moved).collect::<Vec<_>>().join(" ")
}

fn summary(compared: u64, changed: u64) -> Summary {
    Summary { compared, changed, exported: changed, lost_races: 0 }
}

#[test]
fn back_and_forth_says_four_changes_with_four_ids() {
    let town = Town::new();
    for shops in ["a b", "b a", "a b", "b a"] {
        town.order(None, shops);
        assert_eq!(town.compare(Job::Boards), summary(3, 1));
        town.assert_right();
        // And once more, when nothing is new.
        assert_eq!(town.compare(Job::Boards), summary(3, 0));
        town.assert_right();
    }
    let said = town.said();
    assert_eq!(said.iter().map(places).collect::<Vec<_>>(), ["+a1 +b2", "b2>1 a1>2", "a2>1 b1>2", "b2>1 a1>2"]);
    let at = |ticks: i32| (begin() + TICK * ticks).as_millisecond();
    let ids: Vec<_> = said.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(ids, [0, 2, 4, 6].map(|ticks| format!("board/global/all/{}", at(ticks))));
    assert_eq!(town.world.board_writes().len(), 8, "each change, and the mark of its export");
}

#[test]
fn a_clock_that_is_set_back_makes_no_id_come_again() {
    let town = Town::new();
    for shops in ["a b", "b a", "a b"] {
        town.order(None, shops);
        town.compare(Job::Boards);
        town.world.advance(SignedDuration::from_mins(-10));
    }
    let said: Vec<_> = town.said().iter().map(|event| event.id.to_string()).collect();
    let first = begin().as_millisecond();
    assert_eq!(said, [0, 1, 2].map(|more| format!("board/global/all/{}", first + more)));
    town.assert_right();
}

#[test]
fn a_score_without_a_place_more_is_a_change_too() {
    let town = Town::new();
    town.order(None, "a b");
    town.compare(Job::Boards);
    town.rank("a", None, "all", 9);
    assert_eq!(town.compare(Job::Boards), summary(3, 1));
    assert_eq!(places(town.said().last().unwrap()), "");
    town.assert_right();
}

#[test]
fn current_boards_are_those_of_cities_with_shops_in_three_periods() {
    let town = Town::new();
    for (shop, city) in [("a", "東京"), ("b", "St. Gallen")] {
        town.open_shop(shop, city);
        for period in ["all", "2026-11", "2026-10", "2026-09"] {
            town.rank(shop, Some(city), period, 3);
        }
    }
    // Another city by now: its scores stay where they are until they are rebuilt.
    town.rank("moved", Some("Lyon"), "all", 5);
    town.open_shop("moved", "東京");
    assert_eq!(town.compare(Job::Boards), summary(9, 9));
    let objects: Vec<String> = town.uploads.objects().into_keys().collect();
    let boards = ["%E6%9D%B1%E4%BA%AC", "St%2E%20Gallen", "global"];
    let expected = ["2026-10", "2026-11", "all"]
        .iter()
        .flat_map(|period| boards.map(|board| format!("leaderboards/{period}/{board}.json")));
    assert_eq!(objects, expected.collect::<Vec<_>>());
    let older = ["Lyon/all", "St. Gallen/2026-09", "global/2026-09", "東京/2026-09"].map(key);
    assert_eq!(town.wrong(), older.into());
    assert_eq!(town.announced("global/all").as_deref(), Some("moved a b"));

    assert_eq!(town.compare(Job::EveryBoard), summary(13, 4), "those too, each hour");
    town.assert_right();
    assert_eq!(town.compare(Job::EveryBoard), summary(13, 0));
}

#[test]
fn an_emptied_board_says_so_and_one_that_was_never_announced_is_not_written() {
    let town = Town::new();
    town.open_shop("a", "Turin");
    town.open_shop("z", "Nowhere");
    town.order(Some("Turin"), "a b");
    assert_eq!(town.compare(Job::Boards), summary(9, 2));
    town.order(Some("Turin"), "");
    assert_eq!(town.compare(Job::Boards), summary(9, 2));
    assert_eq!(town.announced("Turin/all").as_deref(), Some(""));
    assert_eq!(town.announced("Nowhere/all"), None);
    assert_eq!(places(town.said().last().unwrap()), "-a1 -b2");
    let document = &town.uploads.objects()["leaderboards/all/Turin.json"].body;
    assert_eq!(serde_json::from_slice::<BoardDocument>(document).unwrap().entries, []);
    town.assert_right();
    assert_eq!(town.compare(Job::EveryBoard), summary(2, 0), "both were announced, and are as they were");
    town.order(Some("Turin"), "b");
    assert_eq!(town.compare(Job::Boards), summary(9, 2));
    assert_eq!(places(town.said().last().unwrap()), "+b1");
    town.assert_right();
}

#[test]
fn a_city_that_nobody_has_any_more_is_emptied_within_the_hour() {
    let town = Town::new();
    town.open_shop("a", "Turin");
    town.rank("a", Some("Turin"), "all", 3);
    town.compare(Job::Boards);
    // The shop moved, and its scores were rebuilt.
    town.open_shop("a", "Lyon");
    town.rank("a", Some("Lyon"), "all", 3);
    assert_eq!(town.compare(Job::Boards), summary(6, 1), "that of Lyon");
    assert_eq!(town.wrong(), [key("Turin/all")].into());
    assert_eq!(town.compare(Job::EveryBoard), summary(3, 1));
    assert_eq!(town.announced("Turin/all").as_deref(), Some(""));
    town.assert_right();
}

#[test]
fn a_month_that_begins_has_a_board_and_one_that_ends_keeps_its() {
    let town = Town::new();
    town.rank("a", None, "2026-11", 3);
    town.compare(Job::Boards);
    town.world.advance(SignedDuration::from_hours(24 * 40));
    town.rank("a", None, "2026-11", 4);
    town.rank("a", None, "2027-01", 1);
    assert_eq!(town.compare(Job::Boards), summary(3, 1), "all time, December and January");
    assert_eq!(town.wrong(), [key("global/2026-11")].into());
    assert_eq!(town.compare(Job::EveryBoard), summary(2, 1));
    town.assert_right();
}

#[test]
fn an_item_that_an_operator_deleted_is_written_again_with_a_greater_version() {
    let town = Town::new();
    town.order(None, "a b");
    town.compare(Job::Boards);
    let version = |town: &Town| town.world.stored_boards()[&key("global/all")].version;
    let before = version(&town);
    town.world.remove_board(&key("global/all"));
    assert_eq!(town.compare(Job::Boards), summary(3, 1));
    assert!(version(&town) > before);
    assert!(town.wrong().is_empty());
}

#[test]
fn no_board_at_all_is_none_to_compare() {
    let town = Town::new();
    assert_eq!(town.compare(Job::EveryBoard), summary(0, 0));
    assert_eq!(town.compare(Job::Boards), summary(3, 0));
    assert!(town.uploads.objects().is_empty() && town.world.board_writes().is_empty());
}
