//! CONTRACT.md has the objects as they are printed: the same attributes, in the same order.

use std::collections::BTreeMap;
use std::fs;

use coffeeshop_core::outcome::Reason;
use coffeeshop_core::testing::Fault;
use coffeeshop_local::repo_root;
use serde_json::Value;

use super::bench::{Bench, photo, rejected};

fn section() -> String {
    let contract = fs::read_to_string(repo_root().join("CONTRACT.md")).unwrap();
    let section = contract.split("\n## ").find(|section| section.starts_with("The JSON of photos")).unwrap();
    section.to_owned()
}

/// The attributes of each kind, of the first object of it; photos by their status.
fn by_kind(objects: impl IntoIterator<Item = Value>) -> BTreeMap<String, Vec<String>> {
    let mut kinds = BTreeMap::new();
    for object in objects {
        let object = object.as_object().unwrap();
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        // A summary is of a list, or of a run.
        let of_run = if object.contains_key("run") { "run" } else { "" };
        let kind = format!("{} {}{of_run}", text("kind"), text("status"));
        kinds.entry(kind).or_insert_with(|| object.keys().cloned().collect());
    }
    kinds
}

#[test]
fn the_contract_shows_what_is_printed() {
    let bench = Bench::new();
    bench.answered_as("kaffee/p-0", rejected(Reason::UnsupportedFormat), "photo/1");
    let outcome = bench.answered("kaffee/p-1");
    bench.put_rendition(&coffeeshop_core::keys::RenditionKey { name: "left".parse().unwrap(), ..key(&outcome) });
    bench.upload("kaffee/p-7", 5);
    bench.photos.spoil(&photo("tee/p-2"));
    bench.world.fail_entries("queues.send", &[1], Fault::Before);
    let commands = [
        "reprocess --rate 1000/s --dry-run",
        "list",
        "show kaffee p-1",
        "reprocess --rate 1000/s",
        "list --status none",
    ];
    let printed = commands.map(|command| bench.types(&format!("{command} --json")).objects());
    let printed = by_kind(printed.into_iter().flatten());
    let section = section();
    let block = section.split("```jsonl\n").nth(1).unwrap().split("```").next().unwrap();
    let documented = by_kind(block.lines().map(|line| serde_json::from_str(line).unwrap()));
    assert_eq!(printed, documented);
}

fn key(outcome: &coffeeshop_core::outcome::Outcome) -> coffeeshop_core::keys::RenditionKey {
    let coffeeshop_core::outcome::Answer::Ready { renditions, .. } = &outcome.answer else { panic!("not ready") };
    renditions[0].key.clone()
}

/// And names every kind that there is.
#[test]
fn the_contract_names_every_kind() {
    let section = section();
    let folder = repo_root().join("infra/operator/src/command");
    let files = fs::read_dir(folder.join("photos")).unwrap().map(|file| file.unwrap().path());
    let mut kinds = 0;
    for file in files.chain([folder.join("photos.rs")]) {
        let text = fs::read_to_string(file).unwrap();
        for before in [r#"kind: ""#, r#"name(desk, run, ""#, r#"walked(""#] {
            for rest in text.split(before).skip(1) {
                let kind = rest.split('"').next().unwrap();
                assert!(section.contains(&format!("`{kind}`")), "{kind}");
                kinds += 1;
            }
        }
    }
    assert!(kinds > 8, "{kinds}");
}
