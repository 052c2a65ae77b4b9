//! What is published, and what SNS's answers become.

use std::sync::{Arc, Mutex};

use aws_sdk_sns::Client;
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
    SnsTopic::new(client, "arn:aws:sns:eu-west-1:1:events".to_owned())
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
    assert_eq!(calls[0].topic_arn(), Some("arn:aws:sns:eu-west-1:1:events"));
    let entry = &calls[0].publish_batch_request_entries()[0];
    assert_eq!(serde_json::from_str::<Event>(entry.message()).unwrap(), event);
    let sent = entry.message_attributes().unwrap();
    assert_eq!(sent.len(), ATTRIBUTES.len());
    for (name, value) in ATTRIBUTES {
        assert_eq!((sent[name].data_type(), sent[name].string_value()), ("String", Some(value)));
    }
}
