//! Every call fails once, before its effect, after it, and in one of its entries. Then the rest comes again.

use crate::oracle::{batches, check};
use crate::topic::{Fault, Topic, deliver, invoke, place};
use crate::writer::{Writer, records};

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
                let back = invoke(&topic, &event).unwrap();
                let rest = &event[place(&event, &back.expect(&context))..];
                assert_eq!(invoke(&topic, rest).unwrap(), None, "{context}");
                check(&topic, &batch, &context);
            }
        }
    }
}

#[test]
fn what_fails_again_and_again_comes_again_and_again() {
    for batch in batches() {
        let (topic, event) = (Topic::default(), records(&batch));
        let mut rest = &event[..];
        for call in [1, 0, 2, 0, 1] {
            topic.fail(call, if call == 1 { Fault::After } else { Fault::Entry(3) });
            let back = invoke(&topic, rest).unwrap();
            rest = back.map_or(&[], |back| &rest[place(rest, &back)..]);
        }
        assert_eq!(deliver(&topic, rest), [[]; 0] as [[serde_json::Value; 0]; 0]);
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
        let place = place(&event, &invoke(&topic, &event).unwrap().unwrap());
        (place, topic.ids().len())
    };
    assert_eq!(given_back(0, Fault::Before), (0, 14));
    assert_eq!(given_back(1, Fault::Entry(3)), (1, 23), "the second round is not begun, and begins earlier");
    assert_eq!(given_back(2, Fault::Entry(3)), (1, 23));
    assert_eq!(given_back(3, Fault::Before), (1, 24), "all others are published");

    let [.., last] = &event[..] else { panic!() };
    let topic = Topic::default();
    topic.fail(0, Fault::Entry(9));
    let back = invoke(&topic, &event[2..12]).unwrap().unwrap();
    assert_eq!((place(&event, &back), topic.ids().len()), (11, 9));
    topic.fail(0, Fault::After);
    assert_eq!(invoke(&topic, std::slice::from_ref(last)).unwrap().unwrap(), last["dynamodb"]["SequenceNumber"]);
}
