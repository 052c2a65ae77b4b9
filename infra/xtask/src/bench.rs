//! `cargo xtask bench`: programs that measure, built for release and run.
//!
//! They are examples of the packages that they measure, so that this one need not be linked to those. No number is
//! judged or kept here.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use coffeeshop_local::package::cargo;
use coffeeshop_local::{node, python, repo_root};

use crate::say;

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
    /// CPU, memory, bytes and quality of photos, beside sharp, pyvips and Pillow; writes infra/bench/photos.*.
    Photos(Photos),
}

/// What `bench photos` can be told.
#[derive(Args)]
pub(crate) struct Photos {
    /// A folder of photos. Without it, pictures are made, which are easier than photos.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// How often each engine does all photos.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
}

impl Photos {
    /// Installs the peers, and says to the program where each is, or why it is not there.
    fn arguments(&self) -> Result<Vec<OsString>> {
        let root = repo_root();
        let mut arguments: Vec<OsString> = vec!["measure".into(), "--rounds".into(), self.rounds.to_string().into()];
        if let Some(photos) = &self.photos {
            arguments.extend(["--photos".into(), std::path::absolute(photos)?.into()]);
        }
        arguments.extend(match node::sharp(&root, say) {
            Ok(modules) => ["--node-modules".into(), modules.into()],
            Err(error) => ["--sharp-missing".into(), format!("{error:#}").into()],
        });
        arguments.extend(match python::photos(&root, say) {
            Ok(environment) => ["--python".into(), environment.tool("python").into()],
            Err(error) => ["--python-missing".into(), format!("{error:#}").into()],
        });
        Ok(arguments)
    }
}

impl Subject {
    /// Package and example.
    fn program(&self) -> (&'static str, &'static str) {
        match self {
            Self::Scores => ("coffeeshop-aggregator", "bench_scores"),
            Self::Boards => ("coffeeshop-operator", "bench_boards"),
            Self::Replay => ("coffeeshop-operator", "bench_replay"),
            Self::Snapshot => ("coffeeshop-snapshotter", "bench_snapshot"),
            Self::Photos(_) => ("coffeeshop-thumbnailer", "bench_photos"),
        }
    }

    fn arguments(&self) -> Result<Vec<OsString>> {
        match self {
            Self::Photos(photos) => photos.arguments(),
            Self::Scores | Self::Boards | Self::Replay | Self::Snapshot => Ok(Vec::new()),
        }
    }
}

pub(crate) fn run(subject: &Subject) -> Result<()> {
    let (package, example) = subject.program();
    let mut command = cargo(&repo_root());
    command.args(["run", "--release", "--package", package, "--example", example, "--"]).args(subject.arguments()?);
    let status = command.status().context("cargo could not be started")?;
    ensure!(status.success(), "{example} failed ({status})");
    Ok(())
}
