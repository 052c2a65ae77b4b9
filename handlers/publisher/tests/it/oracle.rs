//! What must have been published, whatever went wrong: made from what was written, without `announce`.

use std::collections::{BTreeMap, HashMap};

use coffeeshop_core::event::Event;

use crate::topic::Topic;
use crate::writer::{Writer, Written};

/// Of each item the ids of what it says, in order.
fn by_item<'a>(ids: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, Vec<u64>> {
    let mut items: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for id in ids {
        let (item, revision) = id.rsplit_once('/').unwrap();
        items.entry(item).or_default().push(revision.parse().unwrap());
    }
    items
}

/// Whether the topic has what it must have after all of `written` was delivered, in order.
#[track_caller]
pub(crate) fn check(topic: &Topic, written: &[Written], context: &str) {
    check_greatest(topic, written, context);
    let said = by_item(written.iter().filter_map(|written| written.says.as_deref()));
    let ids = topic.ids();
    let published = by_item(ids.iter().map(String::as_str));
    for (item, said) in &said {
        let mut first = Vec::new();
        for revision in &published[item] {
            assert!(said.contains(revision), "{context}: {item} never said {revision}");
            if !first.contains(revision) {
                first.push(*revision);
            }
        }
        // Of a score not every state is said, and one that was left out may be said late, when its batch comes in halves.
        assert!(
            item.starts_with("score/") || first == *said,
            "{context}: {item} says {said:?}, published is {first:?}"
        );
    }
}

/// Whether who keeps the greatest revision has the newest state of each item.
#[track_caller]
pub(crate) fn check_greatest(topic: &Topic, written: &[Written], context: &str) {
    let ids = topic.ids();
    let greatest = |ids: BTreeMap<&str, Vec<u64>>| -> BTreeMap<String, u64> {
        ids.into_iter().map(|(item, revisions)| (item.to_owned(), revisions.into_iter().max().unwrap())).collect()
    };
    let said = greatest(by_item(written.iter().filter_map(|written| written.says.as_deref())));
    assert_eq!(greatest(by_item(ids.iter().map(String::as_str))), said, "{context}");
    let mut contents: HashMap<String, Event> = HashMap::new();
    for event in topic.published() {
        let known = contents.entry(event.id.to_string()).or_insert_with(|| event.clone());
        assert_eq!(*known, event, "{context}: one id, one content");
    }
}

/// A batch of each stream, with several changes of an item, and more of them than fit into a call; of photos more than
/// are published at once.
pub(crate) fn batches() -> [Vec<Written>; 3] {
    let mut writer = Writer::default();
    let mut photos: Vec<Written> = (0..55).map(|n| writer.photo(&format!("p{n}"), "ready")).collect();
    for status in ["rejected", "removed", "removed", "ready"] {
        photos.extend((0..4).map(|n| writer.photo(&format!("p{n}"), status)));
    }
    let mut scores = Vec::new();
    for ratings in 1..=3 {
        for period in ["all", "2026-11"] {
            scores.extend((0..20).map(|n| writer.score(&format!("s{n}"), period, ratings)));
        }
    }
    scores.push(writer.touch_score("s7", "all", 4));
    let boards = ["global", "Vienna", "Turin"]
        .iter()
        .flat_map(|board| [["a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]].map(|shops| (board, shops)))
        .map(|(board, shops)| writer.board(board, &shops))
        .collect();
    [photos, scores, boards]
}
