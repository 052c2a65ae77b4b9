//! The Lambda function: boot, configuration, wiring, run.

use coffeeshop_aws::topic::SnsTopic;
use coffeeshop_aws::{SystemClock, metrics, sdk, tracing_json};
use coffeeshop_publisher::batch::{self, Deps};
use coffeeshop_publisher::config::Config;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_json::install();
    let collector = metrics::install("publisher")?;
    let config = Config::from_env()?;
    let sdk = sdk::within(&sdk::load().await, batch::CALL_MAX);
    let topic = SnsTopic::new(aws_sdk_sns::Client::new(&sdk), config.events_topic_arn);
    let deps = Deps { tables: &config.tables, topic: &topic, clock: &SystemClock };
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let response = batch::handle(&deps, &event.payload, &event.context).await;
        metrics::flush(collector);
        response
    }))
    .await
}
