//! What this program takes from the environment of whoever runs it; the SDK reads its own.

#![expect(clippy::disallowed_methods, reason = "this is the `config.rs` that the rule names")]

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The command that edits a file, as a shell takes it.
pub fn editor() -> String {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    named.unwrap_or_else(|| "vi".to_owned())
}

/// Where journals are kept, and archives of what is deleted: what a person would miss. `None`: nobody has a home here.
pub fn journals() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir().unwrap_or_else(|| base.data_dir()).join("coffeeshop"))
}
