//! The gap `sns_redrive`: what SNS cannot deliver goes to the subscription's DLQ, as on AWS.

use std::collections::HashMap;

use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::{Value, json};

use crate::{log, stack};

/// A topic, the queue that is subscribed to it, and the queue that may be the subscription's DLQ.
struct Subscribed {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    topic_arn: String,
    queue: String,
    queue_arn: String,
    dlq: String,
    dlq_arn: String,
    subscription_arn: String,
}

impl Subscribed {
    /// The topic may send to both queues.
    async fn new(name: &str) -> Self {
        let sdk = stack().await.sdk_config();
        let (sns, sqs) = (aws_sdk_sns::Client::new(&sdk), aws_sdk_sqs::Client::new(&sdk));
        let topic_arn = sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap();
        let (queue, queue_arn) = create_queue(&sqs, name).await;
        let (dlq, dlq_arn) = create_queue(&sqs, &format!("{name}-dlq")).await;
        let subscribe = sns.subscribe().topic_arn(&topic_arn).protocol("sqs").endpoint(&queue_arn);
        let subscription_arn = subscribe.return_subscription_arn(true).send().await.unwrap().subscription_arn.unwrap();
        let subscribed = Self { sns, sqs, topic_arn, queue, queue_arn, dlq, dlq_arn, subscription_arn };
        subscribed.allow(&subscribed.queue, &subscribed.topic_arn).await;
        subscribed.allow(&subscribed.dlq, &subscribed.topic_arn).await;
        subscribed
    }

    async fn allow(&self, queue: &str, topic_arn: &str) {
        let statement = json!({
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        });
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let set = self.sqs.set_queue_attributes().queue_url(queue).attributes(QueueAttributeName::Policy, policy);
        set.send().await.unwrap();
    }

    /// Another topic may send to the queue, this one no longer.
    async fn deny(&self, queue: &str) {
        self.allow(queue, &format!("{}-other", self.topic_arn)).await;
    }

    async fn delete(&self, queue: &str) {
        self.sqs.delete_queue().queue_url(queue).send().await.unwrap();
    }

    async fn set(&self, attribute: &str, value: &str) {
        let set = self.sns.set_subscription_attributes().subscription_arn(&self.subscription_arn);
        set.attribute_name(attribute).attribute_value(value).send().await.unwrap();
    }

    async fn raw(&self) {
        self.set("RawMessageDelivery", "true").await;
    }

    async fn redrive_to_dlq(&self) {
        self.set("RedrivePolicy", &json!({"deadLetterTargetArn": self.dlq_arn}).to_string()).await;
    }

    /// Publishes with the attribute `cause`, and returns the message's id.
    async fn publish(&self, message: &str) -> String {
        let cause = MessageAttributeValue::builder().data_type("String").string_value("photo").build().unwrap();
        let publish = self.sns.publish().topic_arn(&self.topic_arn).message(message);
        publish.message_attributes("cause", cause).send().await.unwrap().message_id.unwrap()
    }

    async fn receive(&self, from: &str) -> Option<Message> {
        let receive = self.sqs.receive_message().queue_url(from).message_attribute_names("All");
        receive.send().await.unwrap().messages.unwrap_or_default().pop()
    }

    /// Refused by the queue for this reason, by the DLQ for that one.
    fn assert_dropped(&self, reason: &str, dlq: &str, dlq_reason: &str) {
        let log = log();
        for said in [
            format!("{} cannot deliver to {}: {reason}", self.topic_arn, self.queue_arn),
            format!("{} cannot deliver to {dlq}: {dlq_reason}", self.topic_arn),
            format!("{} dropped a message to {}", self.topic_arn, self.queue_arn),
        ] {
            assert!(log.lines().any(|line| line.contains("WARNING") && line.contains(&said)), "{said}");
        }
    }
}

/// The URL and the ARN.
async fn create_queue(sqs: &aws_sdk_sqs::Client, name: &str) -> (String, String) {
    let url = sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let get = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
    let arn = get.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();
    (url, arn)
}

fn attributes(message: &Message) -> HashMap<&str, &str> {
    let attributes = message.message_attributes().into_iter().flatten();
    attributes.map(|(name, attribute)| (name.as_str(), attribute.string_value().unwrap())).collect()
}

/// All of them: nothing says why the message is in the DLQ.
fn assert_raw(message: &Message, body: &str) {
    assert_eq!(message.body(), Some(body));
    assert_eq!(attributes(message), HashMap::from([("cause", "photo")]));
}

#[tokio::test]
async fn what_is_delivered_is_not_in_the_dlq() {
    let subscribed = Subscribed::new("sns-delivered").await;
    subscribed.raw().await;
    subscribed.redrive_to_dlq().await;

    subscribed.publish("delivered").await;

    assert_raw(&subscribed.receive(&subscribed.queue).await.unwrap(), "delivered");
    assert!(subscribed.receive(&subscribed.dlq).await.is_none());
}

#[tokio::test]
async fn what_the_queue_denies_goes_to_the_dlq() {
    let subscribed = Subscribed::new("sns-denied").await;
    subscribed.raw().await;
    subscribed.redrive_to_dlq().await;
    subscribed.deny(&subscribed.queue).await;

    subscribed.publish("denied").await;

    assert_raw(&subscribed.receive(&subscribed.dlq).await.unwrap(), "denied");
    assert!(subscribed.receive(&subscribed.dlq).await.is_none());
    subscribed.allow(&subscribed.queue, &subscribed.topic_arn).await;
    assert!(subscribed.receive(&subscribed.queue).await.is_none(), "delivered later");
}

#[tokio::test]
async fn what_was_for_a_deleted_queue_goes_to_the_dlq() {
    let subscribed = Subscribed::new("sns-deleted").await;
    subscribed.raw().await;
    subscribed.redrive_to_dlq().await;
    subscribed.delete(&subscribed.queue).await;

    subscribed.publish("deleted").await;

    assert_raw(&subscribed.receive(&subscribed.dlq).await.unwrap(), "deleted");
}

#[tokio::test]
async fn what_is_not_raw_is_in_the_dlq_in_its_envelope() {
    let subscribed = Subscribed::new("sns-enveloped").await;
    subscribed.redrive_to_dlq().await;
    subscribed.deny(&subscribed.queue).await;

    let id = subscribed.publish("enveloped").await;

    let message = subscribed.receive(&subscribed.dlq).await.unwrap();
    assert!(attributes(&message).is_empty());
    let envelope: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["MessageId"], id);
    assert_eq!(envelope["TopicArn"], subscribed.topic_arn);
    assert_eq!(envelope["Message"], "enveloped");
    assert_eq!(envelope["MessageAttributes"], json!({"cause": {"Type": "String", "Value": "photo"}}));
}

#[tokio::test]
async fn what_the_dlq_denies_is_dropped() {
    let subscribed = Subscribed::new("sns-dlq-denied").await;
    subscribed.redrive_to_dlq().await;
    subscribed.deny(&subscribed.queue).await;
    subscribed.deny(&subscribed.dlq).await;

    subscribed.publish("dropped").await;

    assert!(subscribed.receive(&subscribed.dlq).await.is_none());
    subscribed.assert_dropped("denied by its policy", &subscribed.dlq_arn, "denied by its policy");
}

#[tokio::test]
async fn what_was_for_a_deleted_dlq_is_dropped() {
    let subscribed = Subscribed::new("sns-dlq-deleted").await;
    subscribed.redrive_to_dlq().await;
    subscribed.delete(&subscribed.queue).await;
    subscribed.delete(&subscribed.dlq).await;

    subscribed.publish("dropped").await;

    subscribed.assert_dropped("no such queue", &subscribed.dlq_arn, "no such queue");
}

#[tokio::test]
async fn what_has_no_dlq_is_dropped() {
    let subscribed = Subscribed::new("sns-no-dlq").await;
    subscribed.deny(&subscribed.queue).await;

    subscribed.publish("dropped").await;

    assert!(subscribed.receive(&subscribed.dlq).await.is_none());
    subscribed.assert_dropped("denied by its policy", "None", "no DLQ");
}
