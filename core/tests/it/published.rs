//! What subscribers get of a write, to the last attribute: `core/tests/published` has the items before and after it, and
//! `fixtures/events/published`, by the same name, the event.

use std::fmt::Debug;

use coffeeshop_core::announce::{Item, announce};
use coffeeshop_core::event::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event::files;

/// The item, of which every attribute is read.
#[track_caller]
fn whole<T: Serialize + DeserializeOwned + Debug>(item: &Value, of: fn(T) -> Item) -> Item {
    let read = T::deserialize(item).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), *item);
    of(read)
}

fn item(item: &Value) -> Option<Item> {
    let has = |attribute: &str| item.get(attribute).is_some();
    match item {
        Value::Null => None,
        item if has("photo_id") => Some(whole(item, Item::Photo)),
        item if has("board") => Some(whole(item, Item::Board)),
        item => Some(whole(item, Item::Score)),
    }
}

#[test]
fn a_write_says_all_that_it_must() {
    let (writes, events) = (files("core/tests/published"), files("fixtures/events/published"));
    assert!(writes.keys().eq(events.keys()), "each event has its write");
    for (name, event) in events {
        let write: Value = serde_json::from_str(&writes[&name]).unwrap();
        let said = announce(item(&write["old"]).as_ref(), item(&write["new"]).as_ref()).unwrap();
        let expected: Value = serde_json::from_str(&event).unwrap();
        assert_eq!(serde_json::to_value(said).unwrap(), expected, "{name}");
    }
}

#[test]
fn subscriptions_filter_by_attributes() {
    let line = |(name, event): (String, String)| {
        let event: Event = serde_json::from_str(&event).unwrap();
        let attributes: Vec<_> = event.attributes().iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{name}: {}", attributes.join(" "))
    };
    let lines: Vec<_> = files("fixtures/events/published").into_iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "leaderboard-changed-city.json: type=coffeeshop.leaderboard.changed.v1 city=Zürich",
            "leaderboard-changed-sixty.json: type=coffeeshop.leaderboard.changed.v1 city=Turin",
            "leaderboard-changed.json: type=coffeeshop.leaderboard.changed.v1",
            "photo-ready-reprocess.json: type=coffeeshop.photo.ready.v1 shop_id=kaffeehaus-7 cause=reprocess",
            "photo-ready-without-user.json: type=coffeeshop.photo.ready.v1 shop_id=caffe_gambero cause=event",
            "photo-ready.json: type=coffeeshop.photo.ready.v1 shop_id=kaffeehaus-7 cause=event",
            "photo-rejected-corrupt.json: type=coffeeshop.photo.rejected.v1 shop_id=caffe_gambero cause=event",
            "photo-rejected.json: type=coffeeshop.photo.rejected.v1 shop_id=kaffeehaus-7 cause=event",
            "photo-removed.json: type=coffeeshop.photo.removed.v1 shop_id=kaffeehaus-7 cause=event",
            "score-updated-without-ratings.json: type=coffeeshop.score.updated.v1 shop_id=caffe_gambero",
            "score-updated.json: type=coffeeshop.score.updated.v1 shop_id=kaffeehaus-7 city=Vienna",
        ]
    );
}
