//! Variables that a function cannot start without.
//!
//! Which there are, and reading them from the environment, is each function's own business.

/// A variable that is not there, or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct Missing(pub &'static str);

/// The value of `name`, which must not be empty.
pub fn required(lookup: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, Missing> {
    lookup(name).filter(|value| !value.is_empty()).ok_or(Missing(name))
}
