//! What `infra/template.yaml` says is what the emulator has, whether its CloudFormation did it or `fill`.
//!
//! Photos and what concerns the whole; `template_ratings.rs` has ratings and scores, `template_events.rs` and
//! `template_notifications.rs` events and what comes of them, `template_analytics.rs` leaderboards and snapshots,
//! `template_alarms.rs` alarms.

use aws_sdk_dynamodb::types::PointInTimeRecoveryStatus;
use aws_sdk_s3::types::{BucketVersioningStatus, Event, ExpirationStatus, QueueConfiguration, ServerSideEncryption};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::{VISIBILITY_SECONDS, stack};

/// The template with the shorthands of SAM worked out; references are not resolved.
pub(crate) async fn processed() -> Value {
    let stack = stack().await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&stack.sdk_config());
    let template = cloudformation.get_template().stack_name("shared").template_stage("Processed".into()).send().await;
    serde_json::from_str(template.unwrap().template_body().unwrap()).unwrap()
}

/// Without the score feed's, because it is off.
#[tokio::test]
async fn every_output_is_there() {
    let stack = stack().await;
    let expected = [
        "AggregatorFunction",
        "AggregatorMapping",
        "AggregatorRoleArn",
        "AnalyticsBucket",
        "BoardsMapping",
        "BoardsTable",
        "ContributionsTable",
        "DeliveriesDlqUrl",
        "DeliveriesQueueUrl",
        "DeliveriesTable",
        "EventsTopicArn",
        "FailuresBucket",
        "InboxTable",
        "NotificationsDlqUrl",
        "NotificationsQueueUrl",
        "NotificationsSubscriptionDlqUrl",
        "NotifierFunction",
        "NotifierRoleArn",
        "OriginalsBucket",
        "PhotosMapping",
        "PhotosTable",
        "PublisherFunction",
        "PublisherRoleArn",
        "QuarantineQueueUrl",
        "RatingsStreamArn",
        "RatingsTable",
        "RenditionsBucket",
        "ScoresMapping",
        "ScoresTable",
        "ShopsTable",
        "SnapshotterFunction",
        "SnapshotterRoleArn",
        "SubscribersTable",
        "ThumbnailerFunction",
        "ThumbnailerRoleArn",
        "UploadsDlqUrl",
        "UploadsQueueUrl",
    ];
    assert_eq!(stack.outputs.keys().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn buckets_of_photos_are_encrypted_and_closed_and_drop_only_incomplete_uploads() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&stack.sdk_config());
    for bucket in ["OriginalsBucket", "RenditionsBucket"].map(|name| stack.output(name).unwrap()) {
        let encryption = s3.get_bucket_encryption().bucket(bucket).send().await.unwrap();
        let rule = &encryption.server_side_encryption_configuration().unwrap().rules()[0];
        let algorithm = rule.apply_server_side_encryption_by_default().unwrap().sse_algorithm();
        assert_eq!(algorithm, &ServerSideEncryption::Aes256, "{bucket}");

        let block = s3.get_public_access_block().bucket(bucket).send().await.unwrap();
        let block = block.public_access_block_configuration.unwrap();
        let all = [
            block.block_public_acls,
            block.block_public_policy,
            block.ignore_public_acls,
            block.restrict_public_buckets,
        ];
        assert_eq!(all, [Some(true); 4], "{bucket}");

        let policy = s3.get_bucket_policy().bucket(bucket).send().await.unwrap();
        assert!(policy.policy().unwrap().contains("aws:SecureTransport"), "{bucket}");

        let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(bucket).send().await.unwrap();
        let [rule] = lifecycle.rules() else { panic!("{bucket} has {} rules", lifecycle.rules().len()) };
        assert_eq!(rule.status(), &ExpirationStatus::Enabled);
        assert_eq!(rule.abort_incomplete_multipart_upload().unwrap().days_after_initiation(), Some(7));
        assert!(rule.expiration().is_none() && rule.noncurrent_version_expiration().is_none());
    }
}

#[tokio::test]
async fn originals_are_versioned_take_browser_uploads_and_notify_the_queue() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&stack.sdk_config());
    let bucket = stack.output("OriginalsBucket").unwrap();

    let versioning = s3.get_bucket_versioning().bucket(bucket).send().await.unwrap();
    assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));

    let cors = s3.get_bucket_cors().bucket(bucket).send().await.unwrap();
    assert_eq!(cors.cors_rules()[0].allowed_methods(), ["PUT", "POST"]);
    assert_eq!(cors.cors_rules()[0].allowed_origins(), ["*"]);

    let notifications = s3.get_bucket_notification_configuration().bucket(bucket).send().await.unwrap();
    let events: Vec<_> = notifications.queue_configurations().iter().flat_map(QueueConfiguration::events).collect();
    assert_eq!(events, [&Event::S3ObjectCreated, &Event::S3ObjectRemoved, &Event::S3LifecycleExpiration]);
}

#[tokio::test]
async fn queues_have_their_attributes_and_parameters_arrive() {
    let stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    let attribute = async |queue: &str, name: QueueAttributeName| {
        let url = stack.output(queue).unwrap();
        let got = sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await.unwrap();
        got.attributes().and_then(|all| all.get(&name)).cloned().unwrap_or_default()
    };
    assert_eq!(attribute("UploadsQueueUrl", QueueAttributeName::VisibilityTimeout).await, VISIBILITY_SECONDS);
    let redrive = attribute("UploadsQueueUrl", QueueAttributeName::RedrivePolicy).await;
    assert!(redrive.contains(r#""maxReceiveCount":5"#), "{redrive}");
    for queue in ["UploadsQueueUrl", "UploadsDlqUrl"] {
        assert_eq!(attribute(queue, QueueAttributeName::SqsManagedSseEnabled).await, "true");
    }
    let days_14 = (14 * 24 * 60 * 60).to_string();
    assert_eq!(attribute("UploadsDlqUrl", QueueAttributeName::MessageRetentionPeriod).await, days_14);
}

#[tokio::test]
async fn the_table_can_be_recovered_to_a_point_in_time() {
    let stack = stack().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
    let backups = dynamodb.describe_continuous_backups().table_name(stack.output("PhotosTable").unwrap());
    let backups = backups.send().await.unwrap().continuous_backups_description.unwrap();
    let recovery = backups.point_in_time_recovery_description.unwrap();
    assert_eq!(recovery.point_in_time_recovery_status, Some(PointInTimeRecoveryStatus::Enabled));
}

/// The gap `alarm_math`: without it the stack would not have been created.
#[tokio::test]
async fn an_alarm_on_an_expression_is_accepted() {
    let stack = stack().await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&stack.sdk_config());
    let described = cloudformation
        .describe_stack_resource()
        .stack_name("shared")
        .logical_resource_id("ThumbnailerDurationAlarm")
        .send()
        .await
        .unwrap();
    let status = described.stack_resource_detail.unwrap().resource_status.unwrap();
    assert_eq!(status.as_str(), "CREATE_COMPLETE");
}

#[tokio::test]
async fn by_default_a_message_stays_hidden_for_six_timeouts() {
    let template = processed().await;
    let default = |name: &str| template["Parameters"][name]["Default"].as_u64().unwrap();
    assert_eq!(default("UploadsVisibilityTimeout"), 6 * default("ThumbnailerTimeout"));
    assert_eq!(default("NotifierVisibilityTimeout"), 6 * default("NotifierTimeout"));
}
