//! `cargo xtask bench`: programs that measure, built for release and run.
//!
//! They are examples of the packages that they measure, so that this one need not be linked to those. Two say more than
//! numbers: `guard` judges instructions, and `cost` reckons with what others measured.

mod cost;
mod guard;

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
    /// A photo's way from the upload to its outcome, by stage, on the emulator; writes infra/bench/outcome.*.
    Outcome {
        /// A folder of photos, instead of the fixtures.
        #[arg(long, value_name = "DIR")]
        photos: Option<PathBuf>,
    },
    /// The thumbnailer from its start to its first answer, and the size of all functions; writes infra/bench/start.md.
    Start {
        /// What each setting of the release build brings, instead: the thumbnailer built without it; half an hour.
        #[arg(long)]
        without: bool,
    },
    /// Instructions of the photo path, the rating fold and the key parser, against infra/bench/guard.json; needs valgrind.
    Guard(guard::Arguments),
    /// What a million photos and a million ratings cost on AWS, from infra/bench/*.json; writes infra/bench/cost.md.
    Cost,
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

pub(crate) fn run(subject: &Subject) -> Result<()> {
    match subject {
        Subject::Scores => example("coffeeshop-aggregator", "bench_scores", &[]),
        Subject::Boards => example("coffeeshop-operator", "bench_boards", &[]),
        Subject::Replay => example("coffeeshop-operator", "bench_replay", &[]),
        Subject::Snapshot => example("coffeeshop-snapshotter", "bench_snapshot", &[]),
        Subject::Photos(photos) => example("coffeeshop-thumbnailer", "bench_photos", &photos.arguments()?),
        Subject::Outcome { photos } => {
            // The program runs in the root of the repository.
            let photos = photos.as_ref().map(std::path::absolute).transpose()?;
            example("coffeeshop-local", "bench_outcome", &photos.into_iter().map(OsString::from).collect::<Vec<_>>())
        }
        Subject::Start { without } => {
            let arguments: &[OsString] = if *without { &["--without".into()] } else { &[] };
            example("coffeeshop-local", "bench_start", arguments)
        }
        Subject::Guard(arguments) => guard::run(arguments),
        Subject::Cost => cost::run(),
    }
}

fn example(package: &str, example: &str, arguments: &[OsString]) -> Result<()> {
    let mut command = cargo(&repo_root());
    command.args(["run", "--release", "--package", package, "--example", example, "--"]).args(arguments);
    let status = command.status().context("cargo could not be started")?;
    ensure!(status.success(), "{example} failed ({status})");
    Ok(())
}
