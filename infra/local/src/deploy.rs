//! The template on the emulator, as `aws cloudformation package` and `deploy` would have it on AWS.
//!
//! The template's text is changed in one place a function, its `CodeUri`; the template is never made easier here.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::{Capability, Parameter, Stack, StackStatus};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use crate::Options;
use crate::package::{self, Zip};

const POLL: Duration = Duration::from_millis(50);
const POLLS_MAX: usize = 1200;

/// Uploads the functions, creates the stack, and returns its outputs.
pub(crate) async fn stack(sdk: &SdkConfig, options: &Options, zips: &[Zip]) -> Result<BTreeMap<String, String>> {
    let path = options.root.join("infra/template.yaml");
    let template = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let url = upload(sdk, options, zips, template).await?;

    let cloudformation = aws_sdk_cloudformation::Client::new(sdk);
    let schedules = if options.schedules { "ENABLED" } else { "DISABLED" };
    let parameters = options.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let parameters = parameters
        .chain([("SnapshotterSchedules", schedules)])
        .map(|(name, value)| Parameter::builder().parameter_key(name).parameter_value(value).build());
    cloudformation
        .create_stack()
        .stack_name(&options.stack_name)
        .template_url(url)
        .set_parameters(Some(parameters.collect()))
        .capabilities(Capability::CapabilityIam)
        .capabilities(Capability::CapabilityNamedIam)
        .capabilities(Capability::CapabilityAutoExpand)
        .send()
        .await
        .map_err(aws_sdk_cloudformation::Error::from)
        .context("CloudFormation refused the template")?;
    let stack = created(&cloudformation, &options.stack_name).await?;
    let outputs = stack.outputs.unwrap_or_default();
    Ok(outputs.into_iter().filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}

/// Puts the functions where CloudFormation finds them, and says so in the template; then the template beside them,
/// because it is larger than what a request may hold. Returns its URL.
async fn upload(sdk: &SdkConfig, options: &Options, zips: &[Zip], mut template: String) -> Result<String> {
    let s3 = aws_sdk_s3::Client::new(sdk);
    let bucket = options.code_bucket();
    let region = sdk.region().map_or("", |region| region.as_ref());
    let place =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build();
    s3.create_bucket()
        .bucket(&bucket)
        .create_bucket_configuration(place)
        .send()
        .await
        .map_err(aws_sdk_s3::Error::from)
        .with_context(|| format!("bucket {bucket} could not be made"))?;
    let put = async |key: &str, content: Vec<u8>| {
        let put = s3.put_object().bucket(&bucket).key(key).body(ByteStream::from(content)).send().await;
        put.map_err(aws_sdk_s3::Error::from).with_context(|| format!("{key} could not be uploaded"))
    };
    for Zip { name, content } in zips {
        let local = format!("CodeUri: ../target/lambda/{name}.zip\n");
        let times = template.matches(&local).count();
        ensure!(times == 1, "infra/template.yaml must name `{}` once, and does {times} times", local.trim());
        let mut key = format!("{name}.zip");
        put(&key, content.clone()).await?;
        if options.broken.as_deref() == Some(*name) {
            key = format!("{name}-broken.zip");
            put(&key, package::always_failing()?).await?;
        }
        template = template.replace(&local, &format!("CodeUri: s3://{bucket}/{key}\n"));
    }
    put("template.yaml", template.into_bytes()).await?;
    Ok(format!("{}/{bucket}/template.yaml", sdk.endpoint_url().unwrap_or_default()))
}

/// Waits until the stack is there.
async fn created(cloudformation: &aws_sdk_cloudformation::Client, name: &str) -> Result<Stack> {
    for _ in 0..POLLS_MAX {
        let described = cloudformation.describe_stacks().stack_name(name).send().await;
        let described = described.map_err(aws_sdk_cloudformation::Error::from)?;
        let stack = described.stacks.unwrap_or_default().pop().context("CloudFormation has lost the stack")?;
        match &stack.stack_status {
            Some(StackStatus::CreateComplete) => return Ok(stack),
            // A rollback first takes everything down again; the reason is known before.
            Some(StackStatus::CreateInProgress | StackStatus::RollbackInProgress) => tokio::time::sleep(POLL).await,
            _ => bail!("the stack was not created: {}", failures(cloudformation, name).await?),
        }
    }
    bail!("the stack was not created within a minute")
}

async fn failures(cloudformation: &aws_sdk_cloudformation::Client, name: &str) -> Result<String> {
    let described = cloudformation.describe_stack_events().stack_name(name).send().await;
    let events = described.map_err(aws_sdk_cloudformation::Error::from)?.stack_events.unwrap_or_default();
    let reasons: Vec<String> = events
        .iter()
        .filter(|event| event.resource_status().is_some_and(|status| status.as_str().ends_with("_FAILED")))
        .map(|event| {
            let resource = event.logical_resource_id().unwrap_or("?");
            format!("{resource}: {}", event.resource_status_reason().unwrap_or("no reason given"))
        })
        .collect();
    Ok(reasons.join("; "))
}
