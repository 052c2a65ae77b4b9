//! Ratings that a broken aggregator left as archives, replayed when it is mended: with twenty kills while ratings go on, and
//! with archives whose records are in the stream alone, or nowhere any more.
//!
//! The archives are the mapping's own. What becomes of each record in them is the business of the tests in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::rating::{RatingKey, held};
use coffeeshop_core::score::ScoreKey;
use coffeeshop_local::Options;
use coffeeshop_local::app::Said as Rated;
use fastrand::Rng;
use serde_json::{Value, json};

use super::pipeline::{Pipeline, Said, ended, eventually};
use super::process::{End, Kill, journal, lines, run_until};
use crate::emulator::alone;

const KILLS: usize = 20;

/// How many changes of ratings are archived, and how many of them in an archive.
const CHANGES: usize = 600;
const BATCH: &str = "10";

/// How often people write after each kill.
const WRITES_BETWEEN: usize = 5;

const REPLAY: &str = "replay aggregator-failures --execute --json";

/// The events in turns, each early and later in what a process does.
fn kill(number: usize) -> Kill {
    Kill { event: ["sending", "sent", "deleted"][number % 3], nth: [1, 2, 3, 2][number % 4] }
}

/// People who rate a few shops, change their minds, and take it back; some of it makes no sense.
struct People {
    rng: Rng,
    /// What the ratings are.
    ratings: BTreeMap<RatingKey, Rated>,
    /// How many changes the stream has of it.
    changes: usize,
}

impl People {
    fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), ratings: BTreeMap::new(), changes: 0 }
    }

    /// Writes once. What changes nothing is not in the stream.
    async fn write(&mut self, on: &Pipeline) {
        let rng = &mut self.rng;
        let (shop, user) = (rng.usize(..5), rng.usize(..80));
        let rating = RatingKey {
            shop_id: format!("shop-{shop}").parse().unwrap(),
            user_id: format!("user-{user}").parse().unwrap(),
        };
        let rated_at = format!("2026-{}-{:02}T12:00:00Z", rng.u8(10..=11), rng.u8(1..=20));
        let stars = if rng.u8(..20) == 0 { 9 } else { rng.i64(1..=5) };
        let is_change = if rng.u8(..5) == 0 {
            on.app.withdraw(&rating).await.unwrap();
            self.ratings.remove(&rating).is_some()
        } else {
            let rated = Rated { stars, rated_at, comment: String::new() };
            on.app.rate(&rating, &rated).await.unwrap();
            self.ratings.insert(rating, rated.clone()) != Some(rated)
        };
        self.changes += usize::from(is_change);
    }
}

/// A stack whose aggregator fails with everything, and gives up at once.
async fn with_broken_aggregator(name: &str) -> Pipeline {
    let options = Options { stack_name: name.to_owned(), ..Options::new() };
    Pipeline::start(options.broken("aggregator").parameter("AggregatorRetries", "0")).await
}

/// Gives the aggregator its real code, as an operator does.
async fn mend_aggregator(on: &Pipeline, stack_name: &str) {
    let (function, bucket) = (on.output("AggregatorFunction"), format!("{stack_name}-code"));
    let update = ["lambda", "update-function-code", "--function-name", &function];
    on.aws(&[&update[..], &["--s3-bucket", &bucket, "--s3-key", "aggregator.zip"]].concat()).await;
}

/// How many records each archive of the aggregator has, by key.
async fn archives(on: &Pipeline) -> BTreeMap<String, usize> {
    let mut archives = BTreeMap::new();
    on.app.note_archives(&on.output("AggregatorMapping"), &mut archives).await.unwrap();
    archives
}

/// Waits until every change rests.
async fn archived(on: &Pipeline, changes: usize) -> BTreeMap<String, usize> {
    let all = async || archives(on).await.values().sum::<usize>() == changes;
    eventually("every change is archived", all).await;
    archives(on).await
}

/// Waits until the command finds each score as its ratings say, and so does a recount.
async fn verified(on: &Pipeline) {
    eventually("every score is a recount of the ratings", async || {
        let mut recount: BTreeMap<ScoreKey, Histogram> = BTreeMap::new();
        for (rating, item) in on.app.ratings().await.unwrap() {
            let Ok(held) = held(&item) else { continue };
            for period in [Period::All, Period::Month(held.month)] {
                recount.entry(ScoreKey { shop_id: rating.shop_id.clone(), period }).or_default().add(held.stars);
            }
        }
        let scores = on.app.scores().await.unwrap().into_iter().filter(|score| score.count > 0);
        scores.map(|score| (score.key, score.histogram)).collect::<BTreeMap<_, _>>() == recount
    })
    .await;
    let mut verify = Command::new(env!("CARGO_BIN_EXE_coffeeshop"));
    verify.args(["scores", "verify", "--all", "--json", "--local"]).current_dir(&on.folder);
    let said = ended(verify).await;
    assert_eq!(said.status, Some(0), "{said:?}");
}

/// Replays all of them, killed so often and resumed each time, while people go on; how often it was killed, and what its
/// journal ended with then, and the journal.
async fn killed_and_resumed(on: &Pipeline, people: &mut People) -> (BTreeMap<String, usize>, Vec<Value>) {
    let folder = on.journals("killed");
    let mut command = REPLAY.to_owned();
    let (mut killed, mut said) = (BTreeMap::<String, usize>::new(), Vec::<Said>::new());
    loop {
        let kills = killed.values().sum();
        let kill = if kills < KILLS { kill(kills) } else { Kill { event: "none", nth: 1 } };
        match run_until(on.command(&command, "killed"), folder.clone(), kill).await {
            End::Killed(last) => *killed.entry(last).or_default() += 1,
            End::Through(through) => {
                let status = through.status;
                assert!(matches!(status, Some(0 | 3)) && said.len() < 10, "after {kills} kills: {through:?}");
                said.push(through);
                if status == Some(0) {
                    break;
                }
            }
        }
        for _ in 0..WRITES_BETWEEN {
            people.write(on).await;
        }
        let journal = journal(&folder).unwrap();
        command = format!("resume {} --json", journal.file_stem().unwrap().to_str().unwrap());
    }
    (killed, lines(&journal(&folder).unwrap()))
}

#[tokio::test]
async fn killed_twenty_times_while_ratings_go_on_every_score_is_right() {
    const STACK: &str = "archives-killed";
    let _alone = alone().await;
    let on = with_broken_aggregator(STACK).await;
    let mapping = on.output("AggregatorMapping");
    let update = ["lambda", "update-event-source-mapping", "--uuid", &mapping, "--batch-size", BATCH];
    on.aws(&[&update[..], &["--no-bisect-batch-on-function-error"]].concat()).await;
    let mut people = People::new(5);
    while people.changes < CHANGES {
        people.write(&on).await;
    }
    let planned = archived(&on, people.changes).await;
    assert!(planned.len() > 2 * KILLS, "{planned:?}");
    assert_eq!(on.app.scores().await.unwrap(), []);

    mend_aggregator(&on, STACK).await;
    let (killed, journal) = killed_and_resumed(&on, &mut people).await;
    assert_eq!(killed.values().sum::<usize>(), KILLS);
    let between = ["sending", "sent", "deleted"].map(|event| killed.get(event).copied().unwrap_or_default());
    assert!(between.iter().all(|kills| *kills >= 1), "{killed:?}");
    let ids = |events: &[&str]| -> BTreeSet<String> {
        let of = journal.iter().filter(|line| events.iter().any(|event| line["event"] == *event));
        of.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let planned: BTreeSet<String> = planned.into_keys().collect();
    assert_eq!((ids(&["planned"]), ids(&["deleted", "gone"])), (planned.clone(), planned));
    assert!(people.changes > CHANGES + KILLS, "people went on");
    verified(&on).await;
    assert_eq!(archives(&on).await, BTreeMap::new());
    on.stop().await;
}

/// Puts an archive where it says, as `aws` does.
async fn put(on: &Pipeline, key: &str, archive: &Value) {
    let file = on.folder.join("archive.json");
    fs::write(&file, archive.to_string()).unwrap();
    let to = format!("s3://{}/{key}", on.output("FailuresBucket"));
    on.aws(&["s3", "cp", file.to_str().unwrap(), &to]).await;
}

#[tokio::test]
async fn what_is_not_in_an_archive_is_read_from_the_stream_or_said_to_be_gone() {
    const STACK: &str = "archives-without";
    let _alone = alone().await;
    let on = with_broken_aggregator(STACK).await;
    let mut people = People::new(6);
    while people.changes < 6 {
        people.write(&on).await;
    }
    let keys: Vec<String> = archived(&on, people.changes).await.into_keys().collect();
    let from = format!("s3://{}/{}", on.output("FailuresBucket"), keys[0]);
    let mut archive: Value = serde_json::from_str(&on.aws(&["s3", "cp", &from, "-"]).await).unwrap();
    archive.as_object_mut().unwrap().remove("payload").unwrap();
    put(&on, &keys[0], &archive).await;
    let gone = format!("{}-gone", keys[0]);
    for end in ["startSequenceNumber", "endSequenceNumber"] {
        archive["DDBStreamBatchInfo"][end] = json!("1".repeat(21));
    }
    put(&on, &gone, &archive).await;
    mend_aggregator(&on, STACK).await;

    let said = ended(on.command(REPLAY, "state")).await;
    assert_eq!(said.status, Some(3), "{said:?}");
    let summary = said.objects().pop().unwrap();
    let counts = ["planned", "done", "records_done"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [keys.len() as u64 + 1, keys.len() as u64, people.changes as u64], "{summary}");
    assert!(said.stdout.contains("coffeeshop scores verify --all"), "{said:?}");
    let list = ["s3api", "list-objects-v2", "--bucket", &on.output("FailuresBucket")];
    let left: Value = serde_json::from_str(&on.aws(&list).await).unwrap();
    let prefix = format!("aws/lambda/{}/", on.output("AggregatorMapping"));
    let left = left["Contents"].as_array().unwrap().iter().map(|object| object["Key"].as_str().unwrap());
    assert_eq!(left.filter(|key| key.starts_with(&prefix)).collect::<Vec<_>>(), [gone]);
    verified(&on).await;
    on.stop().await;
}
