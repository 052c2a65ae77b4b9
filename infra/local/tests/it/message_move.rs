//! The gap `message_move`: what died in a queue goes back to it, as on AWS.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, Message, MessageSystemAttributeName, QueueAttributeName};

use crate::stack;

/// A queue and its DLQ, and how to reach both.
struct Queues {
    sqs: Client,
    source: String,
    dlq: String,
    dlq_arn: String,
}

impl Queues {
    async fn new(name: &str) -> Self {
        let sqs = Client::new(&stack().await.sdk_config());
        let dlq = queue(&sqs, &format!("{name}-dlq"), None).await;
        let dlq_arn = arn(&sqs, &dlq).await;
        let source = queue(&sqs, name, Some(&dlq_arn)).await;
        Self { sqs, source, dlq, dlq_arn }
    }

    async fn send(&self, to: &str, body: &str) {
        self.sqs.send_message().queue_url(to).message_body(body).send().await.unwrap();
    }

    /// Received more often than `maxReceiveCount` allows.
    async fn let_die(&self) {
        for _ in 0..2 {
            self.sqs.receive_message().queue_url(&self.source).visibility_timeout(0).send().await.unwrap();
        }
    }

    async fn receive(&self, from: &str) -> Option<Message> {
        let receive = self.sqs.receive_message().queue_url(from).visibility_timeout(0);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default().pop()
    }

    async fn redrive(&self, destination: Option<String>) -> ListMessageMoveTasksResultEntry {
        let start = self.sqs.start_message_move_task().source_arn(&self.dlq_arn).set_destination_arn(destination);
        start.send().await.unwrap();
        let tasks = self.sqs.list_message_move_tasks().source_arn(&self.dlq_arn).send().await.unwrap();
        tasks.results.unwrap_or_default().remove(0)
    }
}

async fn queue(sqs: &Client, name: &str, dlq_arn: Option<&str>) -> String {
    let redrive = dlq_arn.map(|arn| format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}"#));
    let attributes = redrive.map(|policy| (QueueAttributeName::RedrivePolicy, policy)).into_iter().collect();
    let created = sqs.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await.unwrap();
    created.queue_url.unwrap()
}

async fn arn(sqs: &Client, url: &str) -> String {
    let get = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
    get.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap()
}

fn receives(message: &Message) -> Option<&str> {
    message.attributes()?.get(&MessageSystemAttributeName::ApproximateReceiveCount).map(String::as_str)
}

#[tokio::test]
async fn a_message_goes_back_to_the_queue_it_died_in_as_a_new_one() {
    let queues = Queues::new("move-back").await;
    queues.send(&queues.source, "poison").await;
    queues.let_die().await;
    let dead = queues.receive(&queues.dlq).await.unwrap();

    let task = queues.redrive(None).await;

    assert_eq!(task.status(), Some("COMPLETED"));
    assert_eq!((task.approximate_number_of_messages_moved, task.approximate_number_of_messages_to_move), (1, Some(1)));
    let back = queues.receive(&queues.source).await.unwrap();
    assert_eq!(back.body(), Some("poison"));
    assert_eq!(receives(&back), Some("1"));
    assert_ne!(back.message_id(), dead.message_id());
    assert!(queues.receive(&queues.dlq).await.is_none());
}

#[tokio::test]
async fn what_was_sent_straight_into_the_dlq_moves_only_to_a_named_destination() {
    let queues = Queues::new("move-parked").await;
    queues.send(&queues.dlq, "parked").await;

    let task = queues.redrive(None).await;
    assert_eq!(task.status(), Some("FAILED"));
    assert_eq!(task.failure_reason(), Some("CouldNotDetermineMessageSource"));
    assert_eq!(queues.receive(&queues.dlq).await.unwrap().body(), Some("parked"));

    let task = queues.redrive(Some(arn(&queues.sqs, &queues.source).await)).await;
    assert_eq!(task.status(), Some("COMPLETED"));
    assert_eq!(queues.receive(&queues.source).await.unwrap().body(), Some("parked"));
}

#[tokio::test]
async fn a_message_in_flight_stays() {
    let queues = Queues::new("move-in-flight").await;
    queues.send(&queues.dlq, "in flight").await;
    queues.sqs.receive_message().queue_url(&queues.dlq).visibility_timeout(60).send().await.unwrap();

    let task = queues.redrive(Some(arn(&queues.sqs, &queues.source).await)).await;

    assert_eq!(task.approximate_number_of_messages_moved, 0);
    assert!(queues.receive(&queues.source).await.is_none());
}

#[tokio::test]
async fn only_the_dlq_of_a_queue_can_be_redriven() {
    let queues = Queues::new("move-refused").await;
    let no_dlq = arn(&queues.sqs, &queues.source).await;
    let refused = queues.sqs.start_message_move_task().source_arn(no_dlq).send().await.unwrap_err();
    assert_eq!(refused.message(), Some("Source queue must be configured as a Dead Letter Queue."));

    let missing = queues.sqs.start_message_move_task().source_arn(format!("{}x", queues.dlq_arn)).send().await;
    assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_dlq_knows_the_queues_that_feed_it() {
    let queues = Queues::new("move-sources").await;
    let sources = queues.sqs.list_dead_letter_source_queues().queue_url(&queues.dlq).send().await.unwrap();
    assert_eq!(sources.queue_urls(), [queues.source.as_str()]);
}
