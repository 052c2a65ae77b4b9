//! Queues over AWS keep the same contract as the world in memory; the gap `batch_traces` among it.

use aws_sdk_sqs::Client;
use coffeeshop_aws::SystemClock;
use coffeeshop_aws::queues::SqsQueues;
use coffeeshop_core::ports::QueueUrl;
use coffeeshop_core::testing::queues_contract;

use crate::stack;

/// Two queues of one test alone, which no function reads.
async fn queues(name: &str) -> (SqsQueues, QueueUrl, QueueUrl) {
    let sqs = Client::new(&stack().await.sdk_config());
    let create =
        async |name: String| QueueUrl(sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap());
    let (a, b) = (create(format!("contract-queues-{name}-a")).await, create(format!("contract-queues-{name}-b")).await);
    (SqsQueues::new(sqs), a, b)
}

#[tokio::test]
async fn contents() {
    let (queues, a, b) = queues("contents").await;
    queues_contract::contents(&queues, &SystemClock, &a, &b).await;
}

#[tokio::test]
async fn receipts() {
    let (queues, a, _) = queues("receipts").await;
    queues_contract::receipts(&queues, &a).await;
}

#[tokio::test]
async fn many() {
    let (queues, a, _) = queues("many").await;
    queues_contract::many(&queues, &a).await;
}

#[tokio::test]
async fn refused() {
    let (queues, a, _) = queues("refused").await;
    queues_contract::refused(&queues, &a).await;
}

#[tokio::test]
async fn gone() {
    let (queues, a, _) = queues("gone").await;
    queues_contract::gone(&queues, &QueueUrl(format!("{}-never-made", a.0))).await;
}
