//! A record that cannot be read, and the mapping that bisects until it is alone.

use serde_json::json;

use crate::topic::{Fault, Topic, deliver};
use crate::writer::{Writer, records};

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
