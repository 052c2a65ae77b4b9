//! The JSON Schemas of what the world reads: of published events, a self-contained one for each type, made from [`Event`];
//! and of a leaderboard in the bucket of analytics.
//!
//! When something is said is not in them. Attributes that they do not name are allowed, since a type may gain some.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it makes known files of known types; a mistake in it should stop it"
)]

use std::collections::BTreeSet;

use coffeeshop_core::board::BoardDocument;
use coffeeshop_core::event::Event;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Every file, as its name in `core/schemas` and its text.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut all = of_events();
    all.push(of_leaderboard());
    all
}

fn root<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// The files of events.
pub(crate) fn of_events() -> Vec<(String, String)> {
    let mut event = root::<Event>();
    let Value::Array(types) = event["oneOf"].take() else { panic!("a schema a type") };
    types.into_iter().map(|one| file(of_type(event.clone(), one))).collect()
}

/// The file of a leaderboard.
pub(crate) fn of_leaderboard() -> (String, String) {
    let mut schema = root::<BoardDocument>();
    plain(&mut schema);
    file(schema)
}

fn file(mut schema: Value) -> (String, String) {
    // In an order of its own, whichever features serde_json is built with.
    schema.sort_all_objects();
    let name = format!("{}.json", schema["title"].as_str().unwrap());
    (name, format!("{schema:#}\n"))
}

/// The schema of one type: what all events have, and what this one has.
fn of_type(mut event: Value, mut one: Value) -> Value {
    for (name, attribute) in one["properties"].as_object_mut().unwrap() {
        event["properties"][name] = attribute.take();
    }
    event["required"].as_array_mut().unwrap().append(one["required"].as_array_mut().unwrap());
    event["description"] = one["description"].take();
    event["title"] = event["properties"]["type"]["const"].clone();
    event["properties"]["type"]["description"] = json!("What happened.");
    event.as_object_mut().unwrap().remove("oneOf");
    for attribute in event["properties"].as_object_mut().unwrap().values_mut() {
        only_one(attribute);
    }
    plain(&mut event);
    without_unused(&mut event);
    event
}

/// An attribute that has one value has a constant.
fn only_one(attribute: &mut Value) {
    let attribute = attribute.as_object_mut().unwrap();
    if let Some([Value::Object(only)]) = attribute.get("oneOf").and_then(Value::as_array).map(Vec::as_slice) {
        let only = only.clone();
        attribute.remove("oneOf");
        or_insert(attribute, only);
    }
}

/// Attributes that may be absent are never null; formats are those of JSON Schema; a paragraph is a line.
fn plain(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(plain),
        Value::Object(attributes) => {
            if let Some(Value::Array(types)) = attributes.get_mut("type") {
                types.retain(|it| it != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    attributes.insert("type".to_owned(), only);
                }
            }
            if let Some([Value::Object(some), null]) =
                attributes.get("anyOf").and_then(Value::as_array).map(Vec::as_slice)
                && *null == json!({ "type": "null" })
            {
                let some = some.clone();
                attributes.remove("anyOf");
                or_insert(attributes, some);
            }
            if attributes.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                attributes.remove("format");
            }
            if let Some(Value::String(text)) = attributes.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            attributes.values_mut().for_each(plain);
        }
        _ => {}
    }
}

/// Without the definitions that nothing refers to.
fn without_unused(schema: &mut Value) {
    let Value::Object(definitions) = schema["$defs"].take() else { panic!("no definitions") };
    let (mut used, mut new) = (BTreeSet::new(), referred_to(schema));
    while let Some(name) = new.pop_first() {
        new.append(&mut referred_to(&definitions[&name]));
        used.insert(name);
        new.retain(|name| !used.contains(name));
    }
    schema["$defs"] = definitions.into_iter().filter(|(name, _)| used.contains(name)).collect();
}

fn referred_to(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Array(all) => all.iter().flat_map(referred_to).collect(),
        Value::Object(attributes) => {
            let here = attributes.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
            here.map(str::to_owned).into_iter().chain(attributes.values().flat_map(referred_to)).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn or_insert(attributes: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        attributes.entry(name).or_insert(value);
    }
}
