//! Automation of this repository: `cargo xtask help`.

mod bench;
mod ci;
mod local;
mod package;
mod tidy;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Automation of this repository", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the whole pipeline on this machine: build, start the emulator, deploy, upload photos, write ratings, show what
    /// happened.
    Local(local::Arguments),
    /// Everything that must hold before a change lands; ends with `cargo test --workspace`.
    Ci {
        /// A folder of real photos that must all become ready.
        #[arg(long, value_name = "DIR")]
        photos: Option<PathBuf>,
    },
    /// Make the Lambda zips below `target/lambda`, as infra/template.yaml names them.
    Package,
    /// Check the repository's own rules: layers, fixtures, licences.
    Tidy,
    /// Measure and print; only `guard` judges.
    #[command(subcommand)]
    Bench(bench::Subject),
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Local(arguments) => local::run(&arguments),
        Task::Ci { photos } => ci::run(photos.as_deref()),
        Task::Package => package::run(),
        Task::Tidy => tidy::run(),
        Task::Bench(subject) => bench::run(&subject),
    }
}

/// A line on standard output, for a person.
#[expect(clippy::print_stdout, reason = "this program talks to people")]
fn say(line: &str) {
    println!("{line}");
}
