//! A leaderboard as a page or an app reads it: where it lies, what it says, and its schema.

use coffeeshop_core::announce::Item;
use coffeeshop_core::board::{BoardDocument, BoardKey, BoardSnapshot};
use coffeeshop_core::score::CITY_BYTES_MAX;
use serde_json::{Value, json};

use crate::announce::board;
use crate::event::{schemas, wrong};

fn snapshot(name: &str, text: &str) -> BoardSnapshot {
    let Item::Board(snapshot) = board(name, text) else { panic!() };
    snapshot
}

fn document(text: &str) -> Value {
    serde_json::to_value(BoardDocument::from(&snapshot("Zürich", text))).unwrap()
}

#[test]
fn an_object_is_called_by_period_and_board() {
    for (board, period, expected) in [
        ("global", "all", "leaderboards/all/global.json"),
        ("Turin", "2026-11", "leaderboards/2026-11/Turin.json"),
        ("St. Gallen", "all", "leaderboards/all/St%2E%20Gallen.json"),
        ("Zürich/Üb#", "1990-01", "leaderboards/1990-01/Z%C3%BCrich%2F%C3%9Cb%23.json"),
        ("..", "all", "leaderboards/all/%2E%2E.json"),
        ("100%25", "all", "leaderboards/all/100%2525.json"),
        ("東", "all", "leaderboards/all/%E6%9D%B1.json"),
        ("a_b-c~", "all", "leaderboards/all/a_b-c%7E.json"),
    ] {
        let key = BoardKey { board: board.parse().unwrap(), period: period.parse().unwrap() };
        assert_eq!(key.object(), expected);
    }
    // S3's limit.
    let longest =
        BoardKey { board: "ü".repeat(CITY_BYTES_MAX / 2).parse().unwrap(), period: "2026-11".parse().unwrap() };
    assert!(longest.object().len() <= 1024, "{}", longest.object().len());
}

#[test]
fn it_says_places_and_nothing_of_the_bucket() {
    let exported = BoardSnapshot { exported: Some(3), ..snapshot("Zürich", "b a@7") };
    assert_eq!(
        serde_json::to_value(BoardDocument::from(&exported)).unwrap(),
        json!({
            "board": "Zürich",
            "period": "all",
            "version": 7,
            "updated_at": "2026-11-21T10:00:00Z",
            "entries": [
                { "place": 1, "shop_id": "b", "score_micros": 4_000_000, "count": 7 },
                { "place": 2, "shop_id": "a", "score_micros": 4_000_000, "count": 7 },
            ],
        })
    );
    assert_eq!(document("@8")["entries"], json!([]));
}

#[test]
fn a_document_is_one_by_its_schema_and_a_broken_one_is_none() {
    let schema: Value = serde_json::from_str(&schemas::of_leaderboard().1).unwrap();
    let full = (0..100).map(|i| format!("s{i}")).collect::<Vec<_>>().join(" ");
    for text in ["@1", "a b@2", &format!("{full}@3")] {
        assert_eq!(wrong(&schema, &schema, &document(text)), None, "{text}");
    }
    let broken = |pointer: &str, value: Value| {
        let mut document = document("a b@2");
        *document.pointer_mut(pointer).unwrap() = value;
        assert!(wrong(&schema, &schema, &document).is_some(), "{pointer}");
    };
    broken("/board", json!(""));
    broken("/version", json!("2"));
    broken("/entries/0/place", json!(0));
    broken("/entries/1", json!({ "place": 2, "shop_id": "b", "score_micros": 1 }));
    assert!(wrong(&schema, &schema, &document(&format!("{full} one-more@3"))).is_some());
}

#[test]
fn the_leaderboard_in_the_contract_is_one() {
    let contract = include_str!("../../../CONTRACT.md");
    let examples = contract.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let boards: Vec<_> = examples.filter(|example| example.contains("\"place\"")).collect();
    let [example] = boards.as_slice() else { panic!("{} examples", boards.len()) };
    let value: Value = serde_json::from_str(example).unwrap();
    let document: BoardDocument = serde_json::from_str(example).unwrap();
    assert_eq!(serde_json::to_value(&document).unwrap(), value, "an attribute is not read");
    let places: Vec<_> = document.entries.iter().map(|entry| entry.place).collect();
    assert_eq!(places, (1..=places.len()).collect::<Vec<_>>());
    assert!(document.entries.is_sorted_by_key(|entry| std::cmp::Reverse(entry.entry.score_micros)));
    let key = BoardKey { board: document.board, period: document.period };
    assert!(contract.contains(&key.object()), "where it lies: {}", key.object());
}
