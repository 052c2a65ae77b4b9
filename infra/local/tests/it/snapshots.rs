//! The snapshotter end to end: what the ratings say is on the leaderboards, is announced, and is what DuckDB and Polars read
//! from the bucket, whatever happens to the function.
//!
//! [`agree`] compares with a recount of the ratings, [`flow`] looks at single rows while ratings come in, [`killed`] has the
//! function die.

mod agree;
mod flow;
mod killed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use coffeeshop_core::board::{BOARD_PLACES, Board, BoardDocument, BoardEntry, BoardKey};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::score::{City, ScoreKey};
use coffeeshop_local::app::App;
use coffeeshop_local::{Options, Stack, python, repo_root};
use coffeeshop_snapshotter::snapshot::Manifest;
use serde::Deserialize;
use serde_json::Value;

use crate::ratings::{rating, recount_and_scores};

const SHOPS: usize = 6;

/// One that has to be escaped in a key.
const CITIES: [&str; 2] = ["Eastmere", "São Tomé"];

/// How often it is looked, ten times a second, whether something has come.
const LOOKS_MAX: usize = 1200;

/// A stack with some shops, none of them rated.
struct World {
    stack: Stack,
    app: App,
    s3: aws_sdk_s3::Client,
    bucket: String,
}

/// A row of a snapshot of scores, where it lies, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Row {
    dt: String,
    hour: u32,
    shop_id: String,
    period: String,
    city: Option<String>,
    count: u64,
    sum: u64,
    n: [u64; 5],
    mean: Option<String>,
    score: String,
    revision: u64,
}

impl World {
    async fn start(options: Options) -> Self {
        let stack = Stack::start(&options).await.unwrap();
        let app = App::new(stack.info()).unwrap();
        for shop in 0..SHOPS {
            app.open_shop(&rating(shop, 0).shop_id, "a shop", &city(shop)).await.unwrap();
        }
        let s3 = aws_sdk_s3::Client::new(&stack.info().sdk_config());
        let bucket = stack.info().output("AnalyticsBucket").unwrap().to_owned();
        Self { stack, app, s3, bucket }
    }

    /// Waits until the scores are as the ratings say, and returns what they say.
    async fn settled(&self) -> BTreeMap<ScoreKey, Histogram> {
        for _ in 0..LOOKS_MAX {
            let (recount, scores) = recount_and_scores(&self.app).await;
            if recount == scores {
                return recount;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (recount, scores) = recount_and_scores(&self.app).await;
        assert_eq!(scores, recount, "scores (left) and their recount (right)");
        recount
    }

    /// A snapshot of the scores.
    async fn scores(&self) -> Manifest {
        serde_json::from_value(self.app.snapshot("scores").await.unwrap()).unwrap()
    }

    /// A new folder of this machine with these files in it.
    async fn copy(&self, test: &str, keys: impl IntoIterator<Item = &str>) -> PathBuf {
        let folder = repo_root().join(format!("target/emulator/snapshots-{test}-{}", std::process::id()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        for key in keys {
            let file = folder.join(key);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, self.app.analytics_object(key).await.unwrap()).unwrap();
        }
        folder
    }

    /// Every leaderboard is an item as the recount says, and an object that says the same; and there are no others.
    async fn assert_boards(&self, recount: &BTreeMap<ScoreKey, Histogram>) {
        let boards = self.app.boards().await.unwrap();
        let full = boards.iter().filter(|board| !board.entries.is_empty());
        let entries: BTreeMap<_, _> = full.map(|board| (board.key.clone(), board.entries.clone())).collect();
        assert_eq!(entries, ranked(recount));
        let mut keys = Vec::new();
        for board in &boards {
            assert_eq!(board.exported, Some(board.version), "{}", board.key);
            let key = object_key(&board.key);
            let document: BoardDocument =
                serde_json::from_slice(&self.app.analytics_object(&key).await.unwrap()).unwrap();
            assert_eq!(document, BoardDocument::from(board), "{key}");
            keys.push(key);
        }
        keys.sort();
        assert_eq!(self.app.analytics_keys("leaderboards/").await.unwrap(), keys);
    }
}

/// Of shops in turn.
fn city(shop: usize) -> City {
    CITIES[shop % CITIES.len()].parse().unwrap()
}

/// As `CONTRACT.md` says.
fn object_key(key: &BoardKey) -> String {
    let board = match key.board.to_string().as_str() {
        "São Tomé" => "S%C3%A3o%20Tom%C3%A9".to_owned(),
        board => board.to_owned(),
    };
    format!("leaderboards/{}/{board}.json", key.period)
}

/// Every leaderboard that has a shop.
fn ranked(recount: &BTreeMap<ScoreKey, Histogram>) -> BTreeMap<BoardKey, Vec<BoardEntry>> {
    let mut boards = BTreeMap::<BoardKey, Vec<BoardEntry>>::new();
    for (ScoreKey { shop_id, period }, histogram) in recount {
        let shop = (0..SHOPS).find(|shop| rating(*shop, 0).shop_id == *shop_id).unwrap();
        for board in [Board::Global, Board::City(city(shop))] {
            let (score_micros, count) = (histogram.score_micros(), histogram.count());
            let entry = BoardEntry { shop_id: shop_id.clone(), score_micros, count };
            boards.entry(BoardKey { board, period: *period }).or_default().push(entry);
        }
    }
    for entries in boards.values_mut() {
        entries.sort_by_key(|entry| (std::cmp::Reverse((entry.score_micros, entry.count)), entry.shop_id.clone()));
        assert!(entries.len() <= BOARD_PLACES);
    }
    boards
}

impl Row {
    fn key(&self) -> ScoreKey {
        ScoreKey { shop_id: self.shop_id.parse().unwrap(), period: self.period.parse().unwrap() }
    }

    /// The histogram, of which all other numbers of the row must be.
    fn whole(&self) -> Histogram {
        let stars = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let histogram = Histogram::try_from(self.n).unwrap();
        assert_eq!((self.count, self.sum), (histogram.count(), histogram.sum()), "{self:?}");
        assert_eq!(self.mean, histogram.mean_micros().map(stars), "{self:?}");
        assert_eq!(self.score, stars(histogram.score_micros()), "{self:?}");
        histogram
    }
}

/// All rows below a folder, in order; DuckDB and Polars must read the same.
async fn rows(folder: &Path) -> Vec<Row> {
    let python = python::analytics(&repo_root(), |_| ()).unwrap().tool("python");
    let mut asked = Command::new(python);
    asked.arg(repo_root().join("infra/local/tests/it/snapshots/query.py")).arg(folder);
    let ran = tokio::task::spawn_blocking(move || asked.output().unwrap()).await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let [mut by_duckdb, mut by_polars]: [Vec<Row>; 2] = serde_json::from_slice(&ran.stdout).unwrap();
    by_duckdb.sort();
    by_polars.sort();
    assert_eq!(by_duckdb, by_polars);
    std::fs::remove_dir_all(folder).unwrap();
    by_duckdb
}

/// A run's answer as JSON that must have ended so.
fn ended<'a>(answer: &'a Value, how: &str) -> &'a Value {
    assert_eq!(answer["ended"], how, "{answer}");
    answer
}
