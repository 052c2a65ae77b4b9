//! What reading, proving and repairing leaderboards costs, on the emulator: `cargo xtask bench boards`.
//!
//! Each task runs in a process of its own, whose memory is then its own. Prints, and saves nothing. No limit is set here:
//! the numbers are for people. The emulator takes most of the time, so rates are those of this machine and no promise
//! about DynamoDB; requests and units are. Linux only.

mod fill;
mod measure;
mod meter;

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use coffeeshop_local::{Options, Stack};

use crate::fill::Tables;
use crate::measure::{Measured, Task};

/// How many ratings there are.
const SIZES: [usize; 2] = [1_000, 100_000];

/// In order: a rebuild of everything from ratings alone, one that finds nothing to do, and so on.
const TASKS: [(Task, &str); 5] = [
    (Task::Rebuild, "rebuild, from ratings alone"),
    (Task::Rebuild, "rebuild, nothing to do"),
    (Task::Verify, "verify"),
    (Task::Board, "a page of 100, all shops"),
    (Task::CityBoard, "a page of 100, one city"),
];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => all().await,
        [task, tables] => measure::run(serde_json::from_str(task)?, &serde_json::from_str(tables)?).await,
        _ => bail!("it takes no arguments"),
    }
}

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
async fn all() -> Result<()> {
    let options = Options { stack_name: "bench".to_owned(), progress: |line| println!("{line}"), ..Options::new() };
    let stack = Stack::start(&options).await?;
    let mut peaks = Vec::new();
    for ratings in SIZES {
        let tables = Tables::create(stack.info(), &format!("bench-{ratings}")).await?;
        let shops = tables.fill(ratings).await?;
        println!("\n{ratings} ratings of {shops} shops, {} of the most rated one\n", fill::of_first(ratings));
        println!("{}", Measured::HEAD);
        for (task, name) in TASKS {
            let measured = in_its_own_process(task, &tables)?;
            println!("{}", measured.line(name));
            if task != Task::Board && task != Task::CityBoard {
                peaks.push((name, ratings, measured.peak_kib));
            }
        }
    }
    println!();
    let (few, many) = peaks.split_at(peaks.len() / 2);
    for ((name, small, few), (_, large, many)) in few.iter().zip(many) {
        let more = (i64::from(*many) - i64::from(*few)) / 1024;
        println!("{name}: peak memory with {large} ratings less that with {small}: {more} MiB");
    }
    stack.stop().await
}

fn in_its_own_process(task: Task, tables: &Tables) -> Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(serde_json::to_string(&task)?).arg(serde_json::to_string(tables)?);
    let output = command.stderr(Stdio::inherit()).output().context("it could not be started again")?;
    ensure!(output.status.success(), "{task:?} failed ({})", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
