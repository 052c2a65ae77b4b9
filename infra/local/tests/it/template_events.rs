//! What `infra/template.yaml` says of events is what the emulator has. `template_notifications.rs` has what comes of
//! them, `template.rs` the rest.
//!
//! Whether the role is right is asked in `role_publisher.rs`; what the function does, not here.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_sns::types::MessageAttributeValue;
use coffeeshop_local::{Options, Stack, StackInfo};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::stack;
use crate::template::processed;
use crate::template_ratings::{assert_reads_stream, describe, function, lambda};

static FEED: OnceCell<Stack> = OnceCell::const_new();

/// A stack with a score feed, the schedules, and parameters that are not the defaults. Its notifier gets nothing: what is
/// in queues stays there.
pub(crate) async fn feed() -> StackInfo {
    const DISABLE: &str = "for of in aws.list_event_source_mappings(FunctionName=function)['EventSourceMappings']:
    aws.update_event_source_mapping(UUID=of['UUID'], Enabled=False)
answer = None";
    let start = || async {
        let options = Options { stack_name: "feed".to_owned(), schedules: true, ..Options::new() }
            .parameter("ScoreFeed", "on")
            .parameter("NotifierVisibilityTimeout", "77")
            .parameter("DeliveryAttempts", "3")
            .parameter("WebhookAllow", "127.0.0.1:8080,[::1]:8080");
        let stack = Stack::start(&options).await.unwrap();
        lambda(stack.info(), "NotifierFunction", DISABLE).await;
        stack
    };
    FEED.get_or_init(start).await.info().clone()
}

pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Of something of the stack `feed`.
pub(crate) fn arn(service: &str, stack: &StackInfo, name: &str) -> String {
    format!("arn:aws:{service}:{}:{}:feed-{name}", stack.region, account(stack))
}

fn account(stack: &StackInfo) -> &str {
    stack.output("EventsTopicArn").unwrap().split(':').nth(4).unwrap()
}

pub(crate) fn tls_only(action: &str, resource: &str) -> Value {
    json!({
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

#[tokio::test]
async fn the_topic_names_the_queues_that_may_subscribe() {
    let stack = feed().await;
    let sns = aws_sdk_sns::Client::new(&stack.sdk_config());
    let topic = stack.output("EventsTopicArn").unwrap();
    assert_eq!(topic, arn("sns", &stack, "events"));
    let attributes = sns.get_topic_attributes().topic_arn(topic).send().await.unwrap().attributes.unwrap();
    let expected = json!([
        {
            "Sid": "QueuesOfThisStackSubscribe",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", account(&stack)) },
            "Action": "sns:Subscribe",
            "Resource": topic,
            "Condition": { "StringEquals": {
                "sns:Protocol": "sqs",
                "sns:Endpoint": [arn("sqs", &stack, "notifications"), arn("sqs", &stack, "score-feed")],
            } },
        },
        tls_only("sns:Publish", topic),
    ]);
    assert_eq!(parse(&attributes["Policy"])["Statement"], expected);
}

#[tokio::test]
async fn subscriptions_are_raw_and_filtered_and_have_a_dlq_each() {
    let stack = feed().await;
    let sns = aws_sdk_sns::Client::new(&stack.sdk_config());
    let topic = stack.output("EventsTopicArn").unwrap();
    let listed = sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    let by_queue: HashMap<&str, &str> = listed
        .subscriptions()
        .iter()
        .map(|subscription| (subscription.endpoint().unwrap(), subscription.subscription_arn().unwrap()))
        .collect();
    assert_eq!(by_queue.len(), 2);
    let notifications = json!({
        "type": ["coffeeshop.photo.ready.v1", "coffeeshop.photo.rejected.v1", "coffeeshop.leaderboard.changed.v1"],
        "cause": [{ "anything-but": ["reprocess"] }, { "exists": false }],
    });
    for (queue, filter) in
        [("notifications", notifications), ("score-feed", json!({ "type": ["coffeeshop.score.updated.v1"] }))]
    {
        let subscription = by_queue[arn("sqs", &stack, queue).as_str()];
        let get = sns.get_subscription_attributes().subscription_arn(subscription);
        let attributes = get.send().await.unwrap().attributes.unwrap();
        assert_eq!(attributes["RawMessageDelivery"], "true", "{queue}");
        assert_eq!(attributes["FilterPolicyScope"], "MessageAttributes", "{queue}");
        assert_eq!(parse(&attributes["FilterPolicy"]), filter, "{queue}");
        let dlq = json!({ "deadLetterTargetArn": arn("sqs", &stack, &format!("{queue}-subscription-dlq")) });
        assert_eq!(parse(&attributes["RedrivePolicy"]), dlq, "{queue}");
    }
}

/// An event's type, its other attributes, and the queues that it goes to.
type Route = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const ROUTES: [Route; 8] = [
    ("photo.ready", &[("shop_id", "blue-door"), ("cause", "event")], &["NotificationsQueueUrl"]),
    ("photo.rejected", &[("shop_id", "blue-door"), ("cause", "event")], &["NotificationsQueueUrl"]),
    ("photo.removed", &[("shop_id", "blue-door"), ("cause", "event")], &[]),
    ("photo.ready", &[("shop_id", "blue-door"), ("cause", "reprocess")], &[]),
    ("photo.rejected", &[("shop_id", "blue-door"), ("cause", "reprocess")], &[]),
    ("photo.removed", &[("shop_id", "blue-door"), ("cause", "reprocess")], &[]),
    ("score.updated", &[("shop_id", "blue-door"), ("city", "lisbon")], &["ScoreFeedQueueUrl"]),
    ("leaderboard.changed", &[("city", "lisbon")], &["NotificationsQueueUrl"]),
];

#[tokio::test]
async fn events_go_where_the_filters_say_as_they_were_published() {
    let stack = feed().await;
    let sns = aws_sdk_sns::Client::new(&stack.sdk_config());
    for (event, attributes, _) in ROUTES {
        let value =
            |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap();
        let publish = sns.publish().topic_arn(stack.output("EventsTopicArn").unwrap());
        let publish = publish.message(body(event, attributes));
        let publish = publish.message_attributes("type", value(&format!("coffeeshop.{event}.v1")));
        let publish =
            attributes.iter().fold(publish, |publish, (name, text)| publish.message_attributes(*name, value(text)));
        publish.send().await.unwrap();
    }
    for queue in ["NotificationsQueueUrl", "ScoreFeedQueueUrl"] {
        let routed = ROUTES.iter().filter(|(_, _, queues)| queues.contains(&queue));
        let expected: BTreeSet<String> = routed.map(|(event, attributes, _)| body(event, attributes)).collect();
        assert_eq!(received(&stack, queue, expected.len()).await, expected, "{queue}");
    }
    for dlq in ["NotificationsSubscriptionDlqUrl", "ScoreFeedSubscriptionDlqUrl"] {
        assert_eq!(received(&stack, dlq, 0).await, BTreeSet::new(), "{dlq}");
    }
}

fn body(event: &str, attributes: &[(&str, &str)]) -> String {
    json!({ "type": event, "attributes": attributes }).to_string()
}

/// The bodies of what is in a queue, once there are so many and no more come.
async fn received(stack: &StackInfo, queue: &str, count: usize) -> BTreeSet<String> {
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    let url = stack.output(queue).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut bodies = BTreeSet::new();
    loop {
        let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10).message_attribute_names("All");
        let messages = receive.wait_time_seconds(1).send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() && (bodies.len() >= count || Instant::now() > deadline) {
            return bodies;
        }
        for message in messages {
            let kind = parse(message.body().unwrap())["type"].as_str().unwrap().to_owned();
            let attribute = message.message_attributes().unwrap()["type"].string_value().unwrap();
            assert_eq!(attribute, format!("coffeeshop.{kind}.v1"));
            assert!(bodies.insert(message.body.unwrap()), "{queue} got it twice");
            sqs.delete_message().queue_url(url).receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_publisher_and_its_mappings_are_as_the_template_says() {
    let stack = stack().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
    let (function, mappings) = function(&stack, "PublisherFunction").await;
    let output = |name: &str| stack.output(name).unwrap();
    assert_eq!(
        function["Environment"]["Variables"],
        json!({
            "PHOTOS_TABLE": output("PhotosTable"),
            "SCORES_TABLE": output("ScoresTable"),
            "BOARDS_TABLE": output("BoardsTable"),
            "EVENTS_TOPIC_ARN": output("EventsTopicArn"),
        })
    );
    assert_function(&stack, &function, "publisher", "PublisherRoleArn");
    assert_eq!((&function["Timeout"], &function["MemorySize"]), (&json!(60), &json!(256)));

    assert_eq!(mappings.len(), 3);
    for (name, table) in
        [("PhotosMapping", "PhotosTable"), ("ScoresMapping", "ScoresTable"), ("BoardsMapping", "BoardsTable")]
    {
        let mapping = mappings.iter().find(|mapping| mapping["UUID"] == output(name)).unwrap();
        let table = describe(&dynamodb, &stack, table).await;
        assert_reads_stream(&stack, mapping, table.latest_stream_arn().unwrap(), 100);
    }
}

/// What all functions have in common.
pub(crate) fn assert_function(stack: &StackInfo, function: &Value, name: &str, role: &str) {
    assert_eq!((&function["Runtime"], &function["Architectures"]), (&json!("provided.al2023"), &json!(["x86_64"])));
    assert_eq!(function["Role"], stack.output(role).unwrap());
    let full_name = function["FunctionName"].as_str().unwrap();
    assert!(full_name.ends_with(&format!("-{name}")), "{full_name}");
    let logs = json!({ "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{full_name}") });
    assert_eq!(function["LoggingConfig"], logs, "{name}");
}

/// By default there is none.
#[tokio::test]
async fn a_score_feed_is_made_only_if_asked_for() {
    let stack = stack().await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&stack.sdk_config());
    let described = cloudformation.describe_stack_resources().stack_name("shared").send().await.unwrap();
    let made = described.stack_resources().iter().filter_map(|resource| resource.logical_resource_id());
    assert_eq!(made.filter(|id| id.contains("ScoreFeed")).collect::<Vec<_>>(), Vec::<&str>::new());

    let sns = aws_sdk_sns::Client::new(&stack.sdk_config());
    let topic = stack.output("EventsTopicArn").unwrap();
    let attributes = sns.get_topic_attributes().topic_arn(topic).send().await.unwrap().attributes.unwrap();
    assert!(!attributes["Policy"].contains("score-feed"), "{}", attributes["Policy"]);

    let template = processed().await;
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let condition = if id.contains("ScoreFeed") { json!("HasScoreFeed") } else { Value::Null };
        assert_eq!(resource["Condition"], condition, "{id}");
    }
}
