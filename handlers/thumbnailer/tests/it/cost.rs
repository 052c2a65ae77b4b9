//! What `cargo xtask bench cost` reckons with is what the function does.
//!
//! Prices are not known here.

use coffeeshop_core::outcome::{Answer, Outcome};
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::renditions::RenditionSpecs;
use coffeeshop_core::testing::World;
use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use futures::executor::block_on;
use serde_json::{Value, json};

use crate::support::{Copier, deliver_all, notification_at};

const CALLS: &str = include_str!("../../../../infra/bench/calls.json");

/// As long as a UUID, which is what ids are.
const PHOTO: &str = "uploads/7b6f0c1e-2a4d-4f0b-9f53-0d1c2b3a4e5f/0f9e8d7c-6b5a-4938-8271-6f5e4d3c2b1a";
const USER: &str = "5d4c3b2a-1f0e-4d9c-8b7a-6f5e4d3c2b1a";

#[test]
fn a_first_upload_calls_as_often_as_is_reckoned_with() {
    let world = World::default();
    let photo = coffeeshop_core::keys::PhotoKey::from_original(PHOTO).unwrap();
    world.upload(&photo, "bytes", Some(USER));
    world.take_events().iter().for_each(|event| world.send(notification_at(event, world.now())));
    block_on(deliver_all(&world));

    let log = world.take_log();
    let of = |call: &str| log.iter().filter(|made| **made == call).count();
    let renditions = |specs: &RenditionSpecs| specs.iter().count();
    let made = renditions(coffeeshop_thumbnailer::photo::Renderer::specs(&Copier::default()));
    assert_eq!(of("renditions.put"), made, "one for each rendition");
    // Deleting is what Lambda does, after the function.
    let known = ["photos.get", "photos.put", "originals.get", "renditions.list", "renditions.put", "queue.delete"];
    assert!(log.iter().all(|call| known.contains(call)), "another call costs something too: {log:?}");

    let bytes = item_bytes(&as_on_aws(world.stored(&photo).unwrap()));
    let calls: Value = serde_json::from_str(CALLS).unwrap();
    let expected = json!({
        "s3_get": of("originals.get"),
        "s3_put": renditions(&RENDITIONS_DEFAULT.parse().unwrap()),
        "s3_list": of("renditions.list"),
        "read_units": of("photos.get"),
        "write_units": of("photos.put") * bytes.div_ceil(1024),
    });
    assert_eq!(calls["photo"], expected, "infra/bench/calls.json (left) is not what was counted; {bytes} bytes");
}

/// With texts and numbers as long as they are there.
fn as_on_aws(mut outcome: Outcome) -> Outcome {
    if let Some(source) = &mut outcome.source {
        source.version_id = "3".repeat(32);
        source.etag = "9".repeat(32);
        (source.bytes, source.width, source.height) = (3_145_723, Some(4032), Some(3024));
    }
    let Answer::Ready { renditions, thumbhash } = &mut outcome.answer else { panic!("{outcome:?}") };
    "1QcSHQRnh493V4dIh4eXh1h4kJUI".clone_into(thumbhash);
    let specs: RenditionSpecs = RENDITIONS_DEFAULT.parse().unwrap();
    let one = renditions[0].clone();
    *renditions = specs
        .iter()
        .map(|spec| {
            let mut rendition = one.clone();
            (rendition.name, rendition.key.name) = (spec.name.clone(), spec.name.clone());
            (rendition.width, rendition.height, rendition.bytes) = (1079, 809, 91_913);
            rendition
        })
        .collect();
    outcome
}

/// The size of an item, as DynamoDB reckons it: names and texts in UTF-8, a byte for two digits and one more, three for a
/// list or a map and one for each of its elements.
fn item_bytes(outcome: &Outcome) -> usize {
    let Value::Object(item) = serde_json::to_value(outcome).unwrap() else { panic!("{outcome:?}") };
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Number(number) => number.to_string().trim_matches('0').len().div_ceil(2) + 1,
        Value::Null | Value::Bool(_) => 1,
        Value::Array(list) => 3 + list.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        Value::Object(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>(),
    }
}
