//! The Lambda function: boot, configuration, wiring, run.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use coffeeshop_aws::boards::AwsBoardStore;
use coffeeshop_aws::leaderboard::AwsLeaderboard;
use coffeeshop_aws::scan::TableScan;
use coffeeshop_aws::uploads::S3Uploads;
use coffeeshop_aws::{SystemClock, metrics, sdk, tracing_json};
use coffeeshop_snapshotter::config::Config;
use coffeeshop_snapshotter::job::{self, Deps, Request};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_json::install();
    let config = Config::from_env()?;
    let collector = metrics::install(config.function_name)?;
    let Config { scores_table, photos_table, boards_table, shops_table, analytics_bucket, .. } = config;
    let sdk = sdk::load().await;
    // A whole table is read as fast as it answers, so it says now and then that it is too much: the lease bounds the patience.
    let patient = RetryConfig::standard().with_max_attempts(10);
    let dynamodb = Client::from_conf(aws_sdk_dynamodb::config::Builder::from(&sdk).retry_config(patient).build());
    let uploads = S3Uploads::new(sdk::s3(&sdk), analytics_bucket);
    let boards = AwsBoardStore::new(dynamodb.clone(), boards_table, shops_table);
    let leaderboard = AwsLeaderboard::new(dynamodb.clone(), scores_table.clone());
    let scores = TableScan::scores(dynamodb.clone(), scores_table);
    let photos = TableScan::outcomes(dynamodb, photos_table);
    let deps = Deps {
        boards: &boards,
        leaderboard: &leaderboard,
        scores: &scores,
        photos: &photos,
        uploads: &uploads,
        clock: &SystemClock,
    };
    run(service_fn(async |event: LambdaEvent<Request>| {
        let ended = job::handle(&deps, event.payload, &event.context).await;
        metrics::flush(collector);
        ended
    }))
    .await
}
