//! `coffeeshop scores show`: all that is known of a shop's scores.
//!
//! What is stored is shown as it is stored: whether it is right is for `verify`.

use std::collections::BTreeMap;
use std::io::Write;

use coffeeshop_core::board::Board;
use coffeeshop_core::histogram::FORMULA;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Leaderboard, PortError, ShopRecords};
use coffeeshop_core::score::Score;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use super::Session;
use crate::bars::bars;
use crate::failure::Failure;
use crate::run::{Ports, Verdict};
use crate::table::{Side, decimal, table};

/// How many periods are asked about at once.
const PERIODS_AT_ONCE: usize = 4;

/// `star-lcb/1`, as `CONTRACT.md` has it.
const FORMULA_IN_WORDS: &str = "\
count each number of stars once more than it was given, so that a few
ratings say little; take the mean of that, and go down by 1.65 standard deviations of what
the true mean may be: with a probability of about 95 percent the shop is at least as good
as its score";

const HEADS: [(&str, Side); 6] = [
    ("period", Side::Left),
    ("ratings", Side::Right),
    ("mean", Side::Right),
    ("score", Side::Right),
    ("place of all", Side::Right),
    ("place in its city", Side::Right),
];

/// On which place of its boards a score is.
#[derive(Debug, Default, Serialize)]
struct Places {
    #[serde(skip_serializing_if = "Option::is_none")]
    global: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<u64>,
}

/// Instead of a score that cannot be understood.
#[derive(Serialize)]
struct NotRead<'a> {
    kind: &'static str,
    shop_id: &'a ShopId,
    period: Period,
}

/// A score as programs read it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    score: &'a Score,
    places: Places,
}

pub(crate) async fn run<S: ShopRecords, L: Leaderboard, C>(
    ports: &Ports<'_, S, L, C>,
    session: &Session<'_, impl Write>,
    shop_id: &ShopId,
) -> Result<Verdict, Failure> {
    let found = ports.store.scores_of(shop_id).await?;
    let scores: BTreeMap<Period, _> = found.into_iter().map(|(key, score)| (key.period, score)).collect();
    if scores.is_empty() {
        return Err(session.without_scores(shop_id));
    }
    // All time, then the months, the newest first.
    let (all, months): (Vec<_>, Vec<_>) = scores.iter().partition(|(period, _)| **period == Period::All);
    let order: Vec<_> = all.into_iter().chain(months.into_iter().rev()).collect();
    let places: Vec<Places> = stream::iter(&order)
        .map(|(_, score)| places(ports.board, score.as_ref().ok()))
        .buffered(PERIODS_AT_ONCE)
        .try_collect()
        .await?;

    if session.invocation.json {
        for ((period, score), places) in order.into_iter().zip(places) {
            match score {
                Ok(score) => session.output.object(&Shown { score, places }),
                Err(_) => session.output.object(&NotRead { kind: "unreadable", shop_id, period: *period }),
            }
        }
        return Ok(Verdict::Well);
    }
    let all_time = scores.get(&Period::All).and_then(|score| score.as_ref().ok());
    session.output.line(head(shop_id, all_time));
    let rows: Vec<_> =
        order.iter().zip(&places).map(|((period, score), places)| row(**period, score, places)).collect();
    session.output.line(format!("\n{}", table(HEADS, &rows)));
    if scores.values().any(Result::is_err) {
        let examine = session.invocation.examine(shop_id);
        session.output.line(format!("\nWhat cannot be understood, and why: {examine}"));
    }
    Ok(Verdict::Well)
}

async fn places(board: &impl Leaderboard, score: Option<&Score>) -> Result<Places, PortError> {
    let Some((score, rank)) = score.and_then(|score| Some((score, score.rank.as_ref()?))) else {
        return Ok(Places::default());
    };
    let period = score.key.period;
    let better = board.better_than(&Board::Global, period, &rank.rank_key).await?;
    let mut places = Places { global: Some(better + 1), city: None };
    if let Some(city) = &score.city {
        places.city = Some(board.better_than(&Board::City(city.clone()), period, &rank.rank_key).await? + 1);
    }
    Ok(places)
}

fn head(shop_id: &ShopId, all_time: Option<&Score>) -> String {
    let Some(score) = all_time else { return format!("{shop_id}: no score of all time can be read") };
    let city = score.city.as_ref().map_or("whose city is not known".to_owned(), ToString::to_string);
    let formula = if score.formula == FORMULA {
        format!("{FORMULA}: {FORMULA_IN_WORDS}").replace('\n', "\n            ")
    } else {
        format!("{}: written by another version of the pipeline, which this one cannot explain", score.formula)
    };
    format!(
        "\
{shop_id}, {city}

{}

ratings     {}
mean        {}
score       {}
formula     {formula}
revision    {}
updated at  {}",
        bars(&score.histogram),
        score.count,
        score.mean_micros.map_or("-".to_owned(), decimal),
        decimal(score.score_micros),
        score.revision,
        score.updated_at,
    )
}

fn row(period: Period, score: &Result<Score, PortError>, places: &Places) -> [String; 6] {
    let Ok(score) = score else {
        let cell = || "?".to_owned();
        return [period.to_string(), cell(), cell(), cell(), cell(), cell()];
    };
    let place = |place: Option<u64>| place.map_or("-".to_owned(), |place| place.to_string());
    [
        period.to_string(),
        score.count.to_string(),
        score.mean_micros.map_or("-".to_owned(), decimal),
        decimal(score.score_micros),
        place(places.global),
        place(places.city),
    ]
}
