//! A few messages first: the rest follows when they were handled, and stays when they come back.

use coffeeshop_core::ports::{Attribute, Content};
use coffeeshop_core::testing::{Fault, suspend_once};
use insta::assert_snapshot;

use super::bench::{Bench, url};

/// A function that takes all that is in the queue each time that it has a turn, and does this with it.
async fn function(bench: &Bench, queue: &str, mut done: impl FnMut(Content)) {
    use coffeeshop_core::ports::{Queues as _, RECEIVE_MESSAGES_MAX, Receipt};
    loop {
        let messages = bench.world.receive(&url(queue), RECEIVE_MESSAGES_MAX, std::time::Duration::from_mins(6)).await;
        let messages = messages.unwrap();
        let receipts: Vec<Receipt> = messages.iter().map(|message| message.receipt.clone()).collect();
        bench.world.delete(&url(queue), &receipts).await;
        for message in messages {
            done(message.content);
        }
        suspend_once().await;
    }
}

#[test]
fn the_rest_follows_when_the_first_were_handled() {
    let bench = Bench::with_uploads(0, 20);
    let (arguments, begun) = ("replay uploads-dlq --execute --canary 3", bench.now());
    let handled = std::cell::Cell::new(0);
    let works = || function(&bench, "uploads", |_| handled.set(handled.get() + 1));
    assert_snapshot!(bench.types_until(arguments, works).transcript(arguments, &bench));
    let left: usize = bench.bodies("uploads").values().sum();
    assert_eq!((handled.get() + left, bench.bodies("uploads-dlq").len()), (20, 0));
    assert!(bench.now().duration_since(begun).as_secs() >= 60, "what a queue says of itself may be a minute old");
}

#[test]
fn nothing_more_is_sent_when_they_come_back() {
    let bench = Bench::with_uploads(0, 20);
    // It parks what it gets, and keeps the mark.
    let arguments = "replay uploads-dlq --execute --canary 3";
    let parks = || function(&bench, "uploads", |content| drop(bench.rest("uploads-dlq", content)));
    assert_snapshot!(bench.types_until(arguments, parks).transcript(arguments, &bench));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (0, 20));
    assert!(bench.journal().iter().any(|line| line["event"] == "canary_failed" && line["came_back"] == 3));

    // When that is mended, the run goes on with three others first; those that came back are none of its own.
    let run = bench.runs().pop().unwrap();
    let handled = std::cell::Cell::new(0);
    let works = || function(&bench, "uploads", |_| handled.set(handled.get() + 1));
    let said = bench.types_until(&format!("resume {run} --json"), works);
    assert_eq!((said.status, said.summary()["done"].as_u64()), (0, Some(20)), "{said:?}");
    let left: usize = bench.bodies("uploads").values().sum();
    assert_eq!((handled.get() + left, bench.bodies("uploads-dlq").len()), (17, 3));
}

/// Nobody takes them, so nobody knows what would become of the others.
#[test]
fn nothing_more_is_sent_when_the_first_stay_where_they_are() {
    let bench = Bench::with_uploads(0, 5);
    let begun = bench.now();
    let said = bench.types("replay uploads-dlq --execute --canary 1 --json");
    assert_eq!((said.status, said.summary()["done"].as_u64()), (3, Some(1)), "{said:?}");
    assert_eq!(said.summary()["canary"], "still_there");
    assert!(said.errors.contains("uploads still has 1 message, so that nobody knows"), "{said:?}");
    let waited = bench.now().duration_since(begun).as_secs();
    assert!((5 * 360 + 60..5 * 360 + 90).contains(&waited), "{waited}");
}

/// A subscription's messages come back to the dead-letter queue of its queue.
#[test]
fn what_a_subscription_could_not_deliver_may_come_back_elsewhere() {
    let bench = Bench::new();
    for i in 0..4 {
        bench.rest("notifications-subscription-dlq", Content { body: format!("event {i}"), ..Content::default() });
    }
    let parks = || function(&bench, "notifications", |content| drop(bench.rest("notifications-dlq", content)));
    let arguments = "replay notifications-subscription-dlq --execute --canary 1 --json";
    let said = bench.types_until(arguments, parks);
    assert_eq!((said.status, said.summary()["done"].as_u64()), (3, Some(1)), "{said:?}");
    assert_eq!(bench.bodies("notifications-dlq").len(), 1);
}

#[test]
fn ctrl_c_ends_the_waiting() {
    let bench = Bench::with_uploads(0, 5);
    let pressed = std::cell::Cell::new(false);
    let press = || async {
        while bench.bodies("uploads").is_empty() || pressed.get() {
            suspend_once().await;
        }
        pressed.set(true);
    };
    let said = bench.types_until("replay uploads-dlq --execute --canary 1", press);
    assert_eq!(said.status, 130, "{said:?}");
    assert!(said.errors.contains("To go on: coffeeshop dlq resume"), "{said:?}");
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (1, 4));
}

/// A canary that was not sent says nothing of the others.
#[test]
fn nothing_more_is_sent_when_the_first_could_not_be() {
    let bench = Bench::with_uploads(0, 20);
    bench.world.fail_entries("queues.send", &[1], Fault::Before);
    let begun = bench.now();
    let said = bench.types("replay uploads-dlq --execute --canary 3 --json");
    assert_eq!((said.status, said.summary()["canary"].as_str()), (3, Some("not_sent")), "{said:?}");
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (2, 18));
    assert!(bench.now().duration_since(begun).as_secs() < 10, "nothing was waited for");
}

/// Sent is sent, whatever became of the deletion: it is waited for.
#[test]
fn what_could_not_be_deleted_is_a_canary_too() {
    let bench = Bench::with_uploads(0, 20);
    bench.world.fail_entries("queues.delete", &[0, 1, 2], Fault::Before);
    bench.world.fail_entries("queues.delete", &[0, 1, 2], Fault::Before);
    let begun = bench.now();
    let works = || function(&bench, "uploads", drop);
    let said = bench.types_until("replay uploads-dlq --execute --canary 3 --json", works);
    assert_eq!((said.status, said.summary()["canary"].as_str()), (0, Some("handled")), "{said:?}");
    assert!(bench.now().duration_since(begun).as_secs() >= 60);
    assert!(bench.bodies("uploads-dlq").is_empty());
}

/// What other runs sent, and came back long ago, is none of this one's.
#[test]
fn only_the_run_s_own_messages_count() {
    let bench = Bench::with_uploads(0, 4);
    let mut other = super::bench::parked_upload(1);
    other.attributes.insert("replayed".to_owned(), Attribute::text("3/of-another-run"));
    bench.rest("uploads-dlq", other);
    let works = || function(&bench, "uploads", drop);
    let said = bench.types_until("replay uploads-dlq --execute --canary 1 --json", works);
    let summary = said.summary();
    assert_eq!(
        (said.status, summary["canary"].as_str(), summary["left_alone"].as_u64()),
        (3, Some("handled"), Some(1))
    );
    assert!(!bench.journal().iter().any(|line| line["event"] == "canary_failed"));
}
