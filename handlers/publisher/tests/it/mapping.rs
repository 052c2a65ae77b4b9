//! A record that cannot be read or is never taken, and the mapping that bisects until it is alone; and a topic that is down.

use std::collections::HashMap;

use serde_json::json;

use crate::oracle::check;
use crate::topic::{Fault, RETRIES_MAX, Refused, Topic, deliver};
use crate::writer::{Writer, Written, records};

#[test]
fn a_record_that_cannot_be_read_ends_alone_and_all_others_are_published_once() {
    let mut writer = Writer::default();
    let batch: Vec<_> = (0..100).map(|n| writer.photo(&format!("p{}", n % 60), "ready")).collect();
    for bad in [0, 1, 37, 50, 98, 99] {
        let mut event = records(&batch);
        event[bad]["dynamodb"]["NewImage"]["status"] = json!({ "S": "lost" });
        let topic = Topic::default();
        assert_eq!(deliver(&topic, &event), [[event[bad].clone()]], "{bad}");
        let mut published = topic.ids();
        published.sort();
        let mut others: Vec<_> = batch.iter().filter_map(|written| written.says.clone()).collect();
        others.remove(bad);
        others.sort();
        assert_eq!(published, others, "{bad}");
    }
}

#[test]
fn also_when_calls_fail_meanwhile() {
    let mut writer = Writer::default();
    let batch: Vec<_> = (0..40).map(|n| writer.photo(&format!("p{}", n % 15), "ready")).collect();
    let mut event = records(&batch);
    event[29]["dynamodb"]["NewImage"]["status"] = json!({ "S": "lost" });
    for call in 0..8 {
        for fault in [Fault::Before, Fault::After, Fault::Entry(5)] {
            let topic = Topic::default();
            topic.fail(call, fault);
            assert_eq!(deliver(&topic, &event), [[event[29].clone()]]);
            let mut published = topic.ids();
            published.sort();
            published.dedup();
            assert_eq!(published.len(), 39, "{fault:?} at call {call}");
        }
    }
}

/// A full batch of 60 photos.
fn photos() -> Vec<Written> {
    let mut writer = Writer::default();
    (0..100).map(|n| writer.photo(&format!("p{}", n % 60), "ready")).collect()
}

/// How often it takes to halve a full batch until a record is alone: 100, 50, 25, 13, 7, 4, 2.
const HALVINGS: usize = 7;

#[test]
fn an_event_that_is_never_taken_ends_alone_and_all_others_are_published() {
    for refused in [Refused::Entry, Refused::Call] {
        for bad in [0, 1, 37, 45, 50, 70, 98, 99] {
            let mut batch = photos();
            let event = records(&batch);
            let context = format!("record {bad}, {refused:?}");
            let topic = Topic::refusing(&batch[bad].says.take().unwrap(), refused);
            assert_eq!(deliver(&topic, &event), [[event[bad].clone()]], "{context}");
            check(&topic, &batch, &context);
            let ids = topic.ids();
            let mut times: HashMap<&str, usize> = HashMap::new();
            for id in &ids {
                *times.entry(id).or_default() += 1;
            }
            // Once in the batch, once in what is given back, once in each half that begins with the bad one.
            let most = times.values().max().unwrap();
            assert!(*most <= 2 + HALVINGS && ids.len() <= 4 * batch.len(), "{context}: {most}, {}", ids.len());
        }
    }
}

#[test]
fn while_the_topic_is_down_nothing_is_lost_that_is_not_tried_to_the_end() {
    let batch = photos();
    let event = records(&batch);
    let to_the_end = HALVINGS + 1 + RETRIES_MAX;
    for down in 1..to_the_end {
        let topic = Topic::down(down);
        assert!(deliver(&topic, &event).is_empty(), "{down}");
        check(&topic, &batch, &format!("down for {down} invocations"));
    }
    let topic = Topic::down(to_the_end);
    assert_eq!(deliver(&topic, &event), [[event[0].clone()]]);
    check(&topic, &[&[Written { says: None, ..batch[0].clone() }], &batch[1..]].concat(), "down for longer");
    let each: Vec<_> = event.chunks(1).map(<[_]>::to_vec).collect();
    assert_eq!(deliver(&Topic::down(usize::MAX), &event), each);
}
