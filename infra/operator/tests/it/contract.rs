//! The JSON that `CONTRACT.md` promises is the JSON that there is.

use std::collections::BTreeSet;
use std::future::pending;

use coffeeshop_core::testing::ScoreWorld;
use serde_json::Value;

use crate::hot::Hot;
use crate::spoilt::Spoilt;
use crate::transcript;
use crate::world::{DAMAGES, item, rating, world};

/// The objects among some lines.
fn objects(text: &str) -> Vec<Value> {
    text.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Which attributes each sort of line has: `score_city` is of the same sort as `score_missing`. Only `verify` knows a
/// `repair`, and not always.
fn sorts(lines: &[Value]) -> BTreeSet<(String, BTreeSet<String>)> {
    let sort = |line: &Value| {
        let kind = line["kind"].as_str().unwrap();
        let names = line.as_object().unwrap().keys().filter(|name| *name != "repair").cloned().collect();
        (kind.split('_').next().unwrap().to_owned(), names)
    };
    lines.iter().map(sort).collect()
}

/// What `verify` and `rebuild` print of every kind of damage, of a shop that never rests, and of what cannot be understood.
fn printed() -> Vec<Value> {
    let mut printed = Vec::new();
    for arguments in ["scores verify --shop shop --json", "scores rebuild --shop shop --json"] {
        for (_, damage, _) in DAMAGES {
            let world = world();
            damage(&world);
            printed.extend(objects(&transcript::of(&world, arguments)));
        }
        let world = world();
        world.put_rating(rating("user-0"), item("1", "2026-11-01"));
        let hot = Hot::new(&world, usize::MAX);
        printed.extend(objects(&transcript::during(&hot, &world, arguments, pending())));
        let empty = ScoreWorld::default();
        printed.extend(objects(&transcript::during(&Spoilt(&empty), &empty, arguments, pending())));
    }
    printed
}

#[test]
fn the_lines_in_the_contract_are_those_of_the_command() {
    let contract = include_str!("../../../../CONTRACT.md");
    let section = contract.split("\n## ").find(|section| section.starts_with("The command's JSON")).unwrap();
    let (_, examples) = section.split_once("```jsonl\n").unwrap();
    let printed = printed();
    assert_eq!(sorts(&objects(examples)), sorts(&printed));
    for line in printed {
        let kind = line["kind"].as_str().unwrap();
        assert!(section.contains(&format!("`{kind}`")), "{kind}");
    }
}
