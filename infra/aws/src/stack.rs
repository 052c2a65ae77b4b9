//! A deployed stack as a person's command finds it: on AWS or on this machine, its outputs, and the stores over it.
//!
//! What went wrong is said in one sentence, with what to do about it. Nothing here deploys anything, and no function
//! uses it.

mod describe;
mod places;
mod trouble;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use coffeeshop_core::place::Place;
use coffeeshop_core::score::Score;
use serde::{Deserialize, Serialize};

pub use self::trouble::{StackError, Trouble, advice};
use crate::functions::LambdaFunctions;
use crate::leaderboard::AwsLeaderboard;
use crate::objects::S3Objects;
use crate::photos::{AwsPhotoStore, PhotoStoreNames};
use crate::queues::SqsQueues;
use crate::scan::TableScan;
use crate::scores::{AwsScoreStore, ScoreStoreNames};
use crate::sdk;
use crate::shop_records::AwsShopRecords;
use crate::streams::DynamoDbStreams;

/// How long a call to an emulator may take, so that nobody waits for one that hangs.
const LOCAL_CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How to reach a stack on this machine, and the template's outputs.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct StackInfo {
    /// Where the emulator answers.
    pub endpoint: String,
    /// The region that it plays.
    pub region: String,
    /// Of the account's root, which may do everything.
    pub access_key_id: String,
    /// The same root's.
    pub secret_access_key: String,
    /// What the stack is called.
    pub stack_name: String,
    /// The template's outputs.
    pub outputs: BTreeMap<String, String>,
    /// The emulator's process.
    pub pid: u32,
}

impl StackInfo {
    /// For the clients of the AWS SDK. Clients keep connections, which belong to one tokio runtime: a test makes its own.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials =
            Credentials::new(&self.access_key_id, &self.secret_access_key, None, None, "coffeeshop-local");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // Without TLS, because the emulator has none.
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// An output of the template.
    pub fn output(&self, name: &str) -> Result<&str, StackError> {
        output(&self.outputs, name)
    }
}

fn output<'a>(outputs: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, StackError> {
    outputs.get(name).map(String::as_str).ok_or_else(|| StackError::NoOutput { name: name.to_owned() })
}

/// How often a call of a stack is tried when it is throttled, or does not get through: about 15 seconds.
const ATTEMPTS_MAX: u32 = 6;

/// The outputs of a stack, by CloudFormation's `DescribeStacks`.
pub async fn outputs(sdk: &SdkConfig, name: &str) -> Result<BTreeMap<String, String>, StackError> {
    let region = sdk.region().ok_or(Trouble::NoRegion)?;
    let client = aws_sdk_cloudformation::Client::new(sdk);
    let no_stack = || StackError::NoStack { name: name.to_owned(), region: region.to_string() };
    let described = client.describe_stacks().stack_name(name).send().await;
    let described = described.map_err(|error| not_there_or_described(name, region, error))?;
    let stack = described.stacks.unwrap_or_default().into_iter().next().ok_or_else(no_stack)?;
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}

/// What became of a call to CloudFormation about the stack.
fn not_there_or_described(
    name: &str,
    region: &Region,
    error: impl ProvideErrorMetadata + Error + Send + Sync + 'static,
) -> StackError {
    // There is no code of its own for it.
    let message = error.message().unwrap_or_default();
    if error.code() == Some("ValidationError") && message.ends_with("does not exist") {
        return StackError::NoStack { name: name.to_owned(), region: region.to_string() };
    }
    not_described(name, error)
}

/// What became of a call about the stack.
fn not_described(name: &str, error: impl Error + Send + Sync + 'static) -> StackError {
    match Trouble::of(&error) {
        Some(trouble) => StackError::Trouble { trouble, cause: Some(error.into()) },
        None => StackError::Other { name: name.to_owned(), cause: error.into() },
    }
}

/// A stack, and what is needed to use it.
#[derive(Debug, Clone)]
pub struct Stack {
    sdk: SdkConfig,
    name: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// The stack of this name, with region, credentials and endpoint of the standard environment.
    pub async fn deployed(name: &str) -> Result<Self, StackError> {
        let sdk = sdk::load().await;
        let outputs = outputs(&sdk, name).await?;
        // From here on a person would rather wait than begin again.
        let patient = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX);
        Ok(Self { sdk: sdk.to_builder().retry_config(patient).build(), name: name.to_owned(), outputs })
    }

    /// The stack on this machine that a file describes, such as `target/local/stack.json`. It is not called yet.
    pub fn local(file: &Path) -> Result<Self, StackError> {
        let not_readable =
            |cause: Box<dyn Error + Send + Sync>| StackError::NotReadable { file: file.to_owned(), cause };
        let text = fs::read_to_string(file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StackError::NotRunning,
            _ => not_readable(error.into()),
        })?;
        Ok(Self::of(&serde_json::from_str(&text).map_err(|error| not_readable(error.into()))?))
    }

    /// The stack on this machine that is described so.
    pub fn of(info: &StackInfo) -> Self {
        let sdk = sdk::within(&info.sdk_config(), LOCAL_CALL_TIMEOUT);
        Self { sdk, name: info.stack_name.clone(), outputs: info.outputs.clone() }
    }

    /// An output of the template.
    pub fn output(&self, name: &str) -> Result<&str, StackError> {
        output(&self.outputs, name)
    }

    /// All that there is of each shop, and the scores.
    pub fn shop_records(&self) -> Result<AwsShopRecords, StackError> {
        let names = ScoreStoreNames {
            contributions_table: self.output("ContributionsTable")?.to_owned(),
            scores_table: self.output("ScoresTable")?.to_owned(),
            shops_table: self.output("ShopsTable")?.to_owned(),
        };
        let scores = AwsScoreStore::new(self.dynamodb(), names);
        Ok(AwsShopRecords::new(scores, self.output("RatingsTable")?.to_owned()))
    }

    /// All scores.
    pub fn scores(&self) -> Result<TableScan<Score>, StackError> {
        Ok(TableScan::scores(self.dynamodb(), self.output("ScoresTable")?.to_owned()))
    }

    /// The photos.
    pub fn photos(&self) -> Result<AwsPhotoStore, StackError> {
        let names = PhotoStoreNames {
            originals_bucket: self.output("OriginalsBucket")?.to_owned(),
            renditions_bucket: self.output("RenditionsBucket")?.to_owned(),
            photos_table: self.output("PhotosTable")?.to_owned(),
        };
        Ok(AwsPhotoStore::new(sdk::s3(&self.sdk), self.dynamodb(), names))
    }

    /// The leaderboards.
    pub fn leaderboard(&self) -> Result<AwsLeaderboard, StackError> {
        Ok(AwsLeaderboard::new(self.dynamodb(), self.output("ScoresTable")?.to_owned()))
    }

    /// Its queues, and whichever else the credentials may use.
    pub fn queues(&self) -> SqsQueues {
        SqsQueues::new(aws_sdk_sqs::Client::new(&self.sdk))
    }

    /// Its functions, and whichever else the credentials may invoke.
    pub fn functions(&self) -> LambdaFunctions {
        LambdaFunctions::new(aws_sdk_lambda::Client::new(&self.sdk))
    }

    /// The streams of its tables, and whichever else the credentials may read.
    pub fn streams(&self) -> DynamoDbStreams {
        DynamoDbStreams::new(aws_sdk_dynamodbstreams::Client::new(&self.sdk))
    }

    /// Where failures rest, by name: each queue that the stack's queues and subscriptions put into what they give up, the
    /// quarantine, and what the functions that read streams have in the bucket for failures.
    pub async fn places(&self) -> Result<Vec<Place>, StackError> {
        let region = self.sdk.region().ok_or(Trouble::NoRegion)?;
        let (bucket, known) = (places::bucket(&self.outputs), places::prefixes(&self.outputs));
        let described = describe::stack(&self.sdk, &self.name, region, bucket, &known).await?;
        Ok(places::places(&described, &self.name, &self.outputs))
    }

    /// Any bucket, for what an operator keeps.
    pub fn objects(&self) -> S3Objects {
        S3Objects::new(sdk::s3(&sdk::for_large_bodies(&self.sdk)))
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }
}
