//! The queues and subscriptions of a stack, and what its bucket for failures has and deletes, as CloudFormation, SQS, SNS and S3
//! describe them.
//!
//! What follows from their settings is not decided here.

mod expiry;
mod mappings;

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::ResourceStatus;
use aws_sdk_sqs::types::QueueAttributeName;
use coffeeshop_core::ports::QueueUrl;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;

pub(super) use self::expiry::Expiry;
pub(super) use self::mappings::Mapping;
use super::{StackError, not_described, not_there_or_described};

/// How many calls are under way at once.
const CALLS_AT_ONCE: usize = 8;

/// What a stack has.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// The stack's own, and those that they and the subscriptions lead to, as far as they can be read.
    pub(super) queues: Vec<Queue>,
    pub(super) subscriptions: Vec<Subscription>,
    /// What is deleted from the bucket for failures, as far as it can be read.
    pub(super) expiries: Vec<Expiry>,
    /// The mappings that have archives in it and are not there any more, as far as it can be read.
    pub(super) mappings: Vec<Mapping>,
}

#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) url: QueueUrl,
    pub(super) arn: String,
    /// Whether it is one of the stack's own.
    pub(super) own: bool,
    pub(super) fifo: bool,
    pub(super) retention: Duration,
    pub(super) visibility: Duration,
    /// Where it puts what it gives up, and after how many receives.
    pub(super) gives_up: Option<(String, u32)>,
}

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) topic_arn: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// Where it puts what it cannot deliver.
    pub(super) gives_up: Option<String>,
}

/// A description that lacks something.
#[derive(Debug, thiserror::Error)]
#[error("{resource} has no {attribute} that can be understood")]
struct Malformed {
    resource: String,
    attribute: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    /// A number, or one in quotes.
    max_receive_count: Option<Value>,
}

impl RedrivePolicy {
    fn receives_max(&self) -> Option<u32> {
        match self.max_receive_count.as_ref()? {
            Value::String(number) => number.parse().ok(),
            number => number.as_u64()?.try_into().ok(),
        }
    }
}

/// Clients, and for errors which stack it is about.
struct Describing<'a> {
    name: &'a str,
    region: &'a Region,
    cloudformation: aws_sdk_cloudformation::Client,
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
}

/// The queues and subscriptions of this stack, and what its bucket for failures has and deletes, if it has one.
pub(super) async fn stack(
    sdk: &SdkConfig,
    name: &str,
    region: &Region,
    bucket: Option<&str>,
    known_mappings: &[String],
) -> Result<Described, StackError> {
    let cloudformation = aws_sdk_cloudformation::Client::new(sdk);
    let (sns, sqs) = (aws_sdk_sns::Client::new(sdk), aws_sdk_sqs::Client::new(sdk));
    let by = Describing { name, region, cloudformation, sns, sqs };
    let (mut queues, mut subscriptions) = (Vec::new(), Vec::new());
    for (kind, id) in by.resources().await? {
        match kind.as_str() {
            "AWS::SQS::Queue" => queues.push(id),
            "AWS::SNS::Subscription" => subscriptions.push(id),
            _ => (),
        }
    }
    let own = stream::iter(queues).map(|url| by.queue(url, true));
    let subscriptions = stream::iter(subscriptions).map(|arn| by.subscription(arn));
    let mut described = Described {
        queues: own.buffer_unordered(CALLS_AT_ONCE).try_collect().await?,
        subscriptions: subscriptions.buffer_unordered(CALLS_AT_ONCE).try_collect().await?,
        ..Described::default()
    };
    if let Some(bucket) = bucket {
        let s3 = crate::sdk::s3(sdk);
        described.expiries = expiry::of(&s3, bucket).await.map_err(by.failed())?;
        described.mappings = mappings::of(&s3, bucket, known_mappings).await.map_err(by.failed())?;
    }
    by.follow(&mut described).await?;
    Ok(described)
}

impl Describing<'_> {
    fn failed<E: Error + Send + Sync + 'static>(&self) -> impl Fn(E) -> StackError {
        |error| not_described(self.name, error)
    }

    /// The types and the physical ids of all that the stack has.
    async fn resources(&self) -> Result<Vec<(String, String)>, StackError> {
        let list = self.cloudformation.list_stack_resources().stack_name(self.name).into_paginator().items();
        let listed = list.send().collect::<Result<Vec<_>, _>>().await;
        let listed = listed.map_err(|error| not_there_or_described(self.name, self.region, error))?;
        let there =
            listed.into_iter().filter(|resource| resource.resource_status != Some(ResourceStatus::DeleteComplete));
        Ok(there.filter_map(|resource| Some((resource.resource_type?, resource.physical_resource_id?))).collect())
    }

    async fn queue(&self, url: String, own: bool) -> Result<Queue, StackError> {
        // All, because a standard queue does not know what `FifoQueue` is.
        let get = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
        let attributes = get.send().await.map_err(self.failed())?.attributes.unwrap_or_default();
        queue(url, own, &attributes).map_err(self.failed())
    }

    async fn subscription(&self, arn: String) -> Result<Subscription, StackError> {
        let get = self.sns.get_subscription_attributes().subscription_arn(&arn);
        let attributes = get.send().await.map_err(self.failed())?.attributes.unwrap_or_default();
        subscription(&arn, &attributes).map_err(self.failed())
    }

    /// Describes the queues outside the stack that something in it leads to, as far as they can be read.
    async fn follow(&self, described: &mut Described) -> Result<(), StackError> {
        let mut known: BTreeSet<String> = described.queues.iter().map(|queue| queue.arn.clone()).collect();
        loop {
            let endpoints = described.subscriptions.iter().filter(|subscription| subscription.protocol == "sqs");
            let endpoints = endpoints.map(|subscription| &subscription.endpoint);
            let undelivered = described.subscriptions.iter().filter_map(|subscription| subscription.gives_up.as_ref());
            let given_up = described.queues.iter().filter_map(|queue| queue.gives_up.as_ref().map(|(arn, _)| arn));
            let found: BTreeSet<String> = endpoints.chain(undelivered).chain(given_up).cloned().collect();
            let unknown: Vec<String> = found.into_iter().filter(|arn| known.insert(arn.clone())).collect();
            if unknown.is_empty() {
                return Ok(());
            }
            let outside = stream::iter(unknown).map(|arn| self.outside(arn)).buffer_unordered(CALLS_AT_ONCE);
            let outside: Vec<Option<Queue>> = outside.try_collect().await?;
            described.queues.extend(outside.into_iter().flatten());
        }
    }

    /// A queue outside the stack; `None`: it is not there, or not for us to read.
    async fn outside(&self, arn: String) -> Result<Option<Queue>, StackError> {
        let ["arn", _, "sqs", _, account, name] = arn.split(':').collect::<Vec<_>>()[..] else { return Ok(None) };
        let get = self.sqs.get_queue_url().queue_name(name).queue_owner_aws_account_id(account);
        let url = match get.send().await {
            Ok(answer) => answer.queue_url,
            Err(error) if is_out_of_reach(&error) => None,
            Err(error) => return Err(not_described(self.name, error)),
        };
        let Some(url) = url else { return Ok(None) };
        let get = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
        match get.send().await {
            Ok(answer) => {
                let described = queue(url, false, &answer.attributes.unwrap_or_default()).map_err(self.failed())?;
                // One of the same name, in our region.
                Ok((described.arn == arn).then_some(described))
            }
            Err(error) if is_out_of_reach(&error) => Ok(None),
            Err(error) => Err(not_described(self.name, error)),
        }
    }
}

fn is_out_of_reach(error: &impl ProvideErrorMetadata) -> bool {
    const OUT_OF_REACH: [&str; 5] = [
        "AWS.SimpleQueueService.NonExistentQueue",
        "AccessDenied",
        "AccessDeniedException",
        "InvalidAddress",
        "QueueDoesNotExist",
    ];
    error.code().is_some_and(|code| OUT_OF_REACH.contains(&code))
}

fn queue(url: String, own: bool, attributes: &HashMap<QueueAttributeName, String>) -> Result<Queue, Malformed> {
    let malformed = |attribute| Malformed { resource: url.clone(), attribute };
    let seconds = |name, attribute| {
        let seconds = attributes.get(&name).and_then(|seconds| seconds.parse().ok());
        seconds.map(Duration::from_secs).ok_or_else(|| malformed(attribute))
    };
    let arn = attributes.get(&QueueAttributeName::QueueArn).ok_or_else(|| malformed("QueueArn"))?;
    let gives_up = |text: &String| {
        let policy: RedrivePolicy = serde_json::from_str(text).ok()?;
        let receives_max = policy.receives_max()?;
        Some((policy.dead_letter_target_arn, receives_max))
    };
    let policy = attributes.get(&QueueAttributeName::RedrivePolicy).filter(|text| !text.is_empty());
    Ok(Queue {
        arn: arn.clone(),
        own,
        fifo: attributes.get(&QueueAttributeName::FifoQueue).is_some_and(|fifo| fifo == "true"),
        retention: seconds(QueueAttributeName::MessageRetentionPeriod, "MessageRetentionPeriod")?,
        visibility: seconds(QueueAttributeName::VisibilityTimeout, "VisibilityTimeout")?,
        gives_up: policy.map(|text| gives_up(text).ok_or_else(|| malformed("RedrivePolicy"))).transpose()?,
        url: QueueUrl(url),
    })
}

fn subscription(arn: &str, attributes: &HashMap<String, String>) -> Result<Subscription, Malformed> {
    let malformed = |attribute| Malformed { resource: arn.to_owned(), attribute };
    let text = |name| attributes.get(name).cloned().ok_or_else(|| malformed(name));
    let policy = attributes.get("RedrivePolicy").filter(|text| !text.is_empty());
    let gives_up = |text| serde_json::from_str::<RedrivePolicy>(text).map_err(|_| malformed("RedrivePolicy"));
    Ok(Subscription {
        topic_arn: text("TopicArn")?,
        protocol: text("Protocol")?,
        endpoint: text("Endpoint")?,
        gives_up: policy.map(|text| gives_up(text)).transpose()?.map(|policy| policy.dead_letter_target_arn),
    })
}
