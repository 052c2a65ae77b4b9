//! The command itself, as a process, against the template on the emulator: damage of every kind, found and repaired while
//! ratings keep flowing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::rating::{RatingKey, held};
use coffeeshop_core::score::ScoreKey;
use coffeeshop_local::app::{App, Said};
use coffeeshop_local::{Options, Stack, StackInfo, repo_root};
use fastrand::Rng;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// Stacks are heavy, and what runs beside another takes so long that nothing comes to rest: one test at a time.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// One shop a kind of damage, and one without.
const SHOPS: [&str; 8] =
    ["fine", "histogram", "derived", "lost-score", "lost-contribution", "orphan", "wrong-month", "moved"];

const USERS: usize = 12;

/// How often it is tried until nothing is busy, and until the stream has been read.
const TRIES_MAX: usize = 30;

fn rating(shop: &str, user: usize) -> RatingKey {
    RatingKey { shop_id: shop.parse().unwrap(), user_id: format!("user-{user}").parse().unwrap() }
}

fn said(rng: &mut Rng) -> Said {
    let rated_at = format!("2026-{}-{:02}T12:00:00Z", rng.u8(10..=11), rng.u8(1..=20));
    Said { stars: rng.i64(1..=5), rated_at, comment: String::new() }
}

/// A stack, and the command in a folder where `--local` finds it.
struct Outside {
    stack: Stack,
    app: App,
    dynamodb: Client,
    folder: PathBuf,
}

impl Outside {
    async fn new(name: &str) -> Self {
        let stack = Stack::start(&Options { stack_name: name.to_owned(), ..Options::new() }).await.unwrap();
        let folder = repo_root().join("target/emulator").join(format!("{name}-{}", std::process::id()));
        let file = folder.join("target/local/stack.json");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, serde_json::to_string(stack.info()).unwrap()).unwrap();
        let (app, dynamodb) = (App::new(stack.info()).unwrap(), Client::new(&stack.info().sdk_config()));
        Self { stack, app, dynamodb, folder }
    }

    fn info(&self) -> &StackInfo {
        self.stack.info()
    }

    async fn command(&self, arguments: &str) -> Output {
        command(&self.folder, arguments, &[]).await
    }

    /// The objects that the command prints, and its exit status.
    async fn objects(&self, arguments: &str) -> (Vec<Value>, i32) {
        let Output { stdout, stderr, status } = self.command(&format!("{arguments} --json --local")).await;
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(stderr, "", "{arguments}");
        let lines = String::from_utf8(stdout).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), status.code().unwrap())
    }

    /// Waits until the command says that every score is as its ratings say.
    async fn verified(&self) {
        for _ in 0..TRIES_MAX {
            if self.objects("scores verify --all").await.1 == 0 {
                return;
            }
        }
        let found = self.objects("scores verify --all").await;
        assert_eq!(found.1, 0, "{found:?}");
    }

    async fn update(&self, table: &str, key: [(&str, &str); 2], set: &str, value: AttributeValue) {
        let update = self.dynamodb.update_item().table_name(self.info().output(table).unwrap());
        let update =
            key.into_iter().fold(update, |update, (name, value)| update.key(name, AttributeValue::S(value.to_owned())));
        let update = update.update_expression("SET #set = :value ADD #counter :one");
        let counter = if table == "ScoresTable" { "revision" } else { "version" };
        let update = update.expression_attribute_names("#counter", counter).expression_attribute_names("#set", set);
        let one = AttributeValue::N("1".to_owned());
        let update = update.expression_attribute_values(":value", value).expression_attribute_values(":one", one);
        update.send().await.unwrap();
    }

    async fn delete(&self, table: &str, key: [(&str, &str); 2]) {
        let delete = self.dynamodb.delete_item().table_name(self.info().output(table).unwrap());
        let delete =
            key.into_iter().fold(delete, |delete, (name, value)| delete.key(name, AttributeValue::S(value.to_owned())));
        delete.send().await.unwrap();
    }

    /// What somebody might do who writes where nobody but the pipeline should.
    async fn damage(&self) {
        let number = |number: &str| AttributeValue::N(number.to_owned());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let histogram = AttributeValue::L(["0", "0", "3", "0", "9"].map(number).to_vec());
        self.update("ScoresTable", [("shop_id", "histogram"), ("period", "all")], "histogram", histogram).await;
        self.update("ScoresTable", [("shop_id", "derived"), ("period", "all")], "score_micros", number("4999999"))
            .await;
        self.update("ScoresTable", [("shop_id", "derived"), ("period", "2026-11")], "formula", text("star-lcb/0"))
            .await;
        self.delete("ScoresTable", [("shop_id", "lost-score"), ("period", "2026-10")]).await;
        self.delete("ContributionsTable", [("shop_id", "lost-contribution"), ("user_id", "user-1")]).await;
        let month = [("shop_id", "wrong-month"), ("user_id", "user-1")];
        self.update("ContributionsTable", month, "month", text("2020-02")).await;
        let put = self.dynamodb.put_item().table_name(self.info().output("ContributionsTable").unwrap());
        let put = put.item("shop_id", text("orphan")).item("user_id", text("nobody")).item("fence", text(""));
        let put = put.item("stars", number("5")).item("month", text("2026-11")).item("version", number("1"));
        put.send().await.unwrap();
        self.app.open_shop(&"moved".parse().unwrap(), "moved", &"Lyon".parse().unwrap()).await.unwrap();
    }

    /// The scores with ratings as they are stored, and as they should be.
    async fn scores_and_recount(&self) -> [BTreeMap<ScoreKey, Histogram>; 2] {
        let mut recount: BTreeMap<ScoreKey, Histogram> = BTreeMap::new();
        for (rating, item) in self.app.ratings().await.unwrap() {
            let Ok(held) = held(&item) else { continue };
            for period in [Period::All, Period::Month(held.month)] {
                recount.entry(ScoreKey { shop_id: rating.shop_id.clone(), period }).or_default().add(held.stars);
            }
        }
        let scores = self.app.scores().await.unwrap().into_iter().filter(|score| score.count > 0);
        [scores.map(|score| (score.key, score.histogram)).collect(), recount]
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It is below `target`: nothing is lost when it stays.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn command(folder: &Path, arguments: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_coffeeshop"));
    command.args(arguments.split(' ')).current_dir(folder).env_clear().envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn write_until(app: &App, done: &AtomicBool, seed: u64) -> usize {
    let (mut rng, mut writes) = (Rng::with_seed(seed), 0);
    while !done.load(Ordering::Relaxed) {
        let rating = rating(SHOPS[rng.usize(..SHOPS.len())], rng.usize(..USERS));
        match rng.u8(..10) {
            0 => app.withdraw(&rating).await.unwrap(),
            _ => app.rate(&rating, &said(&mut rng)).await.unwrap(),
        }
        writes += 1;
        // About one a second and shop: a rebuild needs moments in which nobody writes to a shop.
        tokio::time::sleep(Duration::from_millis(rng.u64(..400))).await;
    }
    writes
}

#[tokio::test]
async fn damage_is_found_and_repaired_while_ratings_keep_flowing() {
    let _alone = alone().await;
    let outside = Outside::new("repaired").await;
    let mut rng = Rng::with_seed(4);
    for shop in SHOPS {
        outside.app.open_shop(&shop.parse().unwrap(), shop, &"Turin".parse().unwrap()).await.unwrap();
        for user in 0..USERS {
            outside.app.rate(&rating(shop, user), &said(&mut rng)).await.unwrap();
        }
        // In both months, so that each score is there to be damaged.
        for (user, month) in [(0, 10), (1, 10), (2, 11)] {
            let rated_at = format!("2026-{month}-01T12:00:00Z");
            let said = Said { stars: 4, rated_at, comment: String::new() };
            outside.app.rate(&rating(shop, user), &said).await.unwrap();
        }
    }
    outside.verified().await;

    outside.damage().await;
    let (found, status) = outside.objects("scores verify --all").await;
    assert_eq!(status, 3, "{found:?}");
    let kinds: BTreeSet<(&str, &str)> = found
        .iter()
        .filter(|object| object["kind"] != "summary")
        .map(|object| (object["shop_id"].as_str().unwrap(), object["kind"].as_str().unwrap()))
        .collect();
    let expected = [
        ("derived", "score_derived"),
        ("derived", "score_formula"),
        ("histogram", "score_histogram"),
        ("lost-contribution", "contribution_missing"),
        ("lost-score", "score_missing"),
        ("moved", "score_city"),
        ("orphan", "contribution_without_rating"),
        ("wrong-month", "contribution_differs"),
    ];
    assert_eq!(kinds, expected.into());

    let done = AtomicBool::new(false);
    let rebuilds = async {
        let mut statuses = Vec::new();
        for _ in 0..TRIES_MAX {
            statuses.push(outside.objects("scores rebuild --all").await.1);
            if statuses.len() > 2 && statuses.last() == Some(&0) {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        statuses
    };
    let [first, second] = [1, 2].map(|seed| write_until(&outside.app, &done, seed));
    let (statuses, first, second) = futures::join!(rebuilds, first, second);
    assert_eq!(statuses.last(), Some(&0), "{statuses:?}");
    assert!(first + second > 20, "ratings were flowing: {first} and {second}");

    outside.verified().await;
    let [scores, recount] = outside.scores_and_recount().await;
    assert_eq!(scores, recount);
    assert!(scores.len() > 20, "there is something to compare");
    let (again, status) = outside.objects("scores rebuild --all").await;
    assert_eq!((again.len(), status), (1, 0), "nothing but the summary: {again:?}");

    let (top, status) = outside.objects("scores top --limit 3").await;
    let places: Vec<_> = top.iter().map(|row| row["place"].as_u64().unwrap()).collect();
    assert_eq!((places, status), (vec![1, 2, 3], 0));
    let (shown, status) = outside.objects("scores show moved").await;
    assert!(shown.iter().all(|score| score["city"] == "Lyon") && status == 0, "{shown:?}");
}

#[tokio::test]
async fn what_is_wrong_outside_is_a_sentence_and_exit_status_1() {
    let _alone = alone().await;
    let outside = Outside::new("outside").await;
    let endpoint = outside.info().endpoint.clone();
    let good = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let without = |name: &str| good.into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    let nobody = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), good[1], good[2], good[3]];
    // Where credentials of a machine would be asked for; nobody is.
    let no_credentials = [without("AWS_ACCESS_KEY_ID"), vec![("AWS_EC2_METADATA_DISABLED", "true")]].concat();
    let no_region = [without("AWS_REGION"), vec![("AWS_EC2_METADATA_DISABLED", "true")]].concat();
    let nowhere = std::env::temp_dir();
    for (folder, arguments, environment, expected) in [
        (&nowhere, "scores top --local", &[][..], "no local stack is running"),
        (&outside.folder, "scores top --local", &[], "the board of all shops for all time is empty"),
        (&outside.folder, "scores show nobody --local", &[], "no scores of `nobody`"),
        (&outside.folder, "scores verify --shop nobody --local", &[], "no shop `nobody`"),
        (&nowhere, "scores top --stack elsewhere", &good, "there is no stack `elsewhere` in eu-central-1"),
        (&nowhere, "scores top --stack outside", &nobody, "nobody answers at the endpoint"),
        (&nowhere, "scores top --stack outside", &no_credentials, "no AWS credentials were found"),
        (&nowhere, "scores top --stack outside", &no_region, "no AWS region is configured"),
    ] {
        let Output { stdout, stderr, status } = command(folder, arguments, environment).await;
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), stdout.as_slice()), (Some(1), &[][..]), "{arguments}: {stderr}");
        assert!(stderr.starts_with(&format!("error: {expected}")), "{arguments}: {stderr}");
    }
    let named = command(&nowhere, "scores verify --all --stack outside", &good).await;
    assert_eq!(named.status.code(), Some(0), "{named:?}");
}
