//! What is read of a leaderboard: a hundred places, by pages of any size, while it moves.

use std::collections::VecDeque;
use std::sync::Mutex;

use coffeeshop_core::board::{Board, Page};
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Leaderboard, PortError};
use coffeeshop_core::score::{RankKey, Score};
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_core::testing::scores_contract::score;
use coffeeshop_snapshotter::boards;
use coffeeshop_snapshotter::job::{Deps, Job};
use fastrand::Rng;
use futures::executor::block_on;

use super::town::Town;

#[test]
fn a_hundred_places_are_announced() {
    let town = Town::new();
    town.open_shop("s0", "Turin");
    for ratings in 1..=99 {
        town.rank(&format!("s{ratings}"), Some("Turin"), "all", ratings);
    }
    let places = || town.announced("Turin/all").unwrap().split(' ').count();
    for (ratings, expected) in [(99, 99), (100, 100), (101, 100)] {
        town.rank(&format!("s{ratings}"), Some("Turin"), "all", ratings);
        town.compare(Job::Boards);
        assert_eq!(places(), expected);
        town.assert_right();
    }
    assert!(town.announced("global/all").unwrap().ends_with(" s3 s2"), "the last is not on it");
    // Beyond the last place nothing is seen.
    town.rank("s1", Some("Turin"), "all", 0);
    assert_eq!(town.compare(Job::Boards).changed, 0);
    town.rank("s50", Some("Turin"), "all", 0);
    assert_eq!((town.compare(Job::Boards).changed, places()), (2, 99));
    town.assert_right();
}

/// The pages of the board of all shops and all time, whatever is asked for, and the marks that were asked for.
struct Pages {
    left: Mutex<VecDeque<Page>>,
    asked: Mutex<Vec<Option<RankKey>>>,
}

impl Leaderboard for Pages {
    async fn top(&self, board: &Board, period: Period, _: usize, after: Option<&RankKey>) -> Result<Page, PortError> {
        if (board, period) != (&Board::Global, Period::All) {
            return Ok(Page { scores: Vec::new(), next: None });
        }
        self.asked.lock().unwrap().push(after.cloned());
        Ok(self.left.lock().unwrap().pop_front().unwrap())
    }

    async fn better_than(&self, _: &Board, _: Period, _: &RankKey) -> Result<u64, PortError> {
        panic!("nobody asks")
    }
}

/// `a5@2` is shop `a` with five ratings, by its second revision.
fn entry(text: &str) -> Score {
    let (shop, rest) = text.split_at(1);
    let (ratings, revision) = rest.split_once('@').unwrap_or((rest, "1"));
    score(&shop.parse().unwrap(), "all", revision.parse().unwrap(), ratings.parse().unwrap())
}

/// Pages, each with the key that it ends at, if there are more; and the board that they make.
#[track_caller]
fn check(pages: &[(&str, Option<&str>)], expected: &str) {
    let key = |text: &str| entry(text).rank.unwrap().rank_key;
    let page = |(scores, next): &(&str, Option<&str>)| Page {
        scores: scores.split_whitespace().map(entry).collect(),
        next: next.map(key),
    };
    let boards = Pages { left: Mutex::new(pages.iter().map(page).collect()), asked: Mutex::default() };
    let town = Town::new();
    let Deps { boards: store, scores, photos, uploads, clock, .. } = town.deps();
    let deps = Deps { leaderboard: &boards, boards: store, scores, photos, uploads, clock };
    block_on(boards::current(&deps)).unwrap();
    assert_eq!(town.announced("global/all").as_deref(), Some(expected));
    assert!(boards.left.lock().unwrap().is_empty(), "all are asked for");
    let marks: Vec<_> = pages.iter().map(|(_, next)| next.map(key)).collect();
    let mut asked = boards.asked.into_inner().unwrap();
    asked.push(None);
    assert_eq!(asked[1..], marks, "each from where the one before ended");
}

#[test]
fn pages_may_be_short_and_empty() {
    check(&[("a9 b8", None)], "a b");
    check(&[("a9", Some("a9")), ("b8", Some("b8")), ("", None)], "a b");
    check(&[("", Some("a9")), ("", Some("b8")), ("c7", None)], "c");
}

#[test]
fn a_shop_on_two_pages_is_where_its_later_write_is() {
    check(&[("a9 b8", Some("b8")), ("c7 a2@2", None)], "b c a");
    check(&[("a9@2 b8", Some("b8")), ("c7 a2", None)], "a b c");
    check(&[("a9 b8", Some("b8")), ("a7@2", Some("a7")), ("a3@3", None)], "b a");
    check(&[("a9", Some("a9")), ("a9", None)], "a");
}

#[test]
fn while_an_index_is_behind_no_shop_is_twice_and_all_is_made_good() {
    let mut rng = Rng::with_seed(8);
    let (mut tops, mut behind) = (0, 0);
    for _ in 0..6 {
        let town = Town::on(ScoreWorld::with_lagging_index());
        town.open_shop("s0", "Turin");
        let shops: Vec<String> = (0..130).map(|shop| format!("s{shop}")).collect();
        for round in 0..12 {
            for shop in &shops {
                if round == 0 || rng.u8(..3) == 0 {
                    town.rank(shop, Some("Turin"), "all", rng.u64(..500));
                }
            }
            town.compare(if round % 4 == 0 { Job::EveryBoard } else { Job::Boards });
            behind += town.wrong().len();
            assert!(town.not_exported().is_empty());
            town.assert_said();
        }
        tops += town.world.take_log().into_iter().filter(|call| *call == "leaderboard.top").count();
        // It catches up: what is at two places by then is the same at both.
        for _ in 0..2 {
            for score in town.world.stored_scores().into_values() {
                town.world.put_score(score);
            }
        }
        town.compare(Job::Boards);
        town.assert_right();
    }
    assert!(behind > 30, "{behind} of 144 boards were behind");
    // Of twelve runs of a town, three look at its two boards, and nine at six.
    assert!(tops > 6 * (3 * 2 + 9 * 6), "{tops}: of some boards there is more than a page");
}
