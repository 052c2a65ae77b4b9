//! The Lambda function: boot, configuration, wiring, run.

use coffeeshop_aws::photos::AwsPhotoStore;
use coffeeshop_aws::source_queue::SqsSource;
use coffeeshop_aws::{SystemClock, metrics, sdk, tracing_json};
use coffeeshop_thumbnailer::batch::{self, Deps};
use coffeeshop_thumbnailer::config::Config;
use coffeeshop_thumbnailer::pool::Pool;
use coffeeshop_thumbnailer::report;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_json::install();
    let collector = metrics::install("thumbnailer")?;
    report::describe();
    let config = Config::from_env()?;
    let sdk = sdk::load().await;
    let store = AwsPhotoStore::new(sdk::s3(&sdk), aws_sdk_dynamodb::Client::new(&sdk), config.store.clone());
    let queue = SqsSource::new(aws_sdk_sqs::Client::new(&sdk), config.uploads_queue_url, config.uploads_dlq_url);
    let renderer = Pool::new(config.renditions);
    let deps = Deps {
        store: &store,
        queue: &queue,
        clock: &SystemClock,
        renderer: &renderer,
        originals_bucket: config.store.originals_bucket,
        visibility_timeout: config.uploads_visibility_timeout,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        let response = batch::handle(&deps, event.payload, event.context.deadline).await;
        metrics::flush(collector);
        response
    }))
    .await
}
