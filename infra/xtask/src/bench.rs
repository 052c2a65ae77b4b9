//! `cargo xtask bench`: programs that measure, built for release and run.
//!
//! They are examples of the packages that they measure, so that this one need not be linked to those. No number is
//! judged or kept here.

use std::path::PathBuf;

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
    /// A photo's way from the upload to its outcome, by stage, on the emulator.
    Outcome {
        /// A folder of photos, instead of the fixtures.
        #[arg(long, value_name = "DIR")]
        photos: Option<PathBuf>,
    },
    /// The thumbnailer from its start to its first answer, and the size of all functions.
    Start,
}

impl Subject {
    /// Package and example.
    fn program(&self) -> (&'static str, &'static str) {
        match self {
            Self::Scores => ("coffeeshop-aggregator", "bench_scores"),
            Self::Boards => ("coffeeshop-operator", "bench_boards"),
            Self::Replay => ("coffeeshop-operator", "bench_replay"),
            Self::Snapshot => ("coffeeshop-snapshotter", "bench_snapshot"),
            Self::Outcome { .. } => ("coffeeshop-local", "bench_outcome"),
            Self::Start => ("coffeeshop-local", "bench_start"),
        }
    }

    /// What it is told.
    fn arguments(&self) -> Result<Option<PathBuf>> {
        match self {
            // The program runs in the root of the repository.
            Self::Outcome { photos: Some(photos) } => Ok(Some(std::path::absolute(photos)?)),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run(subject: &Subject) -> Result<()> {
    let (package, example) = subject.program();
    let mut command = cargo(&repo_root());
    command.args(["run", "--release", "--package", package, "--example", example, "--"]);
    command.args(subject.arguments()?);
    let status = command.status().context("cargo could not be started")?;
    ensure!(status.success(), "{example} failed ({status})");
    Ok(())
}
