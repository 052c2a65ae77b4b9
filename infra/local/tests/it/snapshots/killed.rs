//! The function dies in the midst of its jobs: nobody sees half of anything, and the next run makes all of it good.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::board::{BoardDocument, LEASE};
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ports::Answer;
use coffeeshop_core::score::ScoreKey;
use coffeeshop_local::Options;
use coffeeshop_snapshotter::snapshot::{Latest, Manifest};
use fastrand::Rng;

use super::{SHOPS, World, object_key, rows};
use crate::ratings::{rating, said};

/// How many there may be, and how many there are at least.
const KILLS: u32 = 30;
const KILLS_MIN: usize = 20;
const RUNS_MAX: usize = 200;

/// The hours that had a snapshot when a run was killed, by their manifests.
type Visible = BTreeMap<String, Manifest>;

impl World {
    fn kills(&self) -> usize {
        let log = std::fs::read_to_string(self.stack.log_path()).unwrap();
        log.matches("killed killed-snapshots-snapshotter inside invocation").count()
    }

    /// Everything that a manifest names is there as it says, and the newest is one of those.
    async fn assert_whole(&self) -> Visible {
        let mut visible = Visible::new();
        for key in self.app.analytics_keys("scores/").await.unwrap() {
            if !key.ends_with("/_manifest.json") {
                continue;
            }
            let manifest: Manifest = serde_json::from_slice(&self.app.analytics_object(&key).await.unwrap()).unwrap();
            for file in &manifest.files {
                let content = self.app.analytics_object(&file.key).await.unwrap();
                assert_eq!(content.len() as u64, file.bytes, "{}", file.key);
                assert!(content.starts_with(b"PAR1") && content.ends_with(b"PAR1"), "{}", file.key);
            }
            visible.insert(key, manifest);
        }
        let keys = self.app.analytics_keys("scores/").await.unwrap();
        if keys.iter().any(|key| key == "scores/latest.json") {
            let latest = self.app.analytics_object("scores/latest.json").await.unwrap();
            let latest: Latest = serde_json::from_slice(&latest).unwrap();
            assert_eq!(visible[&latest.manifest].watermark, latest.watermark);
        }
        visible
    }

    /// Each object of a leaderboard is one that was announced: never newer than the item, and whole.
    async fn assert_boards_whole(&self) {
        for board in self.app.boards().await.unwrap() {
            let key = object_key(&board.key);
            let exported = self.app.analytics_keys(&key).await.unwrap();
            if exported.is_empty() {
                assert_eq!(board.exported, None, "{key}");
                continue;
            }
            let document: BoardDocument =
                serde_json::from_slice(&self.app.analytics_object(&key).await.unwrap()).unwrap();
            assert!(document.version <= board.version && Some(document.version) >= board.exported, "{key}");
        }
    }

    /// As if the time of a lease were over: a test would have to wait for a minute after each kill.
    async fn let_lease_run_out(&self, job: &str) {
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.stack.info().sdk_config());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let delete = dynamodb.delete_item().table_name(self.stack.info().output("BoardsTable").unwrap());
        delete.key("board", text(job)).key("period", text(LEASE)).send().await.unwrap();
    }

    /// Uploads that were begun, and are neither completed nor given up.
    async fn left_behind(&self) -> usize {
        self.s3.list_multipart_uploads().bucket(&self.bucket).send().await.unwrap().uploads().len()
    }
}

#[tokio::test]
async fn a_killed_run_leaves_no_visible_half_and_the_next_one_is_clean() {
    let options = Options { stack_name: "killed-snapshots".to_owned(), ..Options::new() };
    let world = World::start(options.kill("snapshotter", KILLS, 20_261_122)).await;
    let mut rng = Rng::with_seed(20_261_122);
    let (mut runs, mut failed) = (0, 0);
    while world.kills() < KILLS_MIN {
        runs += 1;
        assert!(runs <= RUNS_MAX, "{} kills in {runs} runs", world.kills());
        for _ in 0..3 {
            let rating = rating(rng.usize(..SHOPS), rng.usize(..60));
            world.app.rate(&rating, &said(rng.i64(1..=5), rng.u32(..56))).await.unwrap();
        }
        let (job, lease) = if runs % 3 == 0 { ("every_board", "boards") } else { ("scores", "scores") };
        match world.app.invoke_snapshotter(job).await.unwrap() {
            Answer::Returned(answer) => assert!(!answer.starts_with(b"{\"ended\":\"skipped\""), "it had the lease"),
            Answer::Failed { .. } => {
                failed += 1;
                world.let_lease_run_out(lease).await;
            }
        }
        world.assert_whole().await;
        world.assert_boards_whole().await;
    }
    assert!(failed >= KILLS_MIN, "{failed} runs failed");

    let recount = world.settled().await;
    clean(&world, &recount).await;
    world.stack.stop().await.unwrap();
}

/// Runs each job until it is through, and looks at all that there is then.
async fn clean(world: &World, recount: &BTreeMap<ScoreKey, Histogram>) {
    let mut left_behind = 0;
    for (job, lease) in [("every_board", "boards"), ("scores", "scores")] {
        loop {
            left_behind = world.left_behind().await;
            match world.app.invoke_snapshotter(job).await.unwrap() {
                Answer::Returned(_) => break,
                Answer::Failed { .. } => world.let_lease_run_out(lease).await,
            }
        }
    }
    assert_eq!(world.left_behind().await, left_behind, "a run that ends leaves no upload");
    world.assert_boards(recount).await;

    let visible = world.assert_whole().await;
    let mut expected: BTreeSet<String> = visible.keys().cloned().collect();
    expected.extend(visible.values().flat_map(|manifest| &manifest.files).map(|file| file.key.clone()));
    expected.insert("scores/latest.json".to_owned());
    let keys: BTreeSet<String> = world.app.analytics_keys("scores/").await.unwrap().into_iter().collect();
    assert_eq!(keys, expected, "nothing lies there that no manifest names");

    let newest = visible.values().max_by_key(|manifest| manifest.watermark).unwrap();
    let files = newest.files.iter().map(|file| file.key.as_str());
    let rows = rows(&world.copy("killed", files).await).await;
    let scores = rows.iter().map(|row| (row.key(), row.whole())).filter(|(_, histogram)| histogram.count() > 0);
    assert_eq!(scores.collect::<BTreeMap<_, _>>(), *recount);
}
