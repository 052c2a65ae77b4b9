//! What is sent to the quarantine, and what SQS's answers become.

use std::sync::{Arc, Mutex};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchInput, SendMessageBatchOutput};
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::quarantine::SqsQuarantine;
use coffeeshop_core::ports::{ParkReason, Quarantine, Quarantined};

fn quarantine(rule: &Rule) -> SqsQuarantine {
    let client = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, &[rule]);
    SqsQuarantine::new(client, "https://sqs/quarantine".to_owned())
}

fn records(bytes: &[usize]) -> Vec<Quarantined> {
    let record = |bytes: &usize| Quarantined {
        body: "x".repeat(*bytes),
        event_id: Some("event-1".to_owned()),
        reason: ParkReason { code: "no_stars", error: "why".to_owned() },
        replayed: Some("2/run-1".parse().unwrap()),
    };
    bytes.iter().map(record).collect()
}

fn sent(i: usize) -> SendMessageBatchResultEntry {
    let entry = SendMessageBatchResultEntry::builder().id(i.to_string()).message_id("m").md5_of_message_body("0");
    entry.build().unwrap()
}

#[tokio::test]
async fn each_message_can_fail_alone() {
    // The second is refused, and of the third nothing is said.
    let some = mock!(Client::send_message_batch).then_output(|| {
        let refused =
            BatchResultErrorEntry::builder().id("1").code("InternalError").sender_fault(false).build().unwrap();
        SendMessageBatchOutput::builder().successful(sent(0)).failed(refused).build().unwrap()
    });
    let results = quarantine(&some).send(&records(&[1, 1, 1])).await;
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false]);

    let denied = mock!(Client::send_message_batch).sequence().http_status(403, None).build();
    let results = quarantine(&denied).send(&records(&[1, 1])).await;
    assert!(results.len() == 2 && results.iter().all(Result::is_err));
}

#[tokio::test]
async fn a_call_has_at_most_ten_messages_and_a_mebibyte() {
    let calls: Arc<Mutex<Vec<SendMessageBatchInput>>> = Arc::default();
    let seen = Arc::clone(&calls);
    let all = mock!(Client::send_message_batch)
        .match_requests(move |request| {
            seen.lock().unwrap().push(request.clone());
            true
        })
        .then_output(|| {
            SendMessageBatchOutput::builder()
                .set_successful(Some((0..10).map(sent).collect()))
                .set_failed(Some(Vec::new()))
                .build()
                .unwrap()
        });
    let half = 1 << 19;
    let sizes = [vec![1; 12], vec![half, half, half - 200, half - 200, 1 << 20, 1]].concat();
    let results = quarantine(&all).send(&records(&sizes)).await;
    assert!(results.len() == sizes.len() && results.iter().all(Result::is_ok));
    let calls = calls.lock().unwrap();
    let numbers: Vec<_> = calls.iter().map(|call| call.entries().len()).collect();
    assert_eq!(numbers, [10, 3, 2, 1, 1, 1], "by number, and by bytes with their attributes");
    let first = &calls[0].entries()[0];
    let attributes = first.message_attributes().unwrap();
    let value = |name: &str| attributes[name].string_value().unwrap().to_owned();
    assert_eq!(["reason", "error", "event_id"].map(value), ["no_stars", "why", "event-1"]);
}
