//! What of a batch is published, in which order, and how much of it at once.

use coffeeshop_publisher::batch::{CALL_MAX, EVENTS_AT_ONCE, GIVE_BACK};
use jiff::SignedDuration;

use crate::oracle::{batches, check, check_greatest};
use crate::topic::{Fault, TIMEOUT_SECONDS, Topic, invoke, invoke_for, place};
use crate::writer::{Writer, records};

#[test]
fn of_a_score_only_the_newest_state_is_said() {
    let mut writer = Writer::default();
    let batch = [
        writer.score("a", "all", 1),
        writer.score("b", "all", 1),
        writer.score("a", "all", 2),
        writer.score("a", "all", 3),
        writer.touch_score("a", "all", 3),
    ];
    let topic = Topic::default();
    assert_eq!(invoke(&topic, &records(&batch)).unwrap(), None);
    assert_eq!(topic.ids(), ["score/b/all/1", "score/a/all/3"]);
}

#[test]
fn a_score_is_of_a_shop_and_a_period() {
    let mut writer = Writer::default();
    let batch = [writer.score("a", "all", 1), writer.score("a", "2026-11", 1), writer.score("a", "all", 2)];
    let topic = Topic::default();
    assert_eq!(invoke(&topic, &records(&batch)).unwrap(), None);
    assert_eq!(topic.ids(), ["score/a/2026-11/1", "score/a/all/2"]);
}

#[test]
fn a_replaced_state_counts_as_done() {
    let mut writer = Writer::default();
    let batch = records(&[writer.score("a", "all", 1), writer.score("b", "all", 1), writer.score("a", "all", 2)]);
    for (entry, first) in [(0, 1), (1, 2)] {
        let topic = Topic::default();
        topic.fail(0, Fault::Entry(entry));
        assert_eq!(place(&batch, &invoke(&topic, &batch).unwrap().unwrap()), first);
    }
}

#[test]
fn photos_and_boards_say_every_change_in_order() {
    let [photos, _, boards] = batches();
    for batch in [photos, boards] {
        let topic = Topic::default();
        assert_eq!(invoke(&topic, &records(&batch)).unwrap(), None);
        check(&topic, &batch, "once");
        assert_eq!(topic.ids().len(), batch.iter().filter(|written| written.says.is_some()).count(), "nothing twice");
    }
}

#[test]
fn as_many_as_may_be_are_given_at_once() {
    let mut writer = Writer::default();
    let batch: Vec<_> = (0..95).map(|n| writer.photo(&format!("p{n}"), "ready")).collect();
    let topic = Topic::default();
    assert_eq!(invoke(&topic, &records(&batch)).unwrap(), None);
    assert_eq!(topic.given(), [EVENTS_AT_ONCE, 95 - EVENTS_AT_ONCE]);
}

#[test]
fn what_comes_again_says_the_same() {
    for batch in batches() {
        let (topic, event) = (Topic::default(), records(&batch));
        assert_eq!(invoke(&topic, &event).unwrap(), None);
        let once = topic.published();
        assert_eq!(invoke(&topic, &event).unwrap(), None);
        assert_eq!(topic.published(), [once.clone(), once].concat());
        check(&topic, &batch, "twice");
        // And parts of it after all that, by which older states of scores are said for the first time.
        for part in [&event[..3], &event[event.len() / 2..]] {
            assert_eq!(invoke(&topic, part).unwrap(), None);
        }
        check_greatest(&topic, &batch, "late");
    }
}

#[test]
fn no_call_is_begun_in_the_time_for_giving_back() {
    let mut writer = Writer::default();
    let batch = records(&[writer.photo("p1", "ready"), writer.photo("p1", "rejected")]);
    for (seconds, calls) in [(-1, 0), (0, 0), (GIVE_BACK.as_secs(), 0), (GIVE_BACK.as_secs() + 1, 2)] {
        let topic = Topic::default();
        topic.advance(SignedDuration::from_secs(100));
        let response = invoke_for(seconds, &topic, &batch);
        assert_eq!((topic.calls(), response.is_err()), (calls, calls == 0), "{seconds} s before the deadline");
    }
}

#[test]
fn a_call_that_hangs_ends_before_lambda_would_end_the_function() {
    let longest = SignedDuration::try_from(CALL_MAX).unwrap();
    assert!(longest < GIVE_BACK);
    let mut writer = Writer::default();
    // A round each.
    let batch: Vec<_> = (0..50).map(|_| writer.photo("p", "ready")).collect();
    let (topic, event) = (Topic::slow(longest), records(&batch));
    let back = invoke(&topic, &event).unwrap().unwrap();
    let rounds = usize::try_from(TIMEOUT_SECONDS - GIVE_BACK.as_secs()).unwrap().div_ceil(4);
    assert_eq!((topic.calls(), place(&event, &back)), (rounds, rounds));

    // One round; the first calls begin just in time, the others do not.
    let batch: Vec<_> = (0..100).map(|n| writer.photo(&format!("p{n}"), "ready")).collect();
    let (topic, event) = (Topic::slow(longest), records(&batch));
    let back = invoke_for(GIVE_BACK.as_secs() + 1, &topic, &event).unwrap().unwrap();
    assert_eq!((topic.given(), place(&event, &back)), (vec![EVENTS_AT_ONCE], EVENTS_AT_ONCE));
}

#[test]
fn nothing_to_say_is_no_call() {
    let mut writer = Writer::default();
    let first = writer.photo("p", "removed");
    let topic = Topic::default();
    for batch in [vec![], vec![writer.photo("p", "removed"), writer.remove(&first)]] {
        assert_eq!(invoke(&topic, &records(&batch)).unwrap(), None);
    }
    assert_eq!(topic.calls(), 0);
}
