//! What photos cost here, and in what people would use instead: `cargo xtask bench photos`.
//!
//! Reads top to bottom: the engines that there are, the photos, what each takes (`measure`), how alike the renditions are
//! to the photo (`quality`), what became of the goals (`goals`), and all of that as a report, JSON and charts in
//! `infra/bench`. Each engine is a process of its own, asked in lines of JSON. Peers are installed by xtask, not here.
//! Fails on no number: those are for people. Linux only.

mod charts;
mod engine;
mod goals;
mod machine;
mod measure;
mod ours;
mod pictures;
mod quality;
mod report;
mod results;
mod statistics;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Parser};

use crate::engine::Peers;
use crate::results::Results;

#[derive(Parser)]
enum Command {
    /// Measures all engines and writes `infra/bench`.
    Measure(Arguments),
    /// Is the engine `ours`: answers lines of JSON with lines of JSON.
    Ours,
}

#[derive(Args)]
struct Arguments {
    /// A folder of photos; without it, pictures are made.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// How often each engine does all photos.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    #[command(flatten)]
    peers: Peers,
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Measure(arguments) => measure(&arguments),
        Command::Ours => ours::serve(),
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let work = root.join("target/bench/photos");
    let (engines, missing) = engine::engines(&arguments.peers)?;
    for engine in &missing {
        say(&format!("missing: {}: {}", engine.name, engine.reason));
    }
    let photos = match &arguments.photos {
        Some(folder) => pictures::photos(folder)?,
        None => pictures::own(&work)?,
    };
    if arguments.photos.is_none() {
        say(report::EASIER);
    }
    let made = pictures::sizes(&photos, &work)?;
    let mut measured = measure::all(&engines, &photos, &made, arguments.rounds.get(), &work)?;
    quality::add(&mut measured, &photos, &work)?;
    let results = Results {
        machine: machine::description()?,
        date: machine::today(),
        commit: machine::commit(&root),
        photos: photos.iter().map(results::Photo::from).collect(),
        own_pictures: arguments.photos.is_none(),
        rounds: arguments.rounds.get(),
        goals: goals::judged(&measured),
        engines: measured,
        missing,
    };
    say(&report::summary(&results));
    let folder = root.join("infra/bench");
    report::write(&results, &folder)?;
    charts::write(&results, &folder)?;
    say(&format!("written: {}", folder.display()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
fn say(text: &str) {
    println!("{text}");
}
