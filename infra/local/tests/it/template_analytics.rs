//! What `infra/template.yaml` says of leaderboards and snapshots is what the emulator has. `template.rs` has the rest.
//!
//! Whether the role is right is asked in `role_snapshotter.rs`; what the function does, not here.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{ExpirationStatus, ServerSideEncryption};
use coffeeshop_local::StackInfo;
use coffeeshop_snapshotter::job::{Job, LEASE_BEYOND, Request};
use serde_json::{Value, json};

use crate::stack;
use crate::template::processed;
use crate::template_events::{assert_function, feed};
use crate::template_ratings::{function, lambda};

/// What the event is called in the template, when, and what is asked for.
const SCHEDULES: [(&str, &str, Job); 4] = [
    ("Boards", "cron(5/5 * * * ? *)", Job::Boards),
    ("EveryBoard", "cron(0 * * * ? *)", Job::EveryBoard),
    ("Photos", "cron(12 0 * * ? *)", Job::Photos),
    ("Scores", "cron(2 * * * ? *)", Job::Scores),
];

/// Alarm, metric, dataset, period in seconds, and after how many of them.
const WORK: [(&str, &str, Option<&str>, u32, u32); 3] = [
    ("BoardsStaleAlarm", "boards_compared", None, 15 * 60, 2),
    ("ScoresSnapshotAlarm", "snapshots_complete", Some("scores"), 60 * 60, 2),
    ("PhotosSnapshotAlarm", "snapshots_complete", Some("photos"), 60 * 60, 26),
];

#[tokio::test]
async fn an_upload_that_is_left_behind_is_aborted_after_a_day() {
    let rules = json!([{
        "Id": "abort-incomplete-uploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 1 },
    }]);
    let bucket = &processed().await["Resources"]["AnalyticsBucket"];
    assert_eq!(bucket["Properties"]["LifecycleConfiguration"]["Rules"], rules);

    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&stack.sdk_config());
    let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(stack.output("AnalyticsBucket").unwrap());
    let lifecycle = lifecycle.send().await.unwrap();
    let [rule] = lifecycle.rules() else { panic!("{} rules", lifecycle.rules().len()) };
    assert_eq!(rule.status(), &ExpirationStatus::Enabled);
    assert_eq!(rule.abort_incomplete_multipart_upload().unwrap().days_after_initiation(), Some(1));
    assert!(rule.expiration().is_none() && rule.noncurrent_version_expiration().is_none());
}

#[tokio::test]
async fn the_bucket_of_analytics_is_encrypted_and_closed_and_stays_without_versions() {
    let stack = stack().await;
    let s3 = aws_sdk_s3::Client::new(&stack.sdk_config());
    let bucket = stack.output("AnalyticsBucket").unwrap();
    assert!(bucket.starts_with("shared-analytics-"), "{bucket}");
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
    assert_eq!(s3.get_bucket_versioning().bucket(bucket).send().await.unwrap().status(), None);

    let template = &processed().await["Resources"]["AnalyticsBucket"];
    assert_eq!((&template["DeletionPolicy"], &template["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
}

#[tokio::test]
async fn the_snapshotter_is_as_the_template_says() {
    let stack = stack().await;
    let (function, mappings) = function(&stack, "SnapshotterFunction").await;
    let output = |name: &str| stack.output(name).unwrap();
    assert_eq!(
        function["Environment"]["Variables"],
        json!({
            "SCORES_TABLE": output("ScoresTable"),
            "PHOTOS_TABLE": output("PhotosTable"),
            "BOARDS_TABLE": output("BoardsTable"),
            "SHOPS_TABLE": output("ShopsTable"),
            "ANALYTICS_BUCKET": output("AnalyticsBucket"),
        })
    );
    assert_eq!((&function["Timeout"], &function["MemorySize"]), (&json!(240), &json!(1769)));
    assert_function(&stack, &function, "snapshotter", "SnapshotterRoleArn");
    assert_eq!(mappings, [Value::Null; 0]);
}

/// The next schedule begins it anew.
#[tokio::test]
async fn a_run_that_failed_is_not_tried_again() {
    const ASK: &str = "answer = aws.get_function_event_invoke_config(FunctionName=function, Qualifier='$LATEST')";
    let config = lambda(&stack().await, "SnapshotterFunction", ASK).await;
    assert_eq!(config["MaximumRetryAttempts"], 0);
    assert_eq!(config["MaximumEventAgeInSeconds"], 3600);
    assert_eq!(config["DestinationConfig"]["OnFailure"]["Destination"], Value::Null, "nothing rests anywhere");
}

/// Expression, state and payload of each schedule whose target is the snapshotter, in the order of their names.
async fn schedules(stack: &StackInfo) -> Vec<(String, String, Request)> {
    const ASK: &str = "events = boto3.client('events')
arn = aws.get_function_configuration(FunctionName=function)['FunctionArn']
names = sorted(events.list_rule_names_by_target(TargetArn=arn)['RuleNames'])
answer = []
for rule in [events.describe_rule(Name=name) for name in names]:
    for target in events.list_targets_by_rule(Rule=rule['Name'])['Targets']:
        assert target['Arn'] == arn, target
        answer.append((rule['ScheduleExpression'], rule['State'], json.loads(target['Input'])))";
    serde_json::from_value(lambda(stack, "SnapshotterFunction", ASK).await).unwrap()
}

/// Tests have them paused, so that nothing happens by the clock; an operator may pause them too.
#[tokio::test]
async fn every_job_has_its_schedule_which_can_be_paused() {
    for (stack, state) in [(stack().await, "DISABLED"), (feed().await, "ENABLED")] {
        let expected = SCHEDULES.map(|(_, at, job)| (at.to_owned(), state.to_owned(), Request { job }));
        assert_eq!(schedules(&stack).await, expected);
    }
    let template = processed().await;
    assert_eq!(template["Parameters"]["SnapshotterSchedules"]["Default"], "ENABLED");
    for (event, at, job) in SCHEDULES {
        let rule = &template["Resources"][format!("SnapshotterFunction{event}")]["Properties"];
        assert_eq!(
            (&rule["ScheduleExpression"], &rule["State"]),
            (&json!(at), &json!({ "Ref": "SnapshotterSchedules" }))
        );
        let input: Request = serde_json::from_str(rule["Targets"][0]["Input"].as_str().unwrap()).unwrap();
        assert_eq!(input, Request { job }, "{event}");
    }
}

/// The minutes of an hour at which a schedule begins: `5/5`, or one.
fn minutes(at: &str) -> BTreeSet<u64> {
    let minute = at.strip_prefix("cron(").unwrap().split(' ').next().unwrap();
    let number = |text: &str| text.parse::<u64>().unwrap();
    match minute.split_once('/') {
        Some((first, step)) => (number(first)..60).step_by(usize::try_from(number(step)).unwrap()).collect(),
        None => [number(minute)].into(),
    }
}

#[tokio::test]
async fn a_lease_is_over_before_the_next_run_of_its_kind() {
    let parameter = &processed().await["Parameters"]["SnapshotterTimeout"];
    let seconds = |name: &str| parameter[name].as_u64().unwrap();
    let boards = SCHEDULES.into_iter().filter(|(_, _, job)| [Job::Boards, Job::EveryBoard].contains(job));
    let begins: Vec<u64> = boards.flat_map(|(_, at, _)| minutes(at)).collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(begins, (0..60).step_by(5).collect::<Vec<u64>>());
    let gaps = begins.iter().zip(begins.iter().skip(1).chain([&60])).map(|(begin, next)| (next - begin) * 60);
    let lease = seconds("MaxValue") + LEASE_BEYOND.as_secs();
    assert!(seconds("Default") <= seconds("MaxValue") && lease < gaps.min().unwrap(), "{lease} seconds");
}

#[tokio::test]
async fn work_that_is_not_done_has_alarms() {
    let resources = &processed().await["Resources"];
    let function = json!({ "Name": "function", "Value": { "Ref": "SnapshotterFunction" } });
    for (alarm, metric, dataset, period, periods) in WORK {
        let alarm = &resources[alarm]["Properties"];
        let dataset = dataset.map(|dataset| json!({ "Name": "dataset", "Value": dataset }));
        let dimensions: Vec<Value> = [function.clone()].into_iter().chain(dataset).collect();
        let namespace = coffeeshop_aws::metrics::METRICS_NAMESPACE;
        let metric = json!({ "Namespace": namespace, "MetricName": metric, "Dimensions": dimensions });
        let counted = json!({ "Metric": metric, "Period": period, "Stat": "Sum" });
        assert_eq!(alarm["Metrics"][1]["MetricStat"], counted);
        // Without it CloudWatch takes work of long ago for recent work.
        let expression = format!("FILL({}, 0)", alarm["Metrics"][1]["Id"].as_str().unwrap());
        assert_eq!(alarm["Metrics"][0]["Expression"], expression);
        assert_eq!((&alarm["EvaluationPeriods"], &alarm["Threshold"]), (&json!(periods), &json!(1)));
        assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    }
    assert_eq!(resources["ItemsLeftOutAlarm"]["Properties"]["Dimensions"], json!([function]));
}
