//! The gaps `sns_batches` and, for SNS, `batch_actions`: how long a batch may be, and who may publish one.

use std::time::Duration;

use aws_sdk_cloudformation::client::Waiters as _;
use aws_sdk_cloudformation::types::Capability;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchOutput};
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use serde_json::json;

use crate::role::as_role;
use crate::stack;

const BATCH_BYTES_MAX: usize = 262_144;

async fn create_topic(sns: &Client, name: &str) -> String {
    sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap()
}

/// Two messages with the attribute `cause`.
async fn publish(
    sns: &Client,
    topic_arn: &str,
    first: &str,
    second: &str,
) -> Result<PublishBatchOutput, SdkError<PublishBatchError, HttpResponse>> {
    let entry = |id: &str, message: &str| {
        let cause = MessageAttributeValue::builder().data_type("String").string_value("photo").build().unwrap();
        let entry = PublishBatchRequestEntry::builder().id(id).message(message);
        entry.message_attributes("cause", cause).build().unwrap()
    };
    let publish = sns.publish_batch().topic_arn(topic_arn);
    let publish = publish.publish_batch_request_entries(entry("first", first));
    publish.publish_batch_request_entries(entry("second", second)).send().await
}

/// A role that may publish to this topic, and nothing else.
async fn create_publisher(cloudformation: &aws_sdk_cloudformation::Client, topic_arn: &str) -> String {
    let template = json!({
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }]},
            "Policies": [{"PolicyName": "publish", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Action": "sns:Publish",
                "Resource": topic_arn,
            }]}}],
        }}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    });
    let create = cloudformation.create_stack().stack_name("publisher").template_body(template.to_string());
    create.capabilities(Capability::CapabilityIam).send().await.unwrap();
    let wait = cloudformation.wait_until_stack_create_complete().stack_name("publisher");
    let created = wait.wait(Duration::from_mins(1)).await.unwrap().into_result().unwrap();
    created.stacks()[0].outputs()[0].output_value().unwrap().to_owned()
}

#[tokio::test]
async fn a_batch_that_is_too_long_as_a_whole_is_refused() {
    let sns = Client::new(&stack().await.sdk_config());
    let topic = create_topic(&sns, "batch-bytes").await;
    let attribute_bytes = "cause".len() + "String".len() + "photo".len();
    let half = "x".repeat(BATCH_BYTES_MAX / 2 - attribute_bytes);

    assert_eq!(publish(&sns, &topic, &half, &half).await.unwrap().successful().len(), 2);
    let refused = publish(&sns, &topic, &half, &format!("{half}x")).await.unwrap_err();
    assert!(refused.into_service_error().is_batch_request_too_long_exception());
}

#[tokio::test]
async fn whoever_may_publish_may_publish_a_batch() {
    let mut stack = stack().await;
    let root = Client::new(&stack.sdk_config());
    let (topic, other) = (create_topic(&root, "batch-role").await, create_topic(&root, "batch-role-other").await);
    let arn = create_publisher(&aws_sdk_cloudformation::Client::new(&stack.sdk_config()), &topic).await;
    stack.outputs.insert("PublisherRoleArn".to_owned(), arn);

    let sns = Client::new(&as_role(&stack, "PublisherRoleArn").await);

    assert_eq!(publish(&sns, &topic, "1", "2").await.unwrap().successful().len(), 2);
    assert_eq!(publish(&sns, &other, "1", "2").await.unwrap_err().code(), Some("AuthorizationError"));
}
