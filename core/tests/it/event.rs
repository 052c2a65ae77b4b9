//! What consumers read: names, schemas, and everything that was ever said.

#[path = "../schemas/mod.rs"]
pub(crate) mod schemas;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use coffeeshop_core::announce::announce;
use coffeeshop_core::event::{EVENT_ID_BYTES_MAX, Event, EventId, LEADERBOARD_CHANGED, TYPES};
use serde_json::{Value, json};

use crate::announce::{board, photo, score};

/// Text of every file below the repository's `folder`, by its name.
pub(crate) fn files(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    };
    fs::read_dir(&folder).unwrap().map(read).collect()
}

/// An event of each type, and some without what may be absent.
fn events() -> Vec<Event> {
    let items = [
        photo("ready@1"),
        photo("rejected@2"),
        photo("removed@3"),
        score("5@1"),
        score("0@2"),
        board("global", "a b@1"),
        board("Zürich", "a@2"),
    ];
    items.iter().map(|item| announce(None, Some(item)).unwrap()).collect()
}

#[test]
fn every_event_that_was_ever_published_is_read_and_written_as_it_was() {
    let mut types = BTreeSet::new();
    for (name, text) in files("fixtures/events/published") {
        let value: Value = serde_json::from_str(&text).unwrap();
        let event: Event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(&event).unwrap(), value, "{name}");
        assert_eq!(event.id.as_str().rsplit_once('/').unwrap().0, event.subject, "{name}");
        types.insert(event.data.kind());
    }
    assert_eq!(types, TYPES.into(), "each type has an example");
}

#[test]
fn the_events_in_the_contract_are_events() {
    let contract = include_str!("../../../CONTRACT.md");
    let examples = contract.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let examples: Vec<_> = examples.filter(|example| example.contains("\"specversion\"")).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let event: Event = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        let value: Value = serde_json::from_str(example).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), value, "an attribute is not read");
    }
    for kind in TYPES {
        assert!(contract.contains(kind), "{kind}");
    }
}

#[test]
fn an_event_is_read_as_it_was_written() {
    let mut types = BTreeSet::new();
    for event in events() {
        let value = serde_json::to_value(&event).unwrap();
        assert_eq!(value["type"], event.data.kind());
        assert!(!value.to_string().contains("null"), "what is absent is left out: {value}");
        types.insert(event.data.kind());
        assert_eq!(serde_json::from_value::<Event>(value).unwrap(), event);
    }
    assert_eq!(types, TYPES.into());
}

#[test]
fn attributes_that_come_later_are_ignored() {
    for event in events() {
        let mut value = serde_json::to_value(&event).unwrap();
        value["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01");
        value["data"]["weather"] = json!({ "sun": true });
        assert_eq!(serde_json::from_value::<Event>(value).unwrap(), event);
    }
}

#[test]
fn what_is_no_event_of_ours_is_an_error() {
    let event = serde_json::to_value(&events()[0]).unwrap();
    for (attribute, other) in [
        ("type", "coffeeshop.photo.ready.v2"),
        ("specversion", "2.0"),
        ("source", "/somebody"),
        ("datacontenttype", "text/xml"),
        ("id", "a.b"),
        ("time", "soon"),
    ] {
        let mut value = event.clone();
        value[attribute] = other.into();
        assert!(serde_json::from_value::<Event>(value).is_err(), "{attribute}");
    }
}

#[test]
fn an_id_is_plain() {
    let longest = "x".repeat(EVENT_ID_BYTES_MAX);
    for good in ["a", "photo/shop-1/photo_1/3", "board/St%2E%20Gallen/all/7", longest.as_str()] {
        assert_eq!(good.parse::<EventId>().map(|id| id.to_string()).as_deref(), Ok(good));
    }
    let too_long = "x".repeat(EVENT_ID_BYTES_MAX + 1);
    for bad in ["", " ", "a b", "a.b", "a#b", "ü", "a\n", too_long.as_str()] {
        assert!(bad.parse::<EventId>().is_err(), "{bad:?}");
    }
}

#[test]
fn the_schemas_are_what_the_types_make() {
    let made: BTreeMap<_, _> = schemas::all().into_iter().collect();
    let names: BTreeSet<_> = made.keys().filter_map(|name| name.strip_suffix(".json")).collect();
    assert_eq!(names, TYPES.into_iter().chain(["leaderboard"]).collect());
    let there = files("core/schemas");
    assert_eq!(there.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
    for (name, text) in made {
        assert_eq!(there[&name], text, "{name}: run `cargo run -p coffeeshop-core --example schemas`");
        for of_rust in ["crate::", "](", "null", "uint"] {
            assert!(!text.contains(of_rust), "{name}: consumers do not know {of_rust:?}");
        }
    }
}

#[test]
fn a_schema_says_that_places_are_from_1_and_how_long_a_name_is() {
    let (_, text) = schemas::of_events().into_iter().find(|(name, _)| name.starts_with(LEADERBOARD_CHANGED)).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let sixty = files("fixtures/events/published").remove("leaderboard-changed-sixty.json").unwrap();
    let check = |pointer: &str, broken: Value| {
        let mut event: Value = serde_json::from_str(&sixty).unwrap();
        assert_eq!(wrong(&schema, &schema, &event), None);
        *event.pointer_mut(pointer).unwrap() = broken;
        assert!(wrong(&schema, &schema, &event).is_some(), "{pointer}");
    };
    for pointer in ["/data/entered/0/place", "/data/left/0/place", "/data/moved/0/from", "/data/moved/0/to"] {
        check(pointer, json!(0));
    }
    check("/data/board", json!(""));
    check("/data/board", json!("x".repeat(257)));
}

#[test]
fn every_event_is_one_by_the_schema_of_its_type_alone() {
    let schemas: Vec<Value> =
        schemas::of_events().iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    let published = files("fixtures/events/published").into_values().map(|text| serde_json::from_str(&text).unwrap());
    let said = events().into_iter().map(|event| serde_json::to_value(event).unwrap());
    for event in published.chain(said) {
        for schema in &schemas {
            let wrong = wrong(schema, schema, &event);
            assert_eq!(wrong.is_none(), schema["title"] == event["type"], "{}: {wrong:?}", event["id"]);
        }
        let data = event["data"].as_object().unwrap();
        for schema in schemas.iter().filter(|schema| schema["title"] == event["type"]) {
            let known = schema["properties"]["data"]["properties"].as_object().unwrap();
            assert!(data.keys().all(|name| known.contains_key(name)), "{}", event["id"]);
        }
    }
}

/// Where a value is not what a schema says, of the keywords that the schemas have; patterns and formats are not looked
/// at here.
pub(crate) fn wrong(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let wrong_here = |keyword: &str| Some(format!("{keyword} of {schema} for {value}"));
    for (keyword, expected) in schema.as_object().unwrap() {
        let found = match keyword.as_str() {
            "$ref" => wrong(root, root.pointer(expected.as_str().unwrap().trim_start_matches('#')).unwrap(), value),
            "const" if expected != value => wrong_here(keyword),
            "type" => {
                let fits = match expected.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64(),
                    other => panic!("the type {other}"),
                };
                if fits { None } else { wrong_here(keyword) }
            }
            "oneOf" => {
                let fit = expected.as_array().unwrap().iter().filter(|one| wrong(root, one, value).is_none()).count();
                if fit == 1 { None } else { wrong_here(keyword) }
            }
            "required" => {
                let absent =
                    expected.as_array().unwrap().iter().any(|name| value.get(name.as_str().unwrap()).is_none());
                if absent { wrong_here(keyword) } else { None }
            }
            "properties" => {
                let properties = expected.as_object().unwrap().iter();
                let mut there = properties.filter_map(|(name, schema)| Some((schema, value.get(name)?)));
                there.find_map(|(schema, value)| wrong(root, schema, value))
            }
            "items" => value.as_array().into_iter().flatten().find_map(|value| wrong(root, expected, value)),
            "minimum" if value.as_u64() < expected.as_u64() => wrong_here(keyword),
            "minLength" if characters(value) < expected.as_u64() => wrong_here(keyword),
            "maxLength" if characters(value) > expected.as_u64() => wrong_here(keyword),
            "maxItems" if elements(value) > expected.as_u64() => wrong_here(keyword),
            "const" | "title" | "description" | "pattern" | "format" | "minimum" | "minLength" | "maxLength"
            | "minItems" | "maxItems" | "$schema" | "$defs" => None,
            other => panic!("the keyword {other}"),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn elements(list: &Value) -> Option<u64> {
    Some(list.as_array()?.len() as u64)
}

fn characters(text: &Value) -> Option<u64> {
    Some(text.as_str()?.chars().count() as u64)
}
