//! Every call fails once, before its effect, after it, and in one of its entries. Then the rest comes again.

use serde_json::Value;

use crate::oracle::{batches, check};
use crate::topic::{Fault, Refused, Topic, deliver, invoke, place};
use crate::writer::{Writer, records};

/// What is archived when all goes well in the end.
const NOTHING: [[Value; 0]; 0] = [];

#[test]
fn every_call_may_fail() {
    for batch in batches() {
        let (well, event) = (Topic::default(), records(&batch));
        assert_eq!(invoke(&well, &event).unwrap(), None);
        assert!(well.calls() > 3, "{}", well.calls());
        for call in 0..well.calls() {
            for fault in [Fault::Before, Fault::After, Fault::Entry(0), Fault::Entry(4), Fault::Entry(9)] {
                let (topic, context) =
                    (Topic::default(), format!("{fault:?} at call {call} of {}", event[0]["eventID"]));
                topic.fail(call, fault);
                assert_eq!(deliver(&topic, &event), NOTHING, "{context}");
                check(&topic, &batch, &context);
                // Twice, and of scores what a half says besides.
                assert!(topic.ids().len() <= 3 * well.ids().len(), "{context}: {}", topic.ids().len());
            }
        }
    }
}

#[test]
fn what_fails_again_and_again_comes_again_and_again() {
    for batch in batches() {
        let topic = Topic::default();
        for call in [1, 2, 5, 6, 9, 14] {
            topic.fail(call, if call % 2 == 0 { Fault::After } else { Fault::Entry(3) });
        }
        assert_eq!(deliver(&topic, &records(&batch)), NOTHING);
        check(&topic, &batch, "again and again");
    }
}

#[test]
fn the_earliest_record_that_is_not_published_is_given_back() {
    let mut writer = Writer::default();
    // The second round begins at the second record, the first ends at the last.
    let mut batch = vec![writer.photo("a", "ready"), writer.photo("a", "rejected")];
    batch.extend((0..23).map(|n| writer.photo(&format!("p{n}"), "ready")));
    let event = records(&batch);
    let given_back = |call, fault| {
        let topic = Topic::default();
        topic.fail(call, fault);
        let back = invoke(&topic, &event).map(|back| place(&event, &back.unwrap()));
        (back.map_err(|error| error.to_string()), topic.ids().len())
    };
    let in_halves = "the first of 25 records is not published: they must come again in halves".to_owned();
    assert_eq!(given_back(0, Fault::Before), (Err(in_halves.clone()), 14));
    assert_eq!(given_back(0, Fault::Entry(0)), (Err(in_halves), 23), "its second event does not overtake it");
    assert_eq!(given_back(1, Fault::Entry(3)), (Ok(14), 24));
    assert_eq!(given_back(2, Fault::Entry(3)), (Ok(24), 24));
    assert_eq!(given_back(3, Fault::Before), (Ok(1), 24));

    let [.., last] = &event[..] else { panic!() };
    let topic = Topic::default();
    topic.fail(0, Fault::After);
    assert_eq!(invoke(&topic, std::slice::from_ref(last)).unwrap().unwrap(), last["dynamodb"]["SequenceNumber"]);
}

#[test]
fn an_event_that_fails_holds_up_its_own_item_alone() {
    let mut writer = Writer::default();
    let mut batch = Vec::new();
    for status in ["ready", "rejected", "removed"] {
        batch.extend((0..60).map(|n| writer.photo(&format!("p{n}"), status)));
    }
    let event = records(&batch);
    for (photo, refused, published) in [
        ("p3", Refused::Entry, 178),
        // With it nine others, in the second round and in the third.
        ("p3", Refused::Call, 160),
        ("p55", Refused::Call, 160),
    ] {
        let topic = Topic::refusing(&format!("photo/shop-1/{photo}/2"), refused);
        let back = invoke(&topic, &event).unwrap().unwrap();
        let first = batch.iter().position(|written| !topic.ids().contains(written.says.as_ref().unwrap()));
        assert_eq!((Some(place(&event, &back)), topic.ids().len()), (first, published), "{photo}, {refused:?}");
    }
}
