//! The Lambda function: boot, configuration, wiring, run.

use coffeeshop_aggregator::batch::{self, Deps};
use coffeeshop_aggregator::config::Config;
use coffeeshop_aws::quarantine::SqsQuarantine;
use coffeeshop_aws::scores::AwsScoreStore;
use coffeeshop_aws::{SystemClock, metrics, sdk, tracing_json};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_json::install();
    let collector = metrics::install("aggregator")?;
    let config = Config::from_env()?;
    let sdk = sdk::within(&sdk::load().await, batch::CALL_MAX);
    let store = AwsScoreStore::new(aws_sdk_dynamodb::Client::new(&sdk), config.store);
    let quarantine = SqsQuarantine::new(aws_sdk_sqs::Client::new(&sdk), config.quarantine_queue_url);
    let deps = Deps { store: &store, quarantine: &quarantine, clock: &SystemClock };
    run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let response = batch::handle(&deps, &event.payload, &event.context).await;
        metrics::flush(collector);
        response
    }))
    .await
}
