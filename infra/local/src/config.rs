//! What this crate takes from the environment of whoever runs it; nothing else here reads it.
//!
//! The emulator inherits none of it: `emulator` gives it an environment of its own.

#![expect(clippy::disallowed_methods, reason = "this is the `config.rs` that the rule names")]

use std::env;
use std::ffi::OsString;

/// The cargo that runs us, or whichever is on the path.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where programs are looked for.
pub(crate) fn search_path() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

/// What `cargo run` and `cargo test` say of the package that they run. A cargo started from there must not inherit it:
/// build scripts would find it changed, and be run again.
pub(crate) fn cargo_package_variables() -> Vec<OsString> {
    let of_a_package =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_", "CARGO_TARGET_TMPDIR"];
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_str().is_some_and(|name| of_a_package.iter().any(|start| name.starts_with(start))))
        .collect()
}
