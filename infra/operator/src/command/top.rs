//! `coffeeshop scores top`: the best of a leaderboard.
//!
//! A board follows the scores after a moment; what is shown is as it was then.

use std::collections::HashSet;
use std::io::Write;

use coffeeshop_core::board::Board;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::Leaderboard;
use coffeeshop_core::score::Score;
use serde::Serialize;

use super::Session;
use crate::cli::Top;
use crate::failure::{Failure, Why};
use crate::run::{Ports, Verdict};
use crate::table::{Side, decimal, table};

/// How many entries are asked for at once.
const PAGE_ENTRIES_MAX: usize = 100;

const HEADS: [(&str, Side); 7] = [
    ("place", Side::Right),
    ("shop", Side::Left),
    ("city", Side::Left),
    ("ratings", Side::Right),
    ("mean", Side::Right),
    ("score", Side::Right),
    ("last change", Side::Left),
];

/// An entry as programs read it.
#[derive(Serialize)]
struct Entry<'a> {
    place: usize,
    #[serde(flatten)]
    score: &'a Score,
}

pub(crate) async fn run<S, L: Leaderboard, C>(
    ports: &Ports<'_, S, L, C>,
    session: &Session<'_, impl Write>,
    top: &Top,
) -> Result<Verdict, Failure> {
    let board = top.city.clone().map_or(Board::Global, Board::City);
    let limit = usize::try_from(top.limit).unwrap_or(usize::MAX);
    // The board may move between two pages, and a shop be on both.
    let mut shown: HashSet<ShopId> = HashSet::new();
    let mut rows = Vec::new();
    let mut after = None;
    while shown.len() < limit {
        let wanted = (limit - shown.len()).min(PAGE_ENTRIES_MAX);
        let page = ports.board.top(&board, top.period, wanted, after.as_ref()).await?;
        for score in page.scores {
            if !shown.insert(score.key.shop_id.clone()) {
                continue;
            }
            if session.invocation.json {
                session.output.object(&Entry { place: shown.len(), score: &score });
            } else {
                rows.push(row(shown.len(), &score));
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if shown.is_empty() {
        return Err(Why::EmptyBoard { board, period: top.period }.into());
    }
    if !session.invocation.json {
        session.output.line(table(HEADS, &rows));
    }
    Ok(Verdict::Well)
}

fn row(place: usize, score: &Score) -> [String; 7] {
    [
        place.to_string(),
        score.key.shop_id.to_string(),
        score.city.as_ref().map_or("-".to_owned(), ToString::to_string),
        score.count.to_string(),
        score.mean_micros.map_or("-".to_owned(), decimal),
        decimal(score.score_micros),
        format!("{:.0}", score.updated_at),
    ]
}
