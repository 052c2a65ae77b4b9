//! Why a stack cannot be used, and what a person can do about it.
//!
//! Nothing is called here: an error is looked through for what is known to help.

use std::error::Error;
use std::iter::successors;
use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::error::{ConnectorError, ErrorMetadata};

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
