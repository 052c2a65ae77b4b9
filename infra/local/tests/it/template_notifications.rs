//! What `infra/template.yaml` says of notifications, and of the queues and tables of events, is what the emulator has.
//!
//! Whether the role is right is asked in `role_notifier.rs`; what the function does, not here.

use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, PointInTimeRecoveryStatus, ProjectionType, StreamViewType, TimeToLiveStatus,
};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::stack;
use crate::template_events::{arn, assert_function, feed, parse, tls_only};
use crate::template_ratings::{describe, function, keys};

/// Output, keys, and whether it is streamed, expires, and can be recovered to a point in time.
type Table = (&'static str, [&'static str; 2], bool, bool, bool);

const TABLES: [Table; 5] = [
    ("PhotosTable", ["shop_id", "photo_id"], true, false, true),
    ("BoardsTable", ["board", "period"], true, false, true),
    ("SubscribersTable", ["subscriber", "channel_id"], false, false, true),
    ("DeliveriesTable", ["channel", "event_id"], false, true, false),
    ("InboxTable", ["user_id", "event_id"], false, true, true),
];

#[tokio::test]
async fn tables_have_their_keys_streams_lifetimes_and_recovery() {
    let stack = stack().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
    for (output, expected, streamed, expires, recovered) in TABLES {
        let table = describe(&dynamodb, &stack, output).await;
        assert_eq!(keys(table.key_schema()), expected, "{output}");
        assert_eq!(table.billing_mode_summary().unwrap().billing_mode(), Some(&BillingMode::PayPerRequest), "{output}");
        let stream = table.stream_specification().and_then(|stream| stream.stream_view_type());
        assert_eq!(stream, streamed.then_some(&StreamViewType::NewAndOldImages), "{output}");

        let name = stack.output(output).unwrap();
        let time_to_live = dynamodb.describe_time_to_live().table_name(name).send().await.unwrap();
        let time_to_live = time_to_live.time_to_live_description.unwrap();
        assert_eq!(time_to_live.attribute_name(), expires.then_some("expires_at"), "{output}");
        assert_eq!(time_to_live.time_to_live_status() == Some(&TimeToLiveStatus::Enabled), expires, "{output}");

        let backups = dynamodb.describe_continuous_backups().table_name(name).send().await.unwrap();
        let recovery = backups.continuous_backups_description.unwrap().point_in_time_recovery_description;
        let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status);
        assert_eq!(status == Some(PointInTimeRecoveryStatus::Enabled), recovered, "{output}");
    }
}

#[tokio::test]
async fn an_inbox_is_read_newest_first_with_whole_items() {
    let stack = stack().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
    let table = describe(&dynamodb, &stack, "InboxTable").await;
    let [index] = table.local_secondary_indexes() else { panic!("{:?}", table.local_secondary_indexes()) };
    assert_eq!((index.index_name(), keys(index.key_schema())), (Some("by-time"), vec!["user_id", "created_at"]));
    assert_eq!(index.projection().unwrap().projection_type(), Some(&ProjectionType::All));

    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (event, at) in [("b", "2026-11-20T10:00:00Z"), ("a", "2026-11-21T10:00:00Z"), ("c", "2026-11-19T10:00:00Z")] {
        let put = dynamodb.put_item().table_name(stack.output("InboxTable").unwrap()).item("user_id", text("template"));
        let put = put.item("event_id", text(event)).item("created_at", text(at)).item("note", text("projected"));
        put.send().await.unwrap();
    }
    let query = dynamodb.query().table_name(stack.output("InboxTable").unwrap()).index_name("by-time");
    let query =
        query.key_condition_expression("user_id = :user").expression_attribute_values(":user", text("template"));
    let found = query.scan_index_forward(false).send().await.unwrap();
    let events: Vec<&AttributeValue> = found.items().iter().map(|item| &item["event_id"]).collect();
    assert_eq!(events, [&text("a"), &text("b"), &text("c")]);
    assert_eq!(found.items()[0]["note"], text("projected"));
}

/// Output, name, seconds hidden, days kept, DLQ and receives before it, and whether the topic may send to it.
type Queue = (&'static str, &'static str, &'static str, u32, Option<(&'static str, &'static str)>, bool);

const QUEUES: [Queue; 7] = [
    ("NotificationsQueueUrl", "notifications", "77", 4, Some(("notifications-dlq", "5")), true),
    ("NotificationsDlqUrl", "notifications-dlq", "30", 14, None, false),
    ("NotificationsSubscriptionDlqUrl", "notifications-subscription-dlq", "30", 14, None, true),
    ("DeliveriesQueueUrl", "deliveries", "77", 14, Some(("deliveries-dlq", "3")), false),
    ("DeliveriesDlqUrl", "deliveries-dlq", "30", 14, None, false),
    ("ScoreFeedQueueUrl", "score-feed", "30", 14, None, true),
    ("ScoreFeedSubscriptionDlqUrl", "score-feed-subscription-dlq", "30", 14, None, true),
];

#[tokio::test]
async fn queues_have_their_attributes_and_name_the_topic_and_parameters_arrive() {
    let stack = feed().await;
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    let topic = stack.output("EventsTopicArn").unwrap();
    for (output, name, hidden_s, kept_days, redrive, of_topic) in QUEUES {
        let url = stack.output(output).unwrap();
        assert!(url.ends_with(&format!("/feed-{name}")), "{url}");
        let get = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        let attributes = get.send().await.unwrap().attributes.unwrap();
        assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], hidden_s, "{name}");
        let kept_s = (kept_days * 24 * 60 * 60).to_string();
        assert_eq!(attributes[&QueueAttributeName::MessageRetentionPeriod], kept_s, "{name}");
        assert_eq!(attributes[&QueueAttributeName::SqsManagedSseEnabled], "true", "{name}");

        let policy: Value = attributes.get(&QueueAttributeName::RedrivePolicy).map_or(Value::Null, |text| parse(text));
        let redrive = redrive.map(|(dlq, count)| (json!(arn("sqs", &stack, dlq)), count.to_owned()));
        let found = (!policy.is_null()).then(|| {
            // A number or, from a parameter, the text of one; SQS takes both.
            (policy["deadLetterTargetArn"].clone(), policy["maxReceiveCount"].to_string().replace('"', ""))
        });
        assert_eq!(found, redrive, "{name}");

        let policy = parse(&attributes[&QueueAttributeName::Policy]);
        let mut expected = vec![tls_only("sqs:*", &arn("sqs", &stack, name))];
        if of_topic {
            let sends = json!({
                "Sid": "EventsTopicSends",
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": arn("sqs", &stack, name),
                "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
            });
            expected.insert(0, sends);
        }
        assert_eq!(policy["Statement"], json!(expected), "{name}");
    }
    for (dlq, source) in [("NotificationsDlqUrl", "notifications"), ("DeliveriesDlqUrl", "deliveries")] {
        let get = sqs.get_queue_attributes().queue_url(stack.output(dlq).unwrap());
        let attributes = get.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
        let expected = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [arn("sqs", &stack, source)] });
        assert_eq!(parse(&attributes[&QueueAttributeName::RedriveAllowPolicy]), expected, "{dlq}");
    }
}

#[tokio::test]
async fn the_notifier_and_its_mappings_are_as_the_template_says() {
    let stack = feed().await;
    let (function, mappings) = function(&stack, "NotifierFunction").await;
    let output = |name: &str| stack.output(name).unwrap();
    assert_eq!(
        function["Environment"]["Variables"],
        json!({
            "NOTIFICATIONS_QUEUE_ARN": arn("sqs", &stack, "notifications"),
            "NOTIFICATIONS_QUEUE_URL": output("NotificationsQueueUrl"),
            "NOTIFICATIONS_DLQ_URL": output("NotificationsDlqUrl"),
            "DELIVERIES_QUEUE_ARN": arn("sqs", &stack, "deliveries"),
            "DELIVERIES_QUEUE_URL": output("DeliveriesQueueUrl"),
            "DELIVERIES_DLQ_URL": output("DeliveriesDlqUrl"),
            "DELIVERY_ATTEMPTS": "3",
            "SUBSCRIBERS_TABLE": output("SubscribersTable"),
            "DELIVERIES_TABLE": output("DeliveriesTable"),
            "INBOX_TABLE": output("InboxTable"),
            "WEBHOOK_ALLOW": "127.0.0.1:8080,[::1]:8080",
        })
    );
    assert_function(&stack, &function, "notifier", "NotifierRoleArn");
    assert_eq!((&function["Timeout"], &function["MemorySize"]), (&json!(60), &json!(256)));

    let [deliveries, notifications] = &mappings[..] else { panic!("{} mappings", mappings.len()) };
    for (mapping, queue, concurrency) in [(deliveries, "deliveries", 20), (notifications, "notifications", 5)] {
        assert_eq!(mapping["EventSourceArn"], arn("sqs", &stack, queue));
        assert_eq!(mapping["BatchSize"], 10, "{queue}");
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{queue}");
        assert_eq!(mapping["ScalingConfig"], json!({ "MaximumConcurrency": concurrency }), "{queue}");
    }
}
