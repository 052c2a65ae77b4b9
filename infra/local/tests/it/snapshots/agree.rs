//! Leaderboards and snapshots agree with a recount of the ratings; leaderboards are announced.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coffeeshop_core::board::Board;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::UserId;
use coffeeshop_core::period::Period;
use coffeeshop_core::score::ScoreKey;
use coffeeshop_core::subscription::{Channel, Subscriber, Subscription};
use coffeeshop_local::Options;
use coffeeshop_snapshotter::snapshot::{FILES, Latest, Manifest};
use fastrand::Rng;
use serde_json::Value;

use super::{CITIES, LOOKS_MAX, SHOPS, World, city, ended, rows};
use crate::ratings::{rating, said};

/// A day long before any run, so that hours of a test lie beside those of the clock.
const DAY: &str = "2001-01-01";

fn follower() -> UserId {
    "ada".parse().unwrap()
}

impl World {
    /// Keeps a snapshot as that of another hour, with a manifest that says so. An hour is the clock's, so a test cannot wait
    /// for several.
    async fn keep(&self, manifest: &Manifest, hour: u32) {
        let from = manifest.files[0].key.rsplit_once('/').unwrap().0;
        let to = format!("scores/dt={DAY}/hour={hour:02}");
        for file in &manifest.files {
            let copy = self.s3.copy_object().copy_source(format!("{}/{}", self.bucket, file.key));
            copy.bucket(&self.bucket).key(file.key.replace(from, &to)).send().await.unwrap();
        }
        let text = serde_json::to_string(manifest).unwrap().replace(from, &to);
        let put = self.s3.put_object().bucket(&self.bucket).key(format!("{to}/_manifest.json"));
        put.body(text.into_bytes().into()).send().await.unwrap();
    }

    async fn follow(&self) {
        let cities = CITIES.map(|city| Board::City(city.parse().unwrap()));
        for board in cities.into_iter().chain([Board::Global]) {
            let channel = Channel::Inbox { user_id: follower() };
            let subscriber = Subscriber::Board(board);
            let subscription = Subscription { subscriber, channel_id: "app".parse().unwrap(), enabled: true, channel };
            self.app.subscribe(&subscription).await.unwrap();
        }
    }

    /// Waits for these events in the inbox of who follows all leaderboards; no others may come.
    async fn told(&self, expected: &BTreeSet<String>) {
        let mut told = BTreeSet::new();
        for _ in 0..LOOKS_MAX {
            let inbox = self.app.inbox(&follower()).await.unwrap();
            told = inbox.into_iter().map(|item| item.event_id.to_string()).collect();
            if told == *expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(told, *expected);
    }

    /// The events of all leaderboards as they are now.
    async fn events(&self) -> BTreeSet<String> {
        let event = |board: coffeeshop_core::board::BoardSnapshot| {
            let name = board.key.board.to_string().replace("São Tomé", "S%C3%A3o%20Tom%C3%A9");
            format!("board/{name}/{}/{}", board.key.period, board.version)
        };
        self.app.boards().await.unwrap().into_iter().map(event).collect()
    }
}

#[tokio::test]
async fn leaderboards_are_as_the_ratings_say_and_every_change_is_announced_once() {
    let world = World::start(Options { stack_name: "boards".to_owned(), ..Options::new() }).await;
    world.follow().await;
    for user in 0..40 {
        let stars = i64::try_from(user % 5 + 1).unwrap();
        world.app.rate(&rating(user % SHOPS, user), &said(stars, 0)).await.unwrap();
    }
    let recount = world.settled().await;
    let answer = world.app.snapshot("every_board").await.unwrap();
    let boards = (1 + CITIES.len()) * 2;
    assert_eq!((&ended(&answer, "boards")["changed"], &answer["exported"]), (&boards.into(), &boards.into()));
    world.assert_boards(&recount).await;
    let mut events = world.events().await;
    world.told(&events).await;

    let again = world.app.snapshot("every_board").await.unwrap();
    assert_eq!((&ended(&again, "boards")["changed"], &again["exported"]), (&0.into(), &0.into()));

    // A, B, A, B: the last shop is the best or has none of its ratings.
    let best = rating(SHOPS - 1, 1000);
    for flip in 0..4 {
        for user in 1000..1020 {
            let rating = rating(SHOPS - 1, user);
            match flip % 2 {
                0 => world.app.rate(&rating, &said(5, 0)).await.unwrap(),
                _ => world.app.withdraw(&rating).await.unwrap(),
            }
        }
        let recount = world.settled().await;
        let answer = world.app.snapshot("boards").await.unwrap();
        assert!(ended(&answer, "boards")["changed"].as_u64().unwrap() >= 2, "{answer}");
        // Months long ago are compared by the other job.
        world.app.snapshot("every_board").await.unwrap();
        world.assert_boards(&recount).await;
        let first = &world.app.boards().await.unwrap().into_iter().find(|board| board.key.to_string() == "global/all");
        assert_eq!(first.as_ref().unwrap().entries[0].shop_id == best.shop_id, flip % 2 == 0);
        let known = events.len();
        events.extend(world.events().await);
        assert_eq!(events.len(), known + 4, "all time and the month, of all shops and of one city");
        world.told(&events).await;
    }
    let log = std::fs::read_to_string(world.stack.log_path()).unwrap();
    let compared = counted(&log, &world, "boards_compared", &["function"]);
    assert!(compared.len() == 10 && compared.iter().all(|(_, boards)| *boards >= 3), "each run says so: {compared:?}");
    // Leases lie beside the leaderboards, and disturb nobody.
    let mut archives = BTreeMap::new();
    world.app.note_archives(world.stack.info().output("BoardsMapping").unwrap(), &mut archives).await.unwrap();
    assert_eq!(archives, BTreeMap::new());
    world.stack.stop().await.unwrap();
}

#[tokio::test]
async fn hours_read_by_duckdb_and_polars_agree_with_the_recount_of_the_ratings() {
    const HOURS: u32 = 3;
    let world = World::start(Options { stack_name: "hours".to_owned(), ..Options::new() }).await;
    let mut rng = Rng::with_seed(20_261_122);
    let mut expected: BTreeMap<u32, BTreeMap<ScoreKey, Histogram>> = BTreeMap::new();
    for hour in 0..=HOURS {
        // Of the first hour there are empty files.
        for _ in 0..if hour == 0 { 0 } else { 150 } {
            let rating = rating(rng.usize(..SHOPS), rng.usize(..60));
            match rng.u8(..10) {
                0 => world.app.withdraw(&rating).await.unwrap(),
                _ => world.app.rate(&rating, &said(rng.i64(1..=5), rng.u32(..56))).await.unwrap(),
            }
        }
        let recount = world.settled().await;
        let manifest = world.scores().await;
        assert_eq!((manifest.files.len(), manifest.left_out), (usize::try_from(FILES).unwrap(), 0));
        assert_eq!(manifest.rows == 0, hour == 0);
        world.keep(&manifest, hour).await;
        expected.insert(hour, recount);

        let latest = world.app.analytics_object("scores/latest.json").await.unwrap();
        let latest: Latest = serde_json::from_slice(&latest).unwrap();
        assert_eq!(latest.watermark, manifest.watermark);
        let newest = world.app.analytics_object(&latest.manifest).await.unwrap();
        assert_eq!(serde_json::from_slice::<Manifest>(&newest).unwrap(), manifest);
    }

    let keys = world.app.analytics_keys(&format!("scores/dt={DAY}/")).await.unwrap();
    let manifests = keys.iter().filter(|key| key.ends_with("/_manifest.json")).count();
    assert_eq!(manifests, expected.len(), "whole hours are left alone by later runs");
    let files = keys.iter().filter(|key| key.contains("/part-")).map(String::as_str);
    let mut found: BTreeMap<u32, BTreeMap<ScoreKey, Histogram>> = (0..=HOURS).map(|hour| (hour, [].into())).collect();
    for row in rows(&world.copy("hours", files).await).await {
        assert_eq!(row.dt, DAY);
        let shop = (0..SHOPS).find(|shop| rating(*shop, 0).shop_id.as_str() == row.shop_id).unwrap();
        assert_eq!(row.city, Some(city(shop).to_string()));
        let histogram = row.whole();
        if histogram.count() > 0 {
            assert_eq!(
                found.get_mut(&row.hour).unwrap().insert(row.key(), histogram),
                None,
                "one row a score: {row:?}"
            );
        }
    }
    assert_eq!(found, expected);
    assert!(found[&HOURS].keys().filter(|key| key.period == Period::All).count() == SHOPS);

    let log = std::fs::read_to_string(world.stack.log_path()).unwrap();
    let counted = counted(&log, &world, "snapshots_complete", &["function", "dataset"]);
    assert_eq!(counted, vec![(Some("scores".to_owned()), 1); expected.len()]);
    world.stack.stop().await.unwrap();
}

/// What the function has counted, as CloudWatch reads it, with the dimensions that its alarm has: the dataset, and how many.
fn counted(log: &str, world: &World, metric: &str, dimensions: &[&str]) -> Vec<(Option<String>, u64)> {
    let function = world.stack.info().output("SnapshotterFunction").unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line.get(line.find("{\"_aws\"")?..)?).ok());
    let of = lines.filter(|line| line[metric].is_number());
    let counted = of.map(|line| {
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], coffeeshop_aws::metrics::METRICS_NAMESPACE);
        assert_eq!(metrics["Dimensions"], serde_json::json!([dimensions]));
        assert_eq!(line["function"], function);
        (line["dataset"].as_str().map(str::to_owned), line[metric].as_u64().unwrap())
    });
    counted.collect()
}
