//! `cargo xtask bench`: programs that measure, built for release and run.
//!
//! They are examples of the packages that they measure, so that this one need not be linked to those. Two say more than
//! numbers: `guard` judges instructions, and `cost` reckons with what others measured.

mod cost;
mod guard;

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use coffeeshop_local::package::cargo;
use coffeeshop_local::repo_root;

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum Subject {
    /// Ratings a second through the aggregator, and what they cost on DynamoDB.
    Scores,
    /// Requests, units and memory of leaderboards, `verify` and `rebuild`, on the emulator; takes some minutes.
    Boards,
    /// Messages a second of `dlq replay` beside the emulator's own, and memory; takes some minutes.
    Replay,
    /// Scores a second to Parquet, beside pyarrow.
    Snapshot,
    /// Instructions of the photo path, the rating fold and the key parser, against infra/bench/guard.json; needs valgrind.
    Guard(guard::Arguments),
    /// What a million photos and a million ratings cost on AWS, from infra/bench/*.json; writes infra/bench/cost.md.
    Cost,
}

pub(crate) fn run(subject: &Subject) -> Result<()> {
    match subject {
        Subject::Scores => example("coffeeshop-aggregator", "bench_scores"),
        Subject::Boards => example("coffeeshop-operator", "bench_boards"),
        Subject::Replay => example("coffeeshop-operator", "bench_replay"),
        Subject::Snapshot => example("coffeeshop-snapshotter", "bench_snapshot"),
        Subject::Guard(arguments) => guard::run(arguments),
        Subject::Cost => cost::run(),
    }
}

fn example(package: &str, example: &str) -> Result<()> {
    let mut command = cargo(&repo_root());
    command.args(["run", "--release", "--package", package, "--example", example]);
    let status = command.status().context("cargo could not be started")?;
    ensure!(status.success(), "{example} failed ({status})");
    Ok(())
}
