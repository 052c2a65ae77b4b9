//! Which deliveries are sent, and what SQS's answers become.

use std::sync::{Arc, Mutex};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchInput, SendMessageBatchOutput};
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::delivery_queue::SqsDeliveries;
use coffeeshop_core::delivery::Delivery;
use coffeeshop_core::ports::{DeliveryQueue, PortError};

use crate::topic::event;

fn delivery(channel_id: &str, detected: &str) -> Delivery {
    Delivery {
        subscriber: "user#user-1".parse().unwrap(),
        channel_id: channel_id.parse().unwrap(),
        event: event(detected),
    }
}

fn queue(rules: &[&Rule]) -> SqsDeliveries {
    let client = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, rules);
    SqsDeliveries::new(client, "https://sqs/deliveries".to_owned())
}

fn sent(id: &str) -> SendMessageBatchResultEntry {
    SendMessageBatchResultEntry::builder().id(id).message_id("m").md5_of_message_body("0").build().unwrap()
}

fn answer(sent: Vec<SendMessageBatchResultEntry>, refused: Vec<BatchResultErrorEntry>) -> SendMessageBatchOutput {
    SendMessageBatchOutput::builder().set_successful(Some(sent)).set_failed(Some(refused)).build().unwrap()
}

/// A queue that refuses deliveries to `bad`, and says nothing of those to `lost`; and its calls.
fn picky() -> (Rule, Arc<Mutex<Vec<SendMessageBatchInput>>>) {
    let calls: Arc<Mutex<Vec<SendMessageBatchInput>>> = Arc::default();
    let seen = Arc::clone(&calls);
    let rule = mock!(Client::send_message_batch).then_compute_output(move |request| {
        seen.lock().unwrap().push(request.clone());
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        // In another order than asked.
        for entry in request.entries().iter().rev() {
            let delivery: Delivery = serde_json::from_str(entry.message_body()).unwrap();
            match delivery.channel_id.as_str() {
                "bad" => {
                    let entry = BatchResultErrorEntry::builder().id(entry.id()).code("InternalError");
                    refused.push(entry.sender_fault(false).build().unwrap());
                }
                "lost" => {}
                _ => taken.push(sent(entry.id())),
            }
        }
        answer(taken, refused)
    });
    (rule, calls)
}

fn went_well(results: &[Result<(), PortError>]) -> Vec<bool> {
    results.iter().map(Result::is_ok).collect()
}

#[tokio::test(start_paused = true)]
async fn each_delivery_can_fail_alone_and_results_are_in_order() {
    let (bad, lost) = ([13, 17, 99], [15, 100, 128]);
    let channel = |i| match i {
        i if bad.contains(&i) => "bad".to_owned(),
        i if lost.contains(&i) => "lost".to_owned(),
        i => format!("hook-{i}"),
    };
    let deliveries: Vec<Delivery> = (0..130).map(|i| delivery(&channel(i), "a")).collect();
    // Others are through before the first.
    let first = mock!(Client::send_message_batch)
        .match_requests(|request| request.entries()[0].message_body().contains("\"hook-0\""))
        .sequence()
        .http_status(503, None)
        .output(|| answer((0..10).map(|i| sent(&i.to_string())).collect(), Vec::new()))
        .build();
    let (others, calls) = picky();
    let results = queue(&[&first, &others]).send(&deliveries).await;
    let expected: Vec<bool> = (0..130).map(|i| !bad.contains(&i) && !lost.contains(&i)).collect();
    assert_eq!(went_well(&results), expected);
    assert_eq!((first.num_calls(), calls.lock().unwrap().len()), (2, 12));
}

#[tokio::test]
async fn a_call_that_fails_fails_all_its_deliveries() {
    let denied = mock!(Client::send_message_batch).sequence().http_status(403, None).build();
    let results = queue(&[&denied]).send(&[delivery("a", "a"), delivery("b", "a")]).await;
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(result.unwrap_err().call, "deliveries.send");
    }
}

#[tokio::test]
async fn a_call_has_at_most_ten_deliveries_and_a_mebibyte() {
    let rest = serde_json::to_string(&delivery("hook", "")).unwrap().len();
    let half = 1 << 19;
    for (sizes, expected) in [
        (vec![], vec![]),
        (vec![1_000; 12], vec![10, 2]),
        (vec![half, half], vec![2]),
        (vec![half, half + 1], vec![1, 1]),
        (vec![1_000, 2 << 20, 1_000, 1_000], vec![1, 1, 2]),
    ] {
        let sized = |bytes: &usize| delivery("hook", &"x".repeat(bytes - rest));
        let (rule, calls) = picky();
        let results = queue(&[&rule]).send(&sizes.iter().map(sized).collect::<Vec<_>>()).await;
        assert_eq!(went_well(&results), vec![true; sizes.len()]);
        let numbers: Vec<_> = calls.lock().unwrap().iter().map(|call| call.entries().len()).collect();
        assert_eq!(numbers, expected, "{sizes:?}");
    }
}

#[tokio::test]
async fn a_delivery_is_sent_as_it_is() {
    let delivery = delivery("hook", "a");
    let (rule, calls) = picky();
    assert_eq!(went_well(&queue(&[&rule]).send(std::slice::from_ref(&delivery)).await), [true]);
    let call = calls.lock().unwrap()[0].clone();
    assert_eq!(call.queue_url(), Some("https://sqs/deliveries"));
    let entry = &call.entries()[0];
    assert_eq!(serde_json::from_str::<Delivery>(entry.message_body()).unwrap(), delivery);
    assert!(entry.message_attributes().is_none_or(std::collections::HashMap::is_empty));
}
