//! What `top` and `show` show.

use std::sync::Mutex;

use coffeeshop_core::board::{Board, Page};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock as _, Leaderboard, PortError};
use coffeeshop_core::score::{RankKey, Score, ScoreKey};
use coffeeshop_core::testing::{Fault, ScoreWorld};
use coffeeshop_operator::run::{Ports, run};
use futures::executor::block_on;
use indicatif::ProgressBar;
use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::transcript;

/// Shop, city, period, how many ratings of 1 to 5 stars.
const SCORES: [(&str, &str, &str, [u64; 5]); 10] = [
    ("kaffeehaus-7", "Eastmere", "all", [1, 0, 50, 1000, 98_949]),
    ("kaffeehaus-7", "Eastmere", "2026-11", [0, 1, 1, 4, 6]),
    ("kaffeehaus-7", "Eastmere", "2026-09", [0, 0, 0, 0, 0]),
    ("bean-there", "Zürich", "all", [0, 1, 2, 3, 4]),
    ("bean-there", "Zürich", "2026-11", [0, 1, 2, 3, 4]),
    ("no-city", "", "all", [7, 0, 0, 0, 0]),
    ("drip", "Eastmere", "all", [0, 0, 0, 2, 40]),
    ("drip", "Eastmere", "2026-11", [0, 0, 0, 2, 10]),
    ("tokyo_1", "東京", "all", [0, 0, 1, 0, 9]),
    ("empty", "Eastmere", "all", [0, 0, 0, 0, 0]),
];

fn world() -> ScoreWorld {
    let world = ScoreWorld::default();
    world.advance(SignedDuration::from_millis(1_795_255_200_125));
    for (number, (shop, city, period, counts)) in (13..).zip(SCORES) {
        world.advance(SignedDuration::from_mins(7));
        let now = world.now();
        let score = Score::new(key(shop, period), Histogram::try_from(counts).unwrap(), number, city.parse().ok(), now);
        world.put_score(score);
    }
    world
}

fn key(shop: &str, period: &str) -> ScoreKey {
    ScoreKey { shop_id: shop.parse().unwrap(), period: period.parse().unwrap() }
}

fn edit(world: &ScoreWorld, shop: &str, edit: impl FnOnce(&mut Score)) {
    let mut score = world.stored_scores()[&key(shop, "all")].clone();
    edit(&mut score);
    world.put_score(score);
}

#[test]
fn top_of_all() {
    assert_snapshot!(transcript::of(&world(), "scores top"));
}

#[test]
fn top_of_a_city_in_a_month() {
    assert_snapshot!(transcript::of(&world(), "scores top --city Eastmere --period 2026-11"));
}

#[test]
fn top_for_programs() {
    assert_snapshot!(transcript::of(&world(), "scores top --limit 2 --json"));
}

fn world_now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_795_255_200).unwrap()
}

/// A board that moves while it is read: the first page ends with what the second begins with.
struct Moving;

impl Leaderboard for Moving {
    async fn top(&self, _: &Board, _: Period, _: usize, after: Option<&RankKey>) -> Result<Page, PortError> {
        let score = |shop: &str| {
            let counts = Histogram::try_from([0, 0, 0, 0, 1]).unwrap();
            Score::new(key(shop, "all"), counts, 1, None, world_now())
        };
        let next = score("b").rank.map(|rank| rank.rank_key);
        Ok(match after {
            None => Page { scores: vec![score("a"), score("b")], next },
            Some(_) => Page { scores: vec![score("b"), score("c")], next: None },
        })
    }

    async fn better_than(&self, _: &Board, _: Period, _: &RankKey) -> Result<u64, PortError> {
        Ok(0)
    }
}

/// A board that remembers what it was asked for.
struct Asked<'a> {
    board: &'a ScoreWorld,
    asked: Mutex<Vec<(usize, Option<RankKey>)>>,
}

impl Leaderboard for Asked<'_> {
    async fn top(
        &self,
        board: &Board,
        period: Period,
        limit: usize,
        after: Option<&RankKey>,
    ) -> Result<Page, PortError> {
        self.asked.lock().unwrap().push((limit, after.cloned()));
        assert!(self.asked.lock().unwrap().len() < 10, "it does not end");
        self.board.top(board, period, limit, after).await
    }

    async fn better_than(&self, _: &Board, _: Period, _: &RankKey) -> Result<u64, PortError> {
        Ok(0)
    }
}

/// Pages are no larger than 100 entries, each begins where the one before ended, and no more is read than is shown.
#[test]
fn top_asks_for_pages() {
    let world = ScoreWorld::default();
    for shop in 0..150_u64 {
        let counts = Histogram::try_from([0, 0, 0, 1, 149 - shop]).unwrap();
        world.put_score(Score::new(key(&format!("shop-{shop:03}"), "all"), counts, 1, None, world_now()));
    }
    let rank_key = |shop: &str| world.stored_scores()[&key(shop, "all")].rank.as_ref().unwrap().rank_key.clone();
    for (limit, shown, pages) in [
        ("1", 1, vec![1]),
        ("100", 100, vec![100]),
        ("101", 101, vec![100, 1]),
        ("120", 120, vec![100, 20]),
        ("150", 150, vec![100, 50]),
        ("1000", 150, vec![100, 100]),
    ] {
        let invocation = transcript::scores(["coffeeshop", "scores", "top", "--local", "--limit", limit]);
        let board = Asked { board: &world, asked: Mutex::default() };
        let ports = Ports { store: &world, board: &board, clock: &world };
        let mut lines = Vec::new();
        block_on(run(&invocation, &ports, &mut lines, ProgressBar::hidden(), std::future::pending())).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let places: Vec<_> =
            lines.lines().skip(1).map(|line| line.split_whitespace().take(2).collect::<Vec<_>>()).collect();
        let expected: Vec<_> = (0..shown).map(|shop| [(shop + 1).to_string(), format!("shop-{shop:03}")]).collect();
        assert_eq!(places, expected, "{limit}");
        let after = [None, Some(rank_key("shop-099"))];
        assert_eq!(board.asked.into_inner().unwrap(), pages.into_iter().zip(after).collect::<Vec<_>>(), "{limit}");
    }
}

#[test]
fn top_shows_no_shop_twice() {
    let world = ScoreWorld::default();
    let invocation = transcript::scores(["coffeeshop", "scores", "top", "--local"]);
    let ports = Ports { store: &world, board: &Moving, clock: &world };
    let mut lines = Vec::new();
    block_on(run(&invocation, &ports, &mut lines, ProgressBar::hidden(), std::future::pending())).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let shown: Vec<_> = lines.lines().skip(1).filter_map(|line| line.get(..8)).collect();
    assert_eq!(shown, ["    1  a", "    2  b", "    3  c"]);
}

#[test]
fn top_of_an_empty_board() {
    let empty = ScoreWorld::default();
    let world = world();
    assert_snapshot!(
        [
            transcript::of(&empty, "scores top"),
            transcript::of(&world, "scores top --period 2020-01"),
            transcript::of(&world, "scores top --city eastmere"),
            transcript::of(&world, "scores top --city Eastmere --period 2020-01 --json"),
        ]
        .join("\n")
    );
}

#[test]
fn show_a_shop() {
    assert_snapshot!(transcript::of(&world(), "scores show kaffeehaus-7"));
}

#[test]
fn show_for_programs() {
    assert_snapshot!(transcript::of(&world(), "scores show kaffeehaus-7 --json"));
}

#[test]
fn show_shops_with_little_to_show() {
    let world = world();
    edit(&world, "bean-there", |score| "star-lcb/2".clone_into(&mut score.formula));
    let mut shown: Vec<String> = ["no-city", "empty", "bean-there", "Kaffeehaus-7"]
        .map(|shop| transcript::of(&world, &format!("scores show {shop}")))
        .into();
    world.spoil(Some(key("kaffeehaus-7", "2026-11")));
    shown.push(transcript::of(&world, "scores show kaffeehaus-7"));
    shown.push(transcript::of(&world, "scores show kaffeehaus-7 --json"));
    world.spoil(Some(key("drip", "all")));
    shown.push(transcript::of(&world, "scores show drip"));
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_store_that_does_not_answer() {
    let world = world();
    world.fail_always(Some(Fault::Before));
    let mut shown = vec![transcript::of(&world, "scores top"), transcript::of(&world, "scores show drip")];
    world.fail_always(Some(Fault::Busy));
    shown.push(transcript::of(&world, "scores top"));
    assert_snapshot!(shown.join("\n"));
}

/// `coffeeshop scores top | head`.
#[test]
fn nobody_reads_any_more() {
    let world = world();
    let (errors, status) =
        transcript::into(&world, &world, "scores top", transcript::Closed(0), std::future::pending());
    assert_eq!((errors.as_str(), status), ("", 1));
}
