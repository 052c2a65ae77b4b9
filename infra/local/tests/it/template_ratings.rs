//! What `infra/template.yaml` says of ratings and scores is what the emulator has. `template.rs` has the rest.
//!
//! Whether the role is right is asked in `role_aggregator.rs`; what the function does, not here.

use std::collections::HashMap;
use std::process::Command;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoveryStatus, ProjectionType, StreamViewType,
    TableDescription, TimeToLiveStatus,
};
use aws_sdk_s3::types::{ExpirationStatus, ServerSideEncryption};
use aws_sdk_sqs::types::QueueAttributeName;
use coffeeshop_local::{StackInfo, python, repo_root};
use serde_json::{Value, json};

use crate::stack;
use crate::template::processed;
use crate::template_events::assert_function;

const TABLES: [&str; 4] = ["RatingsTable", "ContributionsTable", "ScoresTable", "ShopsTable"];

/// A table by the output that names it.
pub(crate) async fn describe(dynamodb: &Client, stack: &StackInfo, output: &str) -> TableDescription {
    let table = stack.output(output).unwrap();
    dynamodb.describe_table().table_name(table).send().await.unwrap().table.unwrap()
}

/// The names of the keys, the hash key first.
pub(crate) fn keys(schema: &[KeySchemaElement]) -> Vec<&str> {
    for (element, kind) in schema.iter().zip([KeyType::Hash, KeyType::Range]) {
        assert_eq!(element.key_type(), &kind);
    }
    schema.iter().map(KeySchemaElement::attribute_name).collect()
}

#[tokio::test]
async fn tables_have_their_keys_are_on_demand_and_can_be_recovered_to_a_point_in_time() {
    let stack = stack().await;
    let dynamodb = Client::new(&stack.sdk_config());
    let expected: [&[&str]; 4] =
        [&["shop_id", "user_id"], &["shop_id", "user_id"], &["shop_id", "period"], &["shop_id"]];
    for (output, expected) in TABLES.into_iter().zip(expected) {
        let table = describe(&dynamodb, &stack, output).await;
        assert_eq!(keys(table.key_schema()), expected, "{output}");
        assert_eq!(table.billing_mode_summary().unwrap().billing_mode(), Some(&BillingMode::PayPerRequest), "{output}");

        let backups = dynamodb.describe_continuous_backups().table_name(stack.output(output).unwrap());
        let backups = backups.send().await.unwrap().continuous_backups_description.unwrap();
        let recovery = backups.point_in_time_recovery_description.unwrap();
        assert_eq!(recovery.point_in_time_recovery_status, Some(PointInTimeRecoveryStatus::Enabled), "{output}");
    }
}

#[tokio::test]
async fn ratings_and_scores_are_streamed_with_both_images_and_the_others_are_not() {
    let stack = stack().await;
    let dynamodb = Client::new(&stack.sdk_config());
    for output in TABLES {
        let table = describe(&dynamodb, &stack, output).await;
        let stream = table.stream_specification().and_then(|stream| stream.stream_view_type());
        let streamed = ["RatingsTable", "ScoresTable"].contains(&output);
        assert_eq!(stream, streamed.then_some(&StreamViewType::NewAndOldImages), "{output}");
        if output == "RatingsTable" {
            assert_eq!(table.latest_stream_arn(), Some(stack.output("RatingsStreamArn").unwrap()));
        }
    }
}

#[tokio::test]
async fn only_contributions_expire() {
    let stack = stack().await;
    let dynamodb = Client::new(&stack.sdk_config());
    for output in TABLES {
        let get = dynamodb.describe_time_to_live().table_name(stack.output(output).unwrap());
        let time_to_live = get.send().await.unwrap().time_to_live_description.unwrap();
        if output == "ContributionsTable" {
            assert_eq!(time_to_live.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
            assert_eq!(time_to_live.attribute_name(), Some("expires_at"));
        } else {
            assert_eq!(time_to_live.time_to_live_status(), Some(&TimeToLiveStatus::Disabled), "{output}");
        }
    }
}

#[tokio::test]
async fn both_leaderboards_are_read_in_order_with_whole_items_and_without_what_lacks_the_keys() {
    let stack = stack().await;
    let dynamodb = Client::new(&stack.sdk_config());
    let table = describe(&dynamodb, &stack, "ScoresTable").await;
    let mut indexes: Vec<_> = table.global_secondary_indexes().iter().collect();
    indexes.sort_by_key(|index| index.index_name());
    let names: Vec<_> = indexes.iter().map(|index| (index.index_name().unwrap(), keys(index.key_schema()))).collect();
    let expected = [("by-city", vec!["city_period", "rank_key"]), ("by-period", vec!["period_part", "rank_key"])];
    assert_eq!(names, expected);
    for index in indexes {
        assert_eq!(index.projection().unwrap().projection_type(), Some(&ProjectionType::All));
    }

    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (shop, rank) in [("second", Some("2")), ("first", Some("1")), ("unrated", None)] {
        let put = dynamodb.put_item().table_name(stack.output("ScoresTable").unwrap());
        let put = put.item("shop_id", text(&format!("template-{shop}"))).item("period", text("all"));
        let put = put.item("note", text("projected"));
        let put = match rank {
            Some(rank) => put
                .item("rank_key", text(rank))
                .item("city_period", text("template#all"))
                .item("period_part", text("template-all#0")),
            None => put,
        };
        put.send().await.unwrap();
    }
    for (index, key, value) in
        [("by-city", "city_period", "template#all"), ("by-period", "period_part", "template-all#0")]
    {
        let query = dynamodb.query().table_name(stack.output("ScoresTable").unwrap()).index_name(index);
        let query = query.key_condition_expression("#key = :value").expression_attribute_names("#key", key);
        let found = query.expression_attribute_values(":value", text(value)).send().await.unwrap();
        let shops: Vec<&AttributeValue> = found.items().iter().map(|item| &item["shop_id"]).collect();
        assert_eq!(shops, [&text("template-first"), &text("template-second")], "{index}");
        assert_eq!(found.items()[0]["note"], text("projected"), "{index}");
    }
}

#[tokio::test]
async fn the_quarantine_keeps_records_as_long_as_it_can() {
    let stack = stack().await;
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    let url = stack.output("QuarantineQueueUrl").unwrap();
    let got = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send().await.unwrap();
    let attributes: HashMap<_, _> = got.attributes.unwrap();
    assert!(url.ends_with("/shared-ratings-quarantine"), "{url}");
    let days_14 = (14 * 24 * 60 * 60).to_string();
    assert_eq!(attributes[&QueueAttributeName::MessageRetentionPeriod], days_14);
    assert_eq!(attributes[&QueueAttributeName::SqsManagedSseEnabled], "true");
    assert!(attributes[&QueueAttributeName::Policy].contains("aws:SecureTransport"));
}

#[tokio::test]
async fn the_bucket_of_failures_is_encrypted_and_closed_and_keeps_them_for_90_days() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&stack.sdk_config());
    let bucket = stack.output("FailuresBucket").unwrap();
    assert!(bucket.starts_with("shared-failures-"), "{bucket}");
    let encryption = s3.get_bucket_encryption().bucket(bucket).send().await.unwrap();
    let rule = &encryption.server_side_encryption_configuration().unwrap().rules()[0];
    let algorithm = rule.apply_server_side_encryption_by_default().unwrap().sse_algorithm();
    assert_eq!(algorithm, &ServerSideEncryption::Aes256);

    let block = s3.get_public_access_block().bucket(bucket).send().await.unwrap();
    let block = block.public_access_block_configuration.unwrap();
    let (acls, policy) = (block.block_public_acls, block.block_public_policy);
    assert_eq!([acls, policy, block.ignore_public_acls, block.restrict_public_buckets], [Some(true); 4]);
    let policy = s3.get_bucket_policy().bucket(bucket).send().await.unwrap();
    assert!(policy.policy().unwrap().contains("aws:SecureTransport"));

    let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(bucket).send().await.unwrap();
    let [expire, abort] = lifecycle.rules() else { panic!("{} rules", lifecycle.rules().len()) };
    assert_eq!((expire.status(), abort.status()), (&ExpirationStatus::Enabled, &ExpirationStatus::Enabled));
    assert_eq!(expire.expiration().unwrap().days(), Some(90));
    assert!(expire.abort_incomplete_multipart_upload().is_none() && abort.expiration().is_none());
    assert_eq!(abort.abort_incomplete_multipart_upload().unwrap().days_after_initiation(), Some(7));
}

/// A few lines of Python on `aws`, boto3's client of Lambda, which has no crate here, and on `function`, the function's
/// name by its output. What they leave in `answer`.
pub(crate) async fn lambda(stack: &StackInfo, function: &str, lines: &str) -> Value {
    let script = format!(
        "import boto3, json, sys\naws = boto3.client('lambda')\nfunction = sys.argv[1]\n\
        {lines}\nprint(json.dumps(answer, default=str))"
    );
    let mut python = Command::new(python::venv(&repo_root(), |_| ()).unwrap().tool("python"));
    python
        .args(["-c", &script, stack.output(function).unwrap()])
        .env("AWS_ENDPOINT_URL", &stack.endpoint)
        .env("AWS_DEFAULT_REGION", &stack.region)
        .env("AWS_ACCESS_KEY_ID", &stack.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &stack.secret_access_key);
    let ran = tokio::task::spawn_blocking(move || python.output().unwrap()).await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// What Lambda says of the function, and of its mappings in the order of their sources.
pub(crate) async fn function(stack: &StackInfo, function: &str) -> (Value, Vec<Value>) {
    const ASK: &str = "mappings = aws.list_event_source_mappings(FunctionName=function)['EventSourceMappings']
mappings.sort(key=lambda of: of['EventSourceArn'])
answer = aws.get_function_configuration(FunctionName=function), mappings";
    serde_json::from_value(lambda(stack, function, ASK).await).unwrap()
}

/// All streams are read in the same way.
pub(crate) fn assert_reads_stream(stack: &StackInfo, mapping: &Value, stream: &str, batch_size: u32) {
    let failures = format!("arn:aws:s3:::{}", stack.output("FailuresBucket").unwrap());
    let expected = json!({
        "EventSourceArn": stream,
        "State": "Enabled",
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": batch_size,
        "MaximumBatchingWindowInSeconds": 1,
        "ParallelizationFactor": 1,
        "MaximumRetryAttempts": 10,
        "MaximumRecordAgeInSeconds": 43200,
        "BisectBatchOnFunctionError": true,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": { "OnFailure": { "Destination": failures } },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&mapping[name], value, "{stream}: {name}");
    }
}

#[tokio::test]
async fn the_aggregator_and_its_mapping_are_as_the_template_says() {
    let stack = stack().await;
    let (function, mappings) = function(&stack, "AggregatorFunction").await;
    let output = |name: &str| stack.output(name).unwrap();
    assert_eq!(
        function["Environment"]["Variables"],
        json!({
            "CONTRIBUTIONS_TABLE": output("ContributionsTable"),
            "SCORES_TABLE": output("ScoresTable"),
            "SHOPS_TABLE": output("ShopsTable"),
            "QUARANTINE_QUEUE_URL": output("QuarantineQueueUrl"),
        })
    );
    assert_eq!((&function["Timeout"], &function["MemorySize"]), (&json!(60), &json!(512)));
    assert_function(&stack, &function, "aggregator", "AggregatorRoleArn");

    let [mapping] = &mappings[..] else { panic!("{} mappings", mappings.len()) };
    assert_eq!(mapping["UUID"], output("AggregatorMapping"));
    assert_reads_stream(&stack, mapping, output("RatingsStreamArn"), 500);
}

/// What the emulator does not keep, and the alarms on it, which it does not have.
#[tokio::test]
async fn the_mapping_counts_what_its_alarms_stand_on() {
    let resources = &processed().await["Resources"];
    assert_eq!(resources["AggregatorMapping"]["Properties"]["MetricsConfig"], json!({ "Metrics": ["EventCount"] }));
    let dimensions = json!([{ "Name": "EventSourceMappingUUID", "Value": { "Ref": "AggregatorMapping" } }]);
    for alarm in ["FailuresAlarm", "RatingsDroppedAlarm"] {
        assert_eq!(resources[alarm]["Properties"]["Dimensions"], dimensions, "{alarm}");
    }
}
