//! What is published, and what SNS's answers become.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use aws_sdk_sns::Client;
use aws_sdk_sns::operation::publish_batch::builders::PublishBatchOutputBuilder;
use aws_sdk_sns::operation::publish_batch::{PublishBatchInput, PublishBatchOutput};
use aws_sdk_sns::types::{BatchResultErrorEntry, PublishBatchResultEntry};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::topic::SnsTopic;
use coffeeshop_core::announce::{Item, announce};
use coffeeshop_core::event::Event;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Outcome, Reason};
use coffeeshop_core::ports::EventTopic;
use coffeeshop_core::testing::contract::ready;

/// An event about a rejected photo, of which something was detected.
pub(crate) fn event(detected: &str) -> Event {
    let photo = PhotoKey::from_original("uploads/shop/photo").unwrap();
    let answer = Answer::Rejected { reason: Reason::UnsupportedFormat, detected: Some(detected.to_owned()) };
    announce(None, Some(&Item::Photo(Outcome { answer, ..ready(&photo, 1) }))).unwrap()
}

const ATTRIBUTES: [(&str, &str); 3] =
    [("type", "coffeeshop.photo.rejected.v1"), ("shop_id", "shop"), ("cause", "event")];

const ARN: &str = "arn:aws:sns:eu-west-1:1:events";

/// One that SNS counts as so many bytes.
fn sized(bytes: usize) -> Event {
    let attribute = |(name, value): (&str, &str)| name.len() + "String".len() + value.len();
    let attributes: usize = ATTRIBUTES.into_iter().map(attribute).sum();
    let rest = serde_json::to_string(&event("")).unwrap().len() + attributes;
    event(&"x".repeat(bytes - rest))
}

/// Publishes events; how it went, and the calls. What is about a `bad` photo is refused, nothing is said of a `lost` one.
async fn publish(events: &[Event]) -> (Vec<bool>, Vec<PublishBatchInput>) {
    let calls: Arc<Mutex<Vec<PublishBatchInput>>> = Arc::default();
    let seen = Arc::clone(&calls);
    let rule = mock!(Client::publish_batch).then_compute_output(move |request| {
        seen.lock().unwrap().push(request.clone());
        let mut answer = PublishBatchOutput::builder();
        // In another order than asked.
        for entry in request.publish_batch_request_entries().iter().rev() {
            let says = |detected: &str| entry.message().contains(&format!("\"detected\":\"{detected}\""));
            if says("bad") {
                let refused = BatchResultErrorEntry::builder().id(entry.id()).code("InternalError").sender_fault(false);
                answer = answer.failed(refused.build().unwrap());
            } else if !says("lost") {
                answer = answer.successful(PublishBatchResultEntry::builder().id(entry.id()).message_id("m").build());
            }
        }
        answer.build()
    });
    let results = topic(&rule).publish(&events.iter().collect::<Vec<_>>()).await;
    let calls = calls.lock().unwrap().clone();
    (results.iter().map(Result::is_ok).collect(), calls)
}

fn topic(rule: &Rule) -> SnsTopic {
    let client = mock_client!(aws_sdk_sns, RuleMode::MatchAny, &[rule]);
    SnsTopic::new(client, ARN.to_owned())
}

#[tokio::test]
async fn each_event_can_fail_alone() {
    let events: Vec<Event> = ["a"; 10].into_iter().chain(["bad", "b", "lost", "c"]).map(event).collect();
    let (results, _) = publish(&events).await;
    assert_eq!(results, [vec![true; 10], vec![false, true, false, true]].concat());
}

#[tokio::test]
async fn a_call_that_fails_fails_all_its_events() {
    let denied = mock!(Client::publish_batch).sequence().http_status(403, None).build();
    let (one, other) = (event("a"), event("b"));
    let results = topic(&denied).publish(&[&one, &other]).await;
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(result.unwrap_err().call, "topic.publish");
    }
}

#[tokio::test(start_paused = true)]
async fn results_are_in_order_whichever_call_is_through_first() {
    let events: Vec<Event> = ["first"].into_iter().chain(["a"; 14]).chain(["bad", "b"]).map(event).collect();
    let about_first =
        |request: &PublishBatchInput| request.publish_batch_request_entries()[0].message().contains("first");
    let late = mock!(Client::publish_batch)
        .match_requests(about_first)
        .sequence()
        .http_status(503, None)
        .output(|| taken(0..10).build())
        .build();
    let refused = BatchResultErrorEntry::builder().id("5").code("InternalError").sender_fault(false).build().unwrap();
    let soon = mock!(Client::publish_batch)
        .then_compute_output(move |_| taken([0, 1, 2, 3, 4, 6]).failed(refused.clone()).build());
    let client = mock_client!(aws_sdk_sns, RuleMode::MatchAny, &[&late, &soon]);
    let results = SnsTopic::new(client, ARN.to_owned()).publish(&events.iter().collect::<Vec<_>>()).await;
    let failed: Vec<_> = (0..).zip(&results).filter(|(_, result)| result.is_err()).map(|(i, _)| i).collect();
    assert_eq!((results.len(), failed, late.num_calls()), (17, vec![15], 2));
}

/// These entries of a call are taken.
fn taken(ids: impl IntoIterator<Item = usize>) -> PublishBatchOutputBuilder {
    let entry = |id: usize| PublishBatchResultEntry::builder().id(id.to_string()).message_id("m").build();
    PublishBatchOutput::builder().set_successful(Some(ids.into_iter().map(entry).collect()))
}

#[tokio::test(start_paused = true)]
async fn all_calls_are_under_way_at_once() {
    let events = vec![event("a"); 200];
    let (calls, at_first_answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
    let (counted, by_now, least) = (Arc::clone(&calls), Arc::clone(&calls), Arc::clone(&at_first_answer));
    // Each is told to try again, and waits before it does.
    let busy = mock!(Client::publish_batch)
        .match_requests(move |_| counted.fetch_add(1, Relaxed) < usize::MAX)
        .sequence()
        .http_status(503, None)
        .times(20)
        .output(move || {
            least.fetch_min(by_now.load(Relaxed), Relaxed);
            taken(0..10).build()
        })
        .repeatedly()
        .build();
    let results = topic(&busy).publish(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 200);
    assert_eq!((calls.load(Relaxed), at_first_answer.load(Relaxed)), (20, 20));
}

#[tokio::test]
async fn a_call_has_at_most_ten_events_and_so_many_bytes() {
    let half = 131_072;
    for (sizes, expected) in [
        (vec![], vec![]),
        (vec![1_000; 12], vec![10, 2]),
        (vec![half, half], vec![2]),
        (vec![half, half + 1], vec![1, 1]),
        (vec![1_000, 300_000, 1_000, 1_000], vec![1, 1, 2]),
    ] {
        let events: Vec<Event> = sizes.iter().copied().map(sized).collect();
        let (results, calls) = publish(&events).await;
        assert_eq!(results, vec![true; sizes.len()]);
        let numbers: Vec<_> = calls.iter().map(|call| call.publish_batch_request_entries().len()).collect();
        assert_eq!(numbers, expected, "{sizes:?}");
    }
}

#[tokio::test]
async fn an_event_is_sent_with_the_attributes_that_are_filtered_by() {
    let event = event("text/plain");
    let (_, calls) = publish(std::slice::from_ref(&event)).await;
    assert_eq!(calls[0].topic_arn(), Some(ARN));
    let entry = &calls[0].publish_batch_request_entries()[0];
    assert_eq!(serde_json::from_str::<Event>(entry.message()).unwrap(), event);
    let sent = entry.message_attributes().unwrap();
    assert_eq!(sent.len(), ATTRIBUTES.len());
    for (name, value) in ATTRIBUTES {
        assert_eq!((sent[name].data_type(), sent[name].string_value()), ("String", Some(value)));
    }
}
