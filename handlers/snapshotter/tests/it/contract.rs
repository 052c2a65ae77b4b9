//! What `CONTRACT.md` says of the datasets: its columns, and its snippets run on folders that are as the bucket is.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use coffeeshop_core::score::Score;
use coffeeshop_local::{python, repo_root};
use coffeeshop_snapshotter::dataset::{ParquetWriter, SCHEMA_VERSION};
use coffeeshop_snapshotter::snapshot::{Folder, Latest, Manifest, ManifestFile};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::tables;

const CONTRACT: &str = include_str!("../../../../CONTRACT.md");

#[test]
fn the_columns_are_those_of_the_files() {
    let renewed = tables::renewed(CONTRACT).unwrap();
    assert!(renewed == CONTRACT, "renew it: cargo run -p coffeeshop-snapshotter --example contract_tables");
}

/// The code of a language in the section of this name.
fn snippets(heading: &str, language: &str) -> Vec<String> {
    let section = CONTRACT.split_once(&format!("\n{heading}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    let fence = format!("```{language}\n");
    let code: Vec<String> =
        section.split(&fence).skip(1).map(|part| part.split("```").next().unwrap().to_owned()).collect();
    assert!(!code.is_empty(), "{heading}");
    code
}

fn write(bucket: &Path, key: &str, content: &[u8]) {
    let path = bucket.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn json(bucket: &Path, key: &str, object: &impl serde::Serialize) {
    write(bucket, key, &serde_json::to_vec(object).unwrap());
}

/// A snapshot as the snapshotter leaves it, in two files; or as a run that was killed does, without a manifest.
fn snapshot(bucket: &Path, watermark: Timestamp, scores: &[Score], is_complete: bool) {
    let folder = Folder::of_hour("scores", watermark);
    let mut files = Vec::new();
    for (number, scores) in (0..).zip(scores.chunks(scores.len().div_ceil(2))) {
        let mut writer = ParquetWriter::new(watermark).unwrap();
        for score in scores {
            writer.push(score).unwrap();
        }
        let (bytes, rows) = writer.finish().unwrap();
        let key = folder.file(number);
        write(bucket, &key, &bytes);
        files.push(ManifestFile { key, rows, bytes: bytes.len() as u64 });
    }
    if is_complete {
        let sum = |of: fn(&ManifestFile) -> u64| files.iter().map(of).sum();
        let (dataset, schema_version) = ("scores".to_owned(), SCHEMA_VERSION);
        let (rows, bytes) = (sum(|file| file.rows), sum(|file| file.bytes));
        let manifest = Manifest { dataset, schema_version, watermark, rows, bytes, left_out: 0, files };
        json(bucket, &folder.manifest(), &manifest);
        json(bucket, &folder.latest(), &Latest { manifest: folder.manifest(), watermark });
    }
}

/// The scores of some shops in the `hour`-th hour: each has two periods, and more ratings than before.
fn scores(hour: u64) -> Vec<Score> {
    let score = |shop: u64, period: &str| {
        let key = format!(r#"{{"shop_id":"shop-{shop:02}","period":"{period}"}}"#);
        let city = ["Zürich", "Eastmere", "東京"].get((shop % 4) as usize).map(|city| city.parse().unwrap());
        let counts = [shop % 3, 0, 1, hour + shop, (7 * shop) % 11 + hour];
        // Two that say nothing, of which one is as good as a third.
        let counts = if shop < 2 { [0; 5] } else { counts };
        let updated_at = "2026-11-22T08:00:00.123456Z".parse().unwrap();
        Score::new(serde_json::from_str(&key).unwrap(), counts.try_into().unwrap(), shop, city, updated_at)
    };
    (0..30).flat_map(|shop| [score(shop, "2026-11"), score(shop, "all")]).collect()
}

/// What the snippets must say: the best ten of the newest snapshot, and how many ratings each hour of that day had.
fn expected(hours: &BTreeMap<Timestamp, Vec<Score>>) -> Value {
    let all = |scores: &[Score]| -> Vec<Score> {
        scores.iter().filter(|score| score.key.period.to_string() == "all").cloned().collect()
    };
    let mut newest = all(hours.values().last().unwrap());
    newest.retain(|score| score.count > 0);
    newest.sort_by_key(|score| score.rank.as_ref().unwrap().rank_key.clone());
    let top: Vec<Value> = newest
        .iter()
        .take(10)
        .map(|score| {
            let stars = format!("{}.{:06}", score.score_micros / 1_000_000, score.score_micros % 1_000_000);
            json!([score.key.shop_id, score.city, score.count, stars])
        })
        .collect();
    let ratings: Vec<Value> = hours
        .iter()
        .filter(|(watermark, _)| watermark.to_string().starts_with("2026-11-22"))
        .map(|(watermark, scores)| {
            json!([watermark.to_string(), all(scores).iter().map(|score| score.count).sum::<u64>()])
        })
        .collect();
    json!([top, ratings])
}

/// Runs the snippets of a section on a folder, and reads what each of them finds.
fn found(reader: &str, snippets: &[String], bucket: &Path) -> Value {
    let python = python::analytics(&repo_root(), |_| ()).unwrap().tool("python");
    let mut process = Command::new(python)
        .args(["-c", include_str!("contract/run.py"), reader])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let snippets: Vec<_> = snippets.iter().map(|code| code.replace("s3://BUCKET", bucket.to_str().unwrap())).collect();
    process.stdin.take().unwrap().write_all(&serde_json::to_vec(&snippets).unwrap()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_snippets_read_what_manifests_name() {
    let bucket = tempdir().unwrap();
    let begin: Timestamp = "2026-11-21T23:02:00.123456Z".parse().unwrap();
    let mut hours = BTreeMap::new();
    for hour in 0..13 {
        let watermark = begin + SignedDuration::from_hours(hour);
        let scores = scores(hour.unsigned_abs());
        // One run in between was killed, and the last one.
        let is_complete = hour != 5 && hour != 12;
        snapshot(bucket.path(), watermark, &scores, is_complete);
        if is_complete {
            hours.insert(watermark, scores);
        }
    }
    let expected = expected(&hours);
    assert_eq!(expected[1].as_array().unwrap().len(), 10, "of one day, without the two");
    assert_eq!(found("duckdb", &snippets("### With DuckDB", "sql"), bucket.path()), expected);
    assert_eq!(found("polars", &snippets("### With Polars", "python"), bucket.path()), expected);
}
