//! One task, measured in this process: it prints what it found as JSON.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_aws::SystemClock;
use coffeeshop_aws::leaderboard::AwsLeaderboard;
use coffeeshop_aws::scores::{AwsScoreStore, ScoreStoreNames};
use coffeeshop_aws::shop_records::AwsShopRecords;
use coffeeshop_core::board::Board;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::Leaderboard as _;
use coffeeshop_operator::rebuild::{Mode, Rebuilt, rebuild_shop};
use coffeeshop_operator::shops;
use coffeeshop_operator::verify::{Verified, verify_shop};
use serde::{Deserialize, Serialize};

use crate::fill::{Tables, first_city};
use crate::meter::Meter;

const PAGE: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    Rebuild,
    Verify,
    Board,
    CityBoard,
}

/// What a task took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    pub(crate) shops: u32,
    pub(crate) ratings: u32,
    /// The most memory that the process ever had, `VmHWM`.
    pub(crate) peak_kib: u32,
    pub(crate) requests: u64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

impl Measured {
    pub(crate) const HEAD: &str =
        "                                seconds   shops/s  ratings/s  peak MiB   requests  read units  write units";

    pub(crate) fn line(&self, name: &str) -> String {
        let rate =
            |count: u32| if count == 0 { "-".to_owned() } else { format!("{:.0}", f64::from(count) / self.seconds) };
        format!(
            "{name:<29} {:>9.2} {:>9} {:>10} {:>9.1} {:>10} {:>11.1} {:>12.0}",
            self.seconds,
            rate(self.shops),
            rate(self.ratings),
            f64::from(self.peak_kib) / 1024.0,
            self.requests,
            self.read_units,
            self.write_units,
        )
    }
}

/// Does it, and prints it.
#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
pub(crate) async fn run(task: Task, tables: &Tables) -> Result<()> {
    let sdk = tables.stack.sdk_config();
    let output = |name| anyhow::Ok(tables.stack.output(name)?.to_owned());
    let names = ScoreStoreNames {
        contributions_table: output("ContributionsTable")?,
        scores_table: output("ScoresTable")?,
        shops_table: output("ShopsTable")?,
    };
    let plain = Client::new(&sdk);
    let mut item_bytes = BTreeMap::new();
    for table in [&output("RatingsTable")?, &names.contributions_table, &names.scores_table] {
        item_bytes.insert(table.clone(), bytes_an_item(&plain, table).await?);
    }
    let meter = Meter::new(item_bytes);
    let client = Client::from_conf(aws_sdk_dynamodb::config::Builder::from(&sdk).interceptor(meter.clone()).build());
    let board = AwsLeaderboard::new(client.clone(), names.scores_table.clone());
    let store = AwsShopRecords::new(AwsScoreStore::new(client, names), output("RatingsTable")?);

    let began = Instant::now();
    let (shops, ratings) = match task {
        Task::Rebuild => rebuild(&store).await?,
        Task::Verify => verify(&store).await?,
        Task::Board => page(&board, &Board::Global).await?,
        Task::CityBoard => page(&board, &Board::City(first_city().parse()?)).await?,
    };
    let (seconds, counted) = (began.elapsed().as_secs_f64(), meter.counted());
    let measured = Measured {
        seconds,
        shops,
        ratings,
        peak_kib: peak_kib()?,
        requests: counted.requests,
        read_units: counted.read_units,
        write_units: counted.write_units,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

async fn rebuild(store: &AwsShopRecords) -> Result<(u32, u32)> {
    let (shops, ratings) = (Cell::new(0), Cell::new(0));
    let work = async |shop: &ShopId| rebuild_shop(store, &SystemClock, shop, Mode::Write, &|_| ()).await;
    let failed = Cell::new(0);
    let done = |_: &ShopId, rebuilt: Rebuilt, _: usize| {
        shops.set(shops.get() + 1);
        ratings.set(ratings.get() + rebuilt.ratings);
        failed.set(failed.get() + rebuilt.busy + rebuilt.unreadable);
    };
    shops::all(store, None, work, done).await?;
    ensure!(failed.get() == 0, "{} were busy or could not be understood", failed.get());
    Ok((shops.get(), u32::try_from(ratings.get())?))
}

async fn verify(store: &AwsShopRecords) -> Result<(u32, u32)> {
    let (shops, ratings) = (Cell::new(0), Cell::new(0));
    let differences = Cell::new(0);
    let work = async |shop: &ShopId| verify_shop(store, &SystemClock, shop, &|_| ()).await;
    let done = |_: &ShopId, verified: Verified, _: usize| {
        shops.set(shops.get() + 1);
        ratings.set(ratings.get() + verified.ratings);
        differences.set(differences.get() + verified.differences);
    };
    shops::all(store, None, work, done).await?;
    ensure!(differences.get() == 0, "{} differences", differences.get());
    Ok((shops.get(), u32::try_from(ratings.get())?))
}

async fn page(leaderboard: &AwsLeaderboard, board: &Board) -> Result<(u32, u32)> {
    let page = leaderboard.top(board, Period::All, PAGE, None).await?;
    ensure!(!page.scores.is_empty(), "the board is empty");
    Ok((u32::try_from(page.scores.len())?, 0))
}

/// Of the first page of the table; nothing when it is empty.
async fn bytes_an_item(client: &Client, table: &str) -> Result<f64> {
    let scanned = client.scan().table_name(table).limit(1000).send().await.map_err(aws_sdk_dynamodb::Error::from)?;
    let items = scanned.items();
    let bytes: usize = items.iter().flat_map(|item| item.iter().map(|(name, value)| name.len() + bytes(value))).sum();
    let [bytes, items] = [bytes, items.len().max(1)].map(u32::try_from);
    Ok(f64::from(bytes?) / f64::from(items?))
}

/// As DynamoDB documents it: text as UTF-8, a number a byte for two digits and one more, lists 3 bytes and one an element.
fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + bytes(value)).sum::<usize>(),
        _ => 1,
    }
}

fn peak_kib() -> Result<u32> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let Some(kib) = line.and_then(|line| line.trim().strip_suffix(" kB")) else {
        bail!("/proc/self/status has no VmHWM")
    };
    kib.trim().parse().context("VmHWM is no number")
}
