//! The SDK's configuration: from the standard environment, with this project's HTTP client and time limits.
//!
//! Nothing here knows whether it talks to AWS or to an emulator: `AWS_ENDPOINT_URL` is the SDK's own switch.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::headers::OnlyText;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one attempt may take to its first byte of answer. A body that stalls later is ended by the SDK itself.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP over rustls with ring, which needs neither cmake nor AWS-LC's seconds of start-up.
pub fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// A loader with this project's HTTP client and time limits, for who needs to add to it.
pub fn loader() -> ConfigLoader {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).timeout_config(timeouts)
}

/// A client for S3 that can read every object, whatever headers it was uploaded with.
pub fn s3(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk).interceptor(OnlyText).build())
}

/// The configuration of a function: region, credentials and endpoint from its environment.
pub async fn load() -> SdkConfig {
    loader().load().await
}

/// The same configuration, in which a call takes as long as its body: the SDK itself ends one that does not get on.
pub fn for_large_bodies(sdk: &SdkConfig) -> SdkConfig {
    sdk.to_builder().timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build()).build()
}

/// The same configuration, in which each call ends within `limit`, all its attempts together.
pub fn within(sdk: &SdkConfig, limit: Duration) -> SdkConfig {
    let timeouts = sdk.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    sdk.to_builder().timeout_config(timeouts.operation_timeout(limit).build()).build()
}
