//! Whatever can go wrong has an alarm in the template. They are read there: the alarms of the emulator do nothing.

use std::collections::BTreeSet;

use coffeeshop_local::repo_root;
use serde_json::{Value, json};

use crate::template::processed;

/// What the snapshotter counts of what it has done.
const WORK: [&str; 2] = ["boards_compared", "snapshots_complete"];

#[tokio::test]
async fn whatever_can_go_wrong_has_an_alarm() {
    let template = processed().await;
    let resources = template["Resources"].as_object().unwrap();
    let is = |resource: &Value, kind: &str| resource["Type"] == kind;
    let alarms: Vec<&Value> = resources.values().filter(|resource| is(resource, "AWS::CloudWatch::Alarm")).collect();
    let watched: BTreeSet<(String, String)> = alarms.iter().flat_map(|alarm| metrics(&alarm["Properties"])).collect();

    let mut needed = Vec::new();
    for (id, resource) in resources {
        if is(resource, "AWS::SQS::Queue") && id.ends_with("Dlq") {
            needed.push(("ApproximateNumberOfMessagesVisible", format!("{id}.QueueName")));
        }
        if is(resource, "AWS::Lambda::Function") {
            needed.extend(["Errors", "Throttles", "Duration"].map(|metric| (metric, id.clone())));
        }
        if is(resource, "AWS::Lambda::EventSourceMapping") && id.ends_with("Mapping") {
            let counts = ["OnFailureDestinationDeliveredEventCount", "DroppedEventCount"];
            needed.extend(counts.map(|metric| (metric, id.clone())));
            let function = named(&resource["Properties"]["FunctionName"]);
            needed.extend(["IteratorAge", "DestinationDeliveryFailures"].map(|metric| (metric, function.clone())));
            assert_eq!(resource["Properties"]["MetricsConfig"], json!({ "Metrics": ["EventCount"] }), "{id}");
        }
    }
    needed.push(("ApproximateAgeOfOldestMessage", "NotificationsQueue.QueueName".to_owned()));
    for metric in ["NumberOfNotificationsFailedToRedriveToDlq", "NumberOfNotificationsFilteredOut-InvalidAttributes"] {
        needed.push((metric, "EventsTopic.TopicName".to_owned()));
    }
    needed.extend(["items_left_out", WORK[0], WORK[1]].map(|metric| (metric, "SnapshotterFunction".to_owned())));
    assert!(needed.len() > 30, "{needed:?}");
    for (metric, of) in needed {
        assert!(watched.contains(&(metric.to_owned(), of.clone())), "no alarm on {metric} of {of}");
    }
    let runbook = std::fs::read_to_string(repo_root().join("infra/RUNBOOK.md")).unwrap();
    for id in resources.iter().filter(|(_, resource)| is(resource, "AWS::CloudWatch::Alarm")).map(|(id, _)| id) {
        assert!(runbook.contains(id.as_str()), "{id} is not in RUNBOOK.md");
    }
    for alarm in alarms {
        // Nothing said is nothing wrong, unless what is said is that something was done.
        let is_of_work = |(metric, _): &(String, String)| WORK.contains(&metric.as_str());
        let missing = if metrics(&alarm["Properties"]).iter().all(is_of_work) { "breaching" } else { "notBreaching" };
        assert_eq!(alarm["Properties"]["TreatMissingData"], missing, "{alarm}");
        assert!(alarm["Properties"]["AlarmActions"].is_object(), "{alarm}");
    }
}

/// Metric and dimension of an alarm, or of each metric of its expression.
fn metrics(alarm: &Value) -> Vec<(String, String)> {
    let one =
        |metric: &Value| (metric["MetricName"].as_str().unwrap().to_owned(), named(&metric["Dimensions"][0]["Value"]));
    let Some(queries) = alarm["Metrics"].as_array() else { return vec![one(alarm)] };
    let expression = queries[0]["Expression"].to_string();
    let metrics = queries[1..].iter().map(|query| {
        assert!(expression.contains(query["Id"].as_str().unwrap()), "{expression}");
        one(&query["MetricStat"]["Metric"])
    });
    metrics.collect()
}

/// `Name` or `Name.Attribute`, of a reference.
fn named(reference: &Value) -> String {
    let get = &reference["Fn::GetAtt"];
    let parts = get.as_array().map(|parts| parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("."));
    parts.or_else(|| get.as_str().or(reference["Ref"].as_str()).map(str::to_owned)).unwrap_or_default()
}
