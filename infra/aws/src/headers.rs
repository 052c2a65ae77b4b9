//! Headers that are not text are left out of S3's answers, instead of making the object unreadable.
//!
//! HTTP headers are bytes. The SDK gives up on an object, or even panics, when one that it reads is not UTF-8; and whoever
//! uploads can set some of them without a signature. A photo could so be kept from ever getting an outcome.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// Removes headers that are not UTF-8 from an answer before the SDK reads it.
///
/// It belongs to the client, so that it comes before the SDK's own interceptors of an operation, which read some.
#[derive(Debug)]
pub(crate) struct OnlyText;

impl Intercept for OnlyText {
    fn name(&self) -> &'static str {
        "OnlyText"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response_mut().headers_mut();
        let not_text: Vec<String> = headers
            .iter_bytes()
            .filter(|(_, value)| std::str::from_utf8(value).is_err())
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in not_text {
            headers.remove(name);
        }
        Ok(())
    }
}
