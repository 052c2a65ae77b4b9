//! What is asked of SQS by hand, and what its answers become.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ErrorMetadata;
use aws_sdk_sqs::operation::change_message_visibility_batch::ChangeMessageVisibilityBatchOutput;
use aws_sdk_sqs::operation::delete_message_batch::{DeleteMessageBatchError, DeleteMessageBatchOutput};
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesOutput;
use aws_sdk_sqs::operation::receive_message::{ReceiveMessageError, ReceiveMessageOutput};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchResultEntry, Message,
    MessageSystemAttributeName, MessageSystemAttributeNameForSends, QueueAttributeName, SendMessageBatchResultEntry,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::queues::SqsQueues;
use coffeeshop_aws::stack::{Stack, Trouble};
use coffeeshop_core::ports::{
    Attribute, AttributeValue, Content, Depth, MessageId, NotDeleted, NotSent, PortError, QueueUrl, Queues as _,
    Receipt,
};

use crate::stack::at;

fn queues(rules: &[&Rule]) -> SqsQueues {
    SqsQueues::new(mock_client!(aws_sdk_sqs, RuleMode::MatchAny, rules))
}

fn url() -> QueueUrl {
    QueueUrl("https://sqs/uploads-dlq".to_owned())
}

fn says(body: &str) -> Content {
    Content { body: body.to_owned(), ..Content::default() }
}

fn receipts(count: usize) -> Vec<Receipt> {
    (0..count).map(|i| Receipt(format!("receipt-{i}"))).collect()
}

fn sent(id: &str) -> SendMessageBatchResultEntry {
    let entry = SendMessageBatchResultEntry::builder().id(id).message_id(format!("message-{id}"));
    entry.md5_of_message_body("0").build().unwrap()
}

fn refused(id: &str, code: &str, message: &str) -> BatchResultErrorEntry {
    BatchResultErrorEntry::builder().id(id).code(code).message(message).sender_fault(true).build().unwrap()
}

/// `0` is sent, and of the second nothing is said; the third is refused, and the fourth for being too much at once.
fn some_sent() -> SendMessageBatchOutput {
    let answer =
        SendMessageBatchOutput::builder().successful(sent("0")).failed(refused("3", "RequestThrottled", "slow"));
    answer.failed(refused("2", "InvalidMessageContents", "no")).build().unwrap()
}

/// Whether it is sent, or else whether it is certain not to be, and whether it was too much at once.
fn outcome(result: &Result<MessageId, NotSent>) -> Result<&str, (bool, bool)> {
    match result {
        Ok(MessageId(id)) => Ok(id),
        Err(NotSent { certain, error }) => {
            assert_eq!(error.call, "queues.send");
            Err((*certain, error.busy))
        }
    }
}

fn outcomes(results: &[Result<MessageId, NotSent>]) -> Vec<Result<&str, (bool, bool)>> {
    results.iter().map(outcome).collect()
}

const CERTAIN: Result<&str, (bool, bool)> = Err((true, false));
const UNSURE: Result<&str, (bool, bool)> = Err((false, false));

#[tokio::test]
async fn a_message_is_sent_as_it_is() {
    let send = mock!(Client::send_message_batch)
        .match_requests(|request| {
            assert_eq!(request.queue_url(), Some("https://sqs/uploads-dlq"));
            let [entry, plain] = request.entries() else { panic!("{request:?}") };
            assert_eq!((entry.id(), entry.message_body()), ("0", "a"));
            let attributes = entry.message_attributes().unwrap();
            assert_eq!(attributes["times"].data_type(), "Number.int");
            assert_eq!(attributes["times"].string_value(), Some("7"));
            assert_eq!(attributes["digest"].data_type(), "Binary");
            assert_eq!(attributes["digest"].binary_value().unwrap().as_ref(), [0, 255]);
            let system = entry.message_system_attributes().unwrap();
            assert_eq!(system[&MessageSystemAttributeNameForSends::AwsTraceHeader].string_value(), Some("Root=1"));
            assert!(plain.message_attributes().is_none() && plain.message_system_attributes().is_none());
            true
        })
        .then_output(|| {
            let answer = SendMessageBatchOutput::builder().successful(sent("1")).successful(sent("0"));
            answer.set_failed(Some(Vec::new())).build().unwrap()
        });
    let of = |data_type: &str, value| Attribute { data_type: data_type.to_owned(), value };
    let attributes = BTreeMap::from([
        ("times".to_owned(), of("Number.int", AttributeValue::Text("7".to_owned()))),
        ("digest".to_owned(), of("Binary", AttributeValue::Binary([0, 255].to_vec().into()))),
    ]);
    let content = Content { attributes, trace_header: Some("Root=1".to_owned()), ..says("a") };
    let results = queues(&[&send]).send(&url(), &[content, says("b")]).await;
    assert_eq!(outcomes(&results), [Ok("message-0"), Ok("message-1")]);
}

#[tokio::test]
async fn each_message_can_fail_alone() {
    let some = mock!(Client::send_message_batch).then_output(some_sent);
    // The empty one is not even asked for, so that it does not take the place of another.
    let contents = [says("a"), says(""), says("b"), says("c"), says("d")];
    let results = queues(&[&some]).send(&url(), &contents).await;
    assert_eq!(outcomes(&results), [Ok("message-0"), CERTAIN, UNSURE, CERTAIN, Err((true, true))]);
}

#[tokio::test(start_paused = true)]
async fn what_is_certain_of_a_call_that_failed() {
    let code = |code: &str| SendMessageBatchError::generic(ErrorMetadata::builder().code(code).build());
    let gone = mock!(Client::send_message_batch).then_error(move || code("AWS.SimpleQueueService.NonExistentQueue"));
    let denied = mock!(Client::send_message_batch).sequence().http_status(403, None).build();
    let throttled = mock!(Client::send_message_batch).then_error(move || code("ThrottlingException"));
    let down = mock!(Client::send_message_batch).sequence().http_status(503, None).times(3).build();
    // The SDK tells of the last attempt alone; the first may have had its effect.
    let down_then_denied =
        mock!(Client::send_message_batch).sequence().http_status(500, None).http_status(403, None).build();
    let down_then_some = mock!(Client::send_message_batch).sequence().http_status(500, None).output(some_sent).build();
    let unsure = vec![UNSURE; 4];
    for (rule, expected) in [
        (gone, vec![CERTAIN; 4]),
        (denied, vec![CERTAIN; 4]),
        (throttled, vec![Err((true, true)); 4]),
        (down, unsure.clone()),
        (down_then_denied, unsure),
        (down_then_some, vec![Ok("message-0"), UNSURE, UNSURE, Err((false, true))]),
    ] {
        let results = queues(&[&rule]).send(&url(), &["a", "b", "c", "d"].map(says)).await;
        assert_eq!(outcomes(&results), expected, "{results:?}");
    }
}

#[tokio::test]
async fn nobody_answers() {
    let queues = Stack::of(&at("http://127.0.0.1:1")).queues();
    let results = queues.send(&url(), &[says("a"), says("b")]).await;
    assert_eq!(outcomes(&results), [UNSURE, UNSURE]);
    assert_eq!(
        Trouble::of(results[0].as_ref().unwrap_err()),
        Some(Trouble::NoAnswer),
        "somebody can be told what to do"
    );
    assert!(matches!(queues.delete(&url(), &receipts(1)).await.as_slice(), [Err(NotDeleted::Failed(_))]));
}

#[tokio::test]
async fn a_message_is_received_with_all_that_it_has() {
    let message = || {
        Message::builder()
            .message_id("id")
            .receipt_handle("receipt")
            .body("body")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1792000000123")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "3")
    };
    let receive = mock!(Client::receive_message)
        .match_requests(|request| {
            assert_eq!(request.max_number_of_messages(), Some(10), "no more than SQS hands out");
            assert_eq!((request.visibility_timeout(), request.wait_time_seconds()), (Some(2), Some(1)));
            assert_eq!(request.message_attribute_names(), ["All"]);
            let names: Vec<_> =
                request.message_system_attribute_names().iter().map(MessageSystemAttributeName::as_str).collect();
            assert_eq!(names, ["SentTimestamp", "ApproximateReceiveCount", "AWSTraceHeader"]);
            true
        })
        .then_output(move || {
            let traced = message().attributes(MessageSystemAttributeName::AwsTraceHeader, "Root=1").build();
            ReceiveMessageOutput::builder().messages(traced).build()
        });
    let received = queues(&[&receive]).receive(&url(), 99, Duration::from_millis(1001)).await.unwrap().remove(0);
    assert_eq!((received.receive_count, received.sent_at.as_millisecond()), (3, 1_792_000_000_123));
    assert_eq!((received.id, received.receipt), (MessageId("id".into()), Receipt("receipt".to_owned())));
    assert_eq!(received.content, Content { trace_header: Some("Root=1".to_owned()), ..says("body") });

    let malformed = mock!(Client::receive_message)
        .then_output(move || ReceiveMessageOutput::builder().messages(message().set_message_id(None).build()).build());
    assert!(!queues(&[&malformed]).receive(&url(), 1, Duration::ZERO).await.unwrap_err().busy);
    assert_eq!(queues(&[]).receive(&url(), 0, Duration::ZERO).await.unwrap(), [], "nothing is asked for");

    for (code, busy) in [("OverLimit", true), ("KMS.ThrottlingException", true), ("KMS.DisabledException", false)] {
        let failing = mock!(Client::receive_message)
            .then_error(move || ReceiveMessageError::generic(ErrorMetadata::builder().code(code).build()));
        let error = queues(&[&failing]).receive(&url(), 1, Duration::ZERO).await.unwrap_err();
        assert_eq!((error.call, error.busy), ("queues.receive", busy), "{code}");
    }
}

/// How SQS says that a receipt does not count, and two other troubles.
fn troubles() -> [BatchResultErrorEntry; 6] {
    [
        refused("1", "ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
        refused("2", "AWS.SimpleQueueService.MessageNotInflight", "not in flight"),
        refused(
            "3",
            "InvalidParameterValue",
            "Value x for parameter ReceiptHandle is invalid. Reason: .. has expired.",
        ),
        refused("4", "InvalidParameterValue", "Value x for parameter Id is invalid."),
        refused("5", "RequestThrottled", "slow"),
        refused("6", "InternalError", "ours"),
    ]
}

#[tokio::test]
async fn each_message_is_deleted_or_not_alone() {
    let some = mock!(Client::delete_message_batch).then_output(|| {
        let done = DeleteMessageBatchResultEntry::builder().id("0").build().unwrap();
        DeleteMessageBatchOutput::builder().successful(done).set_failed(Some(troubles().into())).build().unwrap()
    });
    let results = queues(&[&some]).delete(&url(), &receipts(8)).await;
    let one = |result: &Result<(), NotDeleted>| match result {
        Ok(()) => "deleted",
        Err(NotDeleted::Expired) => "expired",
        Err(NotDeleted::Failed(error)) if error.busy => "busy",
        Err(NotDeleted::Failed(_)) => "failed",
    };
    let results: Vec<_> = results.iter().map(one).collect();
    assert_eq!(results, ["deleted", "expired", "expired", "expired", "failed", "busy", "failed", "failed"]);

    let denied = mock!(Client::delete_message_batch)
        .then_error(|| DeleteMessageBatchError::generic(ErrorMetadata::builder().code("RequestThrottled").build()));
    let results = queues(&[&denied]).delete(&url(), &receipts(2)).await;
    let busy = |result: &Result<_, _>| matches!(result, Err(NotDeleted::Failed(PortError { busy: true, .. })));
    assert!(results.len() == 2 && results.iter().all(busy), "{results:?}");
}

#[tokio::test]
async fn each_message_is_given_back_alone_ten_in_a_call() {
    let some = mock!(Client::change_message_visibility_batch)
        .match_requests(|request| {
            assert!(request.entries().iter().all(|entry| entry.visibility_timeout() == Some(0)));
            request.entries()[0].receipt_handle() == "receipt-0"
        })
        .then_output(|| {
            let done = (7..10).map(|i| ChangeMessageVisibilityBatchResultEntry::builder().id(i.to_string()).build());
            let answer = ChangeMessageVisibilityBatchOutput::builder().set_failed(Some(troubles().into()));
            answer.set_successful(Some(done.collect::<Result<_, _>>().unwrap())).build().unwrap()
        });
    let second = mock!(Client::change_message_visibility_batch)
        .match_requests(|request| request.entries().len() == 2)
        .sequence()
        .http_status(403, None)
        .build();
    let results = queues(&[&some, &second]).give_back(&url(), &receipts(12)).await;
    let busy = |result: Result<(), PortError>| result.map_err(|error| error.busy);
    let results: Vec<_> = results.into_iter().map(busy).collect();
    let (fine, failed) = (Ok(()), Err(false));
    // Of the first nothing is said.
    let first = [failed, fine, fine, fine, failed, Err(true), failed, fine, fine, fine];
    assert_eq!(results, [&first[..], &[failed, failed]].concat());
}

#[tokio::test]
async fn a_depth_is_three_numbers() {
    let numbers = |hidden: &'static str| {
        mock!(Client::get_queue_attributes).then_output(move || {
            GetQueueAttributesOutput::builder()
                .attributes(QueueAttributeName::ApproximateNumberOfMessages, "3")
                .attributes(QueueAttributeName::ApproximateNumberOfMessagesNotVisible, hidden)
                .attributes(QueueAttributeName::ApproximateNumberOfMessagesDelayed, "1")
                .build()
        })
    };
    let depth = queues(&[&numbers("2")]).depth(&url()).await.unwrap();
    assert_eq!((depth, depth.total()), (Depth { visible: 3, hidden: 2, delayed: 1 }, 6));
    assert_eq!(queues(&[&numbers("")]).depth(&url()).await.unwrap_err().call, "queues.depth");
}
