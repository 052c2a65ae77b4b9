//! A deployed stack as a person's command finds it: on AWS or on this machine, its outputs, and the stores over it.
//!
//! What went wrong is said in one sentence, with what to do about it. Nothing here deploys anything, and no function
//! uses it.

mod describe;
mod places;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::iter::successors;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::{Credentials, provider::error::CredentialsError};
use aws_sdk_cloudformation::error::{ConnectorError, ErrorMetadata, ProvideErrorMetadata};
use coffeeshop_core::place::Place;
use serde::{Deserialize, Serialize};

use crate::functions::LambdaFunctions;
use crate::leaderboard::AwsLeaderboard;
use crate::objects::S3Objects;
use crate::photos::{AwsPhotoStore, PhotoStoreNames};
use crate::queues::SqsQueues;
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

/// Why a stack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// There is none of that name.
    #[error("there is no stack `{name}` in {region}: check the name, and AWS_REGION")]
    NoStack {
        /// The name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// There is no file that describes a stack on this machine.
    #[error("no local stack is running: start one with `cargo xtask local`")]
    NotRunning,
    /// The file that describes a stack on this machine is of no use.
    #[error("{} cannot be read: end the local stack with `cargo xtask local stop`, and start it again", file.display())]
    NotReadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// It was deployed without one of the outputs.
    #[error("the stack has no output `{name}`: deploy this version of infra/template.yaml")]
    NoOutput {
        /// The output's name.
        name: String,
    },
    /// A call met what a person can do something about.
    #[error("{trouble}")]
    Trouble {
        /// What it met.
        trouble: Trouble,
        /// The call's error; `None`: nothing was called.
        #[source]
        cause: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Anything else.
    #[error("the stack `{name}` cannot be described")]
    Other {
        /// The name.
        name: String,
        /// The call's error.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
}

/// What stands between a person and AWS, as far as they can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There are no credentials.
    #[error(
        "no AWS credentials were found: set AWS_PROFILE to a profile that has some, or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// There is a source of credentials, and none come out of it.
    #[error(
        "the AWS credentials cannot be loaded: check the profile, sign in again, or take them from \
         `aws configure export-credentials --format env`"
    )]
    CredentialsNotLoaded,
    /// They were good once.
    #[error("the AWS credentials have expired: sign in again")]
    Expired,
    /// AWS does not know them.
    #[error("AWS does not accept these credentials: check the profile or the keys, and this machine's clock")]
    NotAccepted,
    /// They are good, but not for this.
    #[error("these AWS credentials may not do that: use others (AWS_PROFILE), or have their role allowed to")]
    Denied,
    /// Nobody said where.
    #[error("no AWS region is configured: set AWS_REGION, or a region in the profile")]
    NoRegion,
    /// The network, a wrong endpoint, or an emulator that is gone.
    #[error(
        "nobody answers at the endpoint: check the network, AWS_REGION and AWS_ENDPOINT_URL, or start the local stack"
    )]
    NoAnswer,
}

/// One sentence for a person, about an error with an AWS call among its causes; `None` when nothing is known to help.
pub fn advice(error: &(dyn Error + 'static)) -> Option<String> {
    Trouble::of(error).map(|trouble| trouble.to_string())
}

impl Trouble {
    /// What the error, or the first of its causes that says so, comes from.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        successors(Some(error), |error| (*error).source()).find_map(Self::of_one)
    }

    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(credentials) = error.downcast_ref::<CredentialsError>() {
            return Some(match credentials {
                CredentialsError::CredentialsNotLoaded(_) => Self::NoCredentials,
                _ => Self::CredentialsNotLoaded,
            });
        }
        if let Some(service) = error.downcast_ref::<ErrorMetadata>() {
            return Self::of_code(service.code()?);
        }
        if let Some(connector) = error.downcast_ref::<ConnectorError>() {
            return (connector.is_io() || connector.is_timeout()).then_some(Self::NoAnswer);
        }
        // The SDK's types of these two are its own secret, or generic over the call.
        match error.to_string() {
            text if text == "request has timed out" => Some(Self::NoAnswer),
            text if text.contains("Missing Region") => Some(Self::NoRegion),
            _ => None,
        }
    }

    /// Of the codes of <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>, and of DynamoDB's,
    /// CloudFormation's and SNS's for the same.
    fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Self::Expired,
            "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Self::NotAccepted,
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "NotAuthorized"
            | "OptInRequired"
            | "UnauthorizedOperation" => Self::Denied,
            _ => return None,
        })
    }
}

impl From<Trouble> for StackError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble { trouble, cause: None }
    }
}

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
        let described = describe::stack(&self.sdk, &self.name, region, places::bucket(&self.outputs)).await?;
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
