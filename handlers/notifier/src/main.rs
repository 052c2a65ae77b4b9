//! The Lambda function: boot, configuration, wiring, run.

use aws_lambda_events::sqs::SqsEvent;
use coffeeshop_aws::delivery_queue::SqsDeliveries;
use coffeeshop_aws::notifications::AwsNotificationStore;
use coffeeshop_aws::source_queue::SqsSource;
use coffeeshop_aws::{SystemClock, metrics, sdk, tracing_json};
use coffeeshop_notifier::batch::{self, Deps};
use coffeeshop_notifier::config::Config;
use coffeeshop_notifier::webhook::client::HttpPost;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_json::install();
    let collector = metrics::install("notifier")?;
    let Config { store, notifications, deliveries, delivery_attempts, webhook_allow } = Config::from_env()?;
    let sdk = sdk::within(&sdk::load().await, batch::CALL_MAX);
    let sqs = aws_sdk_sqs::Client::new(&sdk);
    let deps = Deps {
        store: &AwsNotificationStore::new(aws_sdk_dynamodb::Client::new(&sdk), store),
        notifications: &SqsSource::new(sqs.clone(), notifications.url, notifications.dlq_url),
        notifications_arn: notifications.arn,
        deliveries: &SqsSource::new(sqs.clone(), deliveries.url.clone(), deliveries.dlq_url),
        deliveries_arn: deliveries.arn,
        outbox: &SqsDeliveries::new(sqs, deliveries.url),
        webhooks: &HttpPost::default(),
        allow: webhook_allow,
        delivery_attempts,
        clock: &SystemClock,
    };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let response = batch::handle(&deps, event.payload, &event.context).await;
        metrics::flush(collector);
        response
    }))
    .await
}
