//! Sets by API call what the emulator's CloudFormation ignores in a template: a bucket's lifecycle, and a table's
//! point-in-time recovery and time to live.
//!
//! What to set is read from the deployed template, so there is no second copy. A rule of a kind that is not known here is
//! an error rather than left out. It does not look for further properties that the emulator might ignore; the tests of
//! the template do.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::TemplateStage;
use aws_sdk_dynamodb::types::{PointInTimeRecoverySpecification, TimeToLiveSpecification};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter,
};
use serde_json::Value;

pub(crate) async fn gaps(sdk: &SdkConfig, stack_name: &str) -> Result<()> {
    let s3 = aws_sdk_s3::Client::new(sdk);
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
    for Resource { name, kind, properties } in resources(sdk, stack_name).await? {
        match kind.as_str() {
            "AWS::S3::Bucket" => lifecycle(&s3, &name, &properties).await,
            "AWS::DynamoDB::Table" => table(&dynamodb, &name, &properties).await,
            _ => Ok(()),
        }
        .with_context(|| format!("{name} ({kind}) could not be set up as the template says"))?;
    }
    Ok(())
}

struct Resource {
    /// What the API calls it.
    name: String,
    kind: String,
    /// As in the template; references are not resolved.
    properties: Value,
}

async fn resources(sdk: &SdkConfig, stack_name: &str) -> Result<Vec<Resource>> {
    let cloudformation = aws_sdk_cloudformation::Client::new(sdk);
    let described = cloudformation.describe_stack_resources().stack_name(stack_name).send().await;
    let described = described.map_err(aws_sdk_cloudformation::Error::from)?.stack_resources.unwrap_or_default();
    let mut names: HashMap<String, String> = described
        .into_iter()
        .filter_map(|resource| Some((resource.logical_resource_id?, resource.physical_resource_id?)))
        .collect();

    let get = cloudformation.get_template().stack_name(stack_name).template_stage(TemplateStage::Processed);
    let body = get.send().await.map_err(aws_sdk_cloudformation::Error::from)?.template_body.unwrap_or_default();
    let mut template: Value = serde_json::from_str(&body).context("the processed template is not JSON")?;
    let Some(Value::Object(resources)) = template.get_mut("Resources").map(Value::take) else {
        bail!("the processed template has no resources");
    };
    resources
        .into_iter()
        .filter_map(|(id, mut resource)| {
            let name = names.remove(&id);
            // One whose condition does not hold was not made.
            if name.is_none() && resource.get("Condition").is_some() {
                return None;
            }
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let properties = resource.get_mut("Properties").map(Value::take).unwrap_or_default();
            Some(name.map(|name| Resource { name, kind, properties }).with_context(|| format!("{id} has no name")))
        })
        .collect()
}

async fn lifecycle(s3: &aws_sdk_s3::Client, bucket: &str, properties: &Value) -> Result<()> {
    let Some(rules) = properties.pointer("/LifecycleConfiguration/Rules").and_then(Value::as_array) else {
        return Ok(());
    };
    let rules = rules.iter().map(lifecycle_rule).collect::<Result<_>>()?;
    let lifecycle = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()?;
    let put = s3.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(lifecycle);
    put.send().await.map_err(aws_sdk_s3::Error::from)?;
    Ok(())
}

fn lifecycle_rule(rule: &Value) -> Result<LifecycleRule> {
    let known = ["Id", "Status", "AbortIncompleteMultipartUpload", "ExpirationInDays"];
    let all_known = rule.as_object().is_some_and(|rule| rule.keys().all(|key| known.contains(&key.as_str())));
    ensure!(all_known, "the lifecycle rule {rule} has parts that `fill` cannot set; it knows {}", known.join(", "));
    let days = |path: &str| rule.pointer(path).and_then(Value::as_i64).map(i32::try_from).transpose();
    let abort = days("/AbortIncompleteMultipartUpload/DaysAfterInitiation")?
        .map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build());
    let expire = days("/ExpirationInDays")?.map(|days| LifecycleExpiration::builder().days(days).build());
    ensure!(abort.is_some() || expire.is_some(), "the lifecycle rule {rule} has no days");
    let rule = LifecycleRule::builder()
        .set_id(rule.get("Id").and_then(Value::as_str).map(str::to_owned))
        .status(ExpirationStatus::from(rule.get("Status").and_then(Value::as_str).unwrap_or_default()))
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .set_abort_incomplete_multipart_upload(abort)
        .set_expiration(expire);
    Ok(rule.build()?)
}

async fn table(dynamodb: &aws_sdk_dynamodb::Client, table: &str, properties: &Value) -> Result<()> {
    let recovery = properties.pointer("/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled");
    if let Some(enabled) = recovery.and_then(Value::as_bool) {
        let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(enabled).build()?;
        let update =
            dynamodb.update_continuous_backups().table_name(table).point_in_time_recovery_specification(recovery);
        update.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
    }
    if let Some(specification) = properties.get("TimeToLiveSpecification") {
        let attribute = specification.get("AttributeName").and_then(Value::as_str);
        let enabled = specification.get("Enabled").and_then(Value::as_bool);
        let time_to_live = TimeToLiveSpecification::builder()
            .set_attribute_name(attribute.map(str::to_owned))
            .set_enabled(enabled)
            .build()
            .with_context(|| format!("the time to live {specification} is not complete"))?;
        let update = dynamodb.update_time_to_live().table_name(table).time_to_live_specification(time_to_live);
        update.send().await.map_err(aws_sdk_dynamodb::Error::from)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lifecycle_rule_of_an_unknown_kind_is_refused() {
        let unknown = json!({ "Id": "move", "Status": "Enabled", "TransitionInDays": 30 });
        assert!(lifecycle_rule(&unknown).unwrap_err().to_string().contains("cannot set"));
        let nothing = json!({ "Id": "nothing", "Status": "Enabled" });
        assert!(lifecycle_rule(&nothing).unwrap_err().to_string().contains("has no days"));

        let both = json!({ "Status": "Enabled", "ExpirationInDays": 90, "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 } });
        let rule = lifecycle_rule(&both).unwrap();
        assert_eq!(rule.expiration().and_then(LifecycleExpiration::days), Some(90));
        let abort = rule.abort_incomplete_multipart_upload().unwrap();
        assert_eq!(abort.days_after_initiation(), Some(7));
    }
}
