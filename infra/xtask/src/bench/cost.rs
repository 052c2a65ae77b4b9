//! `cargo xtask bench cost`: what a million photos and a million ratings cost on AWS.
//!
//! Arithmetic on what is in `infra/bench`: prices, counts of calls, and measured milliseconds. It measures nothing and asks
//! nobody; the same files give the same report, which is written to `infra/bench/cost.md`.

mod bill;
mod inputs;
mod lambda;
mod report;

use std::fs;

use anyhow::{Context as _, Result};
use coffeeshop_local::repo_root;

use crate::say;

const REPORT: &str = "infra/bench/cost.md";

pub(crate) fn run() -> Result<()> {
    let root = repo_root();
    let report = report::report(&inputs::read(&root)?)?;
    fs::write(root.join(REPORT), &report).with_context(|| format!("{REPORT} cannot be written"))?;
    say(&report);
    say(&format!("written to {REPORT}"));
    Ok(())
}
