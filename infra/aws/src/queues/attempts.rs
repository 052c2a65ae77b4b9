//! Whether attempts of a call that were followed by others may have had their effect.
//!
//! The SDK tries a call again and tells of the last attempt alone: a refusal by that one does not mean that the one
//! before, whose answer was lost, did nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_sqs::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;

use super::answer::is_refusal;

/// The attempts of one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    unsure: Arc<AtomicBool>,
}

impl Attempts {
    /// Whether every attempt that has failed was refused.
    pub(super) fn left_nothing(&self) -> bool {
        !self.unsure.load(Ordering::Relaxed)
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = context.output_or_error().is_none_or(|result| result.is_err());
        if failed && !context.response().is_some_and(is_refusal) {
            self.unsure.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
