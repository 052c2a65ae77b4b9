//! CONTRACT.md has the objects as they are printed: the same attributes, in the same order.

use std::collections::BTreeMap;

use coffeeshop_core::ports::{Content, MESSAGE_BYTES_MAX};
use coffeeshop_local::repo_root;
use serde_json::{Map, Value};

use super::bench::{Bench, url};
use super::stream::{archived, rating, write};

fn names(object: &Map<String, Value>) -> Vec<String> {
    object.keys().cloned().collect()
}

/// The attributes of each kind, of the first object of it.
fn by_kind(objects: impl IntoIterator<Item = Value>) -> BTreeMap<String, Vec<String>> {
    let mut kinds = BTreeMap::new();
    for object in objects {
        let object = object.as_object().unwrap();
        kinds.entry(object["kind"].as_str().unwrap().to_owned()).or_insert_with(|| names(object));
    }
    kinds
}

#[test]
fn the_contract_shows_what_is_printed() {
    let bench = Bench::with_uploads(1, 0);
    let large = Content { body: "x".repeat(MESSAGE_BYTES_MAX), ..Content::default() };
    let large = bench.world.send_as(&url("uploads-dlq"), Some("large"), large, bench.now());
    let commands = ["list", "groups uploads-dlq", "replay uploads-dlq", "replay uploads-dlq --execute"];
    let printed = commands.map(|command| bench.types(&format!("{command} --json")).objects());
    assert!(printed[3].iter().any(|object| object["id"] == *large.0), "it cannot carry the count");
    assert_eq!(by_kind(printed.into_iter().flatten()), documented(1));
}

#[test]
fn the_contract_shows_what_is_printed_of_archives() {
    let bench = Bench::new().with_aggregator(&[1]);
    let records =
        [0, 1, 2].map(|i| write(&bench, i, &rating("shop-1", &format!("user-{i}")), Some(("5", "2026-11-20"))));
    bench.archive("1", &archived(&records));
    let commands = ["list", "replay aggregator-failures", "replay aggregator-failures --execute"];
    let printed = commands.map(|command| bench.types(&format!("{command} --json")).objects());
    let is_ours = |object: &Value| object["kind"] != "place" || object["place"] == "aggregator-failures";
    assert_eq!(by_kind(printed.into_iter().flatten().filter(is_ours)), documented(2));
}

/// The attributes of each kind in the block of this number.
fn documented(block: usize) -> BTreeMap<String, Vec<String>> {
    let contract = std::fs::read_to_string(repo_root().join("CONTRACT.md")).unwrap();
    let section = contract.split("\n## ").find(|section| section.starts_with("The JSON of dead letters")).unwrap();
    let block = section.split("```jsonl\n").nth(block).unwrap().split("```").next().unwrap();
    by_kind(block.lines().map(|line| serde_json::from_str(line).unwrap()))
}

/// And names every kind that there is.
#[test]
fn the_contract_names_every_kind() {
    let contract = std::fs::read_to_string(repo_root().join("CONTRACT.md")).unwrap();
    let section = contract.split("\n## ").find(|section| section.starts_with("The JSON of dead letters")).unwrap();
    let folder = repo_root().join("infra/operator/src/command");
    let files = std::fs::read_dir(folder.join("dlq")).unwrap().map(|file| file.unwrap().path());
    let mut kinds = 0;
    for file in files.chain([folder.join("dlq.rs")]) {
        let text = std::fs::read_to_string(file).unwrap();
        for before in [r#"kind: ""#, r#""kind": ""#, r#"name(desk, ""#] {
            for rest in text.split(before).skip(1) {
                let kind = rest.split('"').next().unwrap();
                assert!(section.contains(&format!("`{kind}`")), "{kind}");
                kinds += 1;
            }
        }
    }
    assert!(kinds > 10, "{kinds}");
}
