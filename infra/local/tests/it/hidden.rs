//! The fault `hidden`: what was received through the API comes back soon, and what a function was given does not.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName as Attribute};
use coffeeshop_local::{Options, Stack};

const HIDDEN_SECONDS_MAX: u32 = 2;

/// As the operator's command asks for.
const ASKED_SECONDS: i32 = 600;

async fn receive(sqs: &aws_sdk_sqs::Client, queue: &str, asked: Option<i32>, wait: i32) -> Vec<Message> {
    let receive = sqs.receive_message().queue_url(queue).set_visibility_timeout(asked).wait_time_seconds(wait);
    receive.send().await.unwrap().messages.unwrap_or_default()
}

#[tokio::test]
async fn what_was_received_comes_back_soon_and_what_a_function_was_given_does_not() {
    let options = Options { stack_name: "hidden".to_owned(), ..Options::new() }.hidden_at_most(HIDDEN_SECONDS_MAX);
    let stack = Stack::start(&options.broken("notifier")).await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(&stack.info().sdk_config());
    // It fails, and is given back by nobody.
    let given = stack.info().output("NotificationsQueueUrl").unwrap();
    sqs.send_message().queue_url(given).message_body("to a function").send().await.unwrap();

    let queue = sqs.create_queue().queue_name("hidden-test").send().await.unwrap().queue_url.unwrap();
    sqs.send_message().queue_url(&queue).message_body("to whoever asks").send().await.unwrap();
    assert_eq!(receive(&sqs, &queue, Some(ASKED_SECONDS), 0).await.len(), 1);
    assert_eq!(receive(&sqs, &queue, Some(ASKED_SECONDS), 0).await.len(), 0, "it is hidden");
    let [again] = receive(&sqs, &queue, Some(ASKED_SECONDS), 10).await.try_into().expect("it has come back");
    let receipt = again.receipt_handle.unwrap();
    let change = sqs.change_message_visibility().queue_url(&queue).receipt_handle(receipt);
    change.visibility_timeout(ASKED_SECONDS).send().await.unwrap();
    assert_eq!(receive(&sqs, &queue, None, 10).await.len(), 1, "it has come back again");
    tokio::time::sleep(Duration::from_secs(u64::from(HIDDEN_SECONDS_MAX) + 1)).await;
    assert_eq!(receive(&sqs, &queue, None, 0).await.len(), 0, "who does not ask has the queue's own thirty seconds");

    let hidden = Attribute::ApproximateNumberOfMessagesNotVisible;
    let get = sqs.get_queue_attributes().queue_url(given).attribute_names(hidden.clone());
    let attributes = get.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&hidden], "1", "{}", stack.log_path().display());
    stack.stop().await.unwrap();
}
