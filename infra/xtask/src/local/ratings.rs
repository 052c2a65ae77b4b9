//! Ratings written as the app would, until all scores have followed; then the boards held against a recount, and every
//! score verified.
//!
//! What is written is in [`stream`], how it is counted in [`recount`], how it is shown in [`mod@board`]. Boards are read, and
//! scores verified, by the operator's command; [`snapshot`] has what becomes of the scores. Nothing is repaired here.

mod board;
mod recount;
pub(crate) mod snapshot;
mod stream;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::ScoreStore as _;
use coffeeshop_core::rating::{RatingItem, RatingKey, held};
use coffeeshop_core::score::City;
use coffeeshop_local::StackInfo;
use coffeeshop_local::app::App;
use futures::stream::{StreamExt as _, TryStreamExt as _};

use self::stream::{History, Shop, Write};
use super::command;
use crate::say;

/// How many ratings are written at once.
const AT_ONCE: usize = 16;

/// How long to wait until all scores have followed.
const SETTLED_MAX: Duration = Duration::from_mins(2);

/// How many of the shops are shown.
const BOARD_ROWS: usize = 10;

/// Writes them, waits, and says what became of them. An error if a board is not what a recount says, or a score not what its
/// ratings say.
pub(crate) async fn through_the_pipeline(info: &StackInfo) -> Result<()> {
    let app = App::new(info)?;
    let began = Instant::now();
    let Fed { shops, histories, nonsense } = fed(&app).await?;
    let written = began.elapsed();
    settled(&app, &histories).await?;
    let seconds = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
    say(&format!("written in {}, all in the scores after {}\n", seconds(written), seconds(began.elapsed())));
    show(&app, &shops, nonsense).await
}

/// Writes them, for whoever cannot expect that scores follow; how many changes the stream has of it.
pub(crate) async fn feed(app: &App) -> Result<usize> {
    let Fed { histories, .. } = fed(app).await?;
    Ok(histories.iter().map(|history| history.writes.len()).sum())
}

/// What was written.
struct Fed {
    shops: Vec<Shop>,
    histories: Vec<History>,
    /// How many of the writes make no sense.
    nonsense: usize,
}

async fn fed(app: &App) -> Result<Fed> {
    let shops = stream::shops()?;
    let histories = stream::histories(&shops)?;
    let count = |of: fn(&Write) -> bool| histories.iter().flat_map(|h| &h.writes).filter(|write| of(write)).count();
    let (nonsense, deletes) = (count(Write::is_nonsense), count(|write| *write == Write::Delete));
    let edits = count(|_| true) - histories.len() - deletes;
    say(&format!(
        "writing {} shops and {} ratings; {edits} edits, {deletes} withdrawals; {nonsense} writes make no sense",
        shops.len(),
        histories.len(),
    ));
    write(app, &shops, &histories).await?;
    Ok(Fed { shops, histories, nonsense })
}

async fn write(app: &App, shops: &[Shop], histories: &[History]) -> Result<()> {
    for Shop { id, name, city } in shops {
        app.open_shop(id, name, city).await?;
    }
    let one = async |History { rating, writes }: &History| {
        for write in writes {
            match write {
                Write::Put(said) => app.rate(rating, said).await?,
                Write::Delete => app.withdraw(rating).await?,
            }
        }
        anyhow::Ok(())
    };
    futures::stream::iter(histories).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

/// Waits until the scores hold of each rating what is in it now.
async fn settled(app: &App, histories: &[History]) -> Result<()> {
    let began = Instant::now();
    loop {
        let missing = unsettled(app, histories).await?;
        let Some(first) = missing.first() else { return Ok(()) };
        ensure!(
            began.elapsed() < SETTLED_MAX,
            "after {} s the scores lack {} of {} ratings, such as {}/{}; the stack's log may say why",
            SETTLED_MAX.as_secs(),
            missing.len(),
            histories.len(),
            first.shop_id,
            first.user_id,
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn unsettled(app: &App, histories: &[History]) -> Result<Vec<RatingKey>> {
    let keys: Vec<RatingKey> = histories.iter().map(|history| history.rating.clone()).collect();
    let ratings = app.ratings().await?;
    let contributions = app.score_store().contributions(&keys).await?;
    let mut missing = Vec::new();
    for key in keys {
        let holds = ratings.get(&key).and_then(|rating| held(rating).ok());
        let counted = match contributions.get(&key) {
            Some(Err(error)) => bail!("{}/{}: {error}: {}", key.shop_id, key.user_id, error.cause),
            Some(Ok(contribution)) => Some(contribution.held()),
            None => None,
        };
        if counted != Some(holds) {
            missing.push(key);
        }
    }
    Ok(missing)
}

/// Shows the boards and the quarantine, and has the scores verified. An error if anything is not as it should be.
async fn show(app: &App, shops: &[Shop], nonsense: usize) -> Result<()> {
    let ratings = app.ratings().await?;
    let first = shops.first().map(|shop| shop.city.clone());
    for (period, city) in [("all", None), ("2026-11", None), ("all", first.as_ref())] {
        say(&board(&ratings, shops, period, city)?);
    }

    let mut reasons = BTreeMap::<String, usize>::new();
    for reason in app.quarantined().await? {
        *reasons.entry(reason).or_default() += 1;
    }
    let in_words: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let kept: usize = reasons.values().sum();
    say(&format!("{kept} records in quarantine: {}\n", in_words.join(", ")));
    ensure!(kept >= nonsense, "{nonsense} ratings made no sense");

    let verify = ["scores", "verify", "--all"];
    say(&format!("$ {}", command::typed(&verify)));
    command::show(&verify)?;
    say("");
    Ok(())
}

/// A board by the command, beside its recount. An error if they are not the same.
fn board(
    ratings: &BTreeMap<RatingKey, RatingItem>,
    shops: &[Shop],
    period: &str,
    city: Option<&City>,
) -> Result<String> {
    let (city_name, limit) = (city.map(ToString::to_string), BOARD_ROWS.to_string());
    let mut arguments = vec!["scores", "top", "--limit", &limit, "--period", period];
    arguments.extend(city_name.iter().flat_map(|city| ["--city", city]));
    arguments.push("--json");
    let stored = board::rows(&command::lines(&arguments)?)?;

    let mut counted = recount::recount(ratings, period.parse()?);
    let is_there = |id: &ShopId| shops.iter().any(|shop| shop.id == *id && city.is_none_or(|city| shop.city == *city));
    counted.retain(|shop, _| is_there(shop));
    let (table, same) =
        board::side_by_side(&stored, &recount::board(counted, BOARD_ROWS), "recounted from ratings", shops);
    let text = format!("$ {}\n{table}", command::typed(&arguments));
    ensure!(same, "the board is not as recounted:\n{text}");
    Ok(text)
}
