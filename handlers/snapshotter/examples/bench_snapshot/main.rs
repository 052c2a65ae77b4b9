//! What a snapshot costs: `cargo xtask bench snapshot`.
//!
//! Scores in memory to a Parquet file in memory, beside `pyarrow` writing the same columns from its own memory, in turn. The
//! machine is not known, and others may use it: so the time that counts is what each had on a core, user and system
//! together. Prints, and saves nothing. No limit is set here: the numbers are for people. Linux only.

mod generate;
mod pyarrow;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use coffeeshop_core::score::Score;
use coffeeshop_local::{python, repo_root};
use coffeeshop_snapshotter::dataset::{ParquetWriter, ROW_GROUP_ROWS_MAX};
use jiff::Timestamp;

use crate::pyarrow::Pyarrow;

/// How many scores there are.
const ROWS: u32 = 1_000_000;
/// How many of them are also made from items of DynamoDB, which take ten times the memory.
const ITEMS: usize = 100_000;
const ROUNDS: usize = 7;

/// What a file took to write.
struct Took {
    on_the_core: Duration,
    bytes: u64,
}

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
fn main() -> Result<()> {
    let snapshot_at = "2026-11-22T04:02:00Z".parse()?;
    println!("making {ROWS} scores ..");
    let scores: Vec<Score> = generate::scores(ROWS).collect();
    let items = scores.iter().take(ITEMS).map(serde_dynamo::to_item).collect::<Result<Vec<Item>, _>>()?;
    let mut file = Vec::new();
    write(&scores, snapshot_at, |bytes| file.extend_from_slice(&bytes))?;
    let environment = python::bench(&repo_root(), |step| println!("{step}"))?;
    let mut pyarrow = Pyarrow::start(&environment.tool("python"), &file, ROW_GROUP_ROWS_MAX)?;

    let (mut here, mut there, mut there_groups, mut from_items) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        here.push(timed(|| write(&scores, snapshot_at, |bytes| _ = black_box(bytes)))?);
        there.push(pyarrow.write("default")?);
        there_groups.push(pyarrow.write("groups")?);
        let items = items.clone();
        from_items.push(timed(|| write_items(items, snapshot_at))?);
    }
    ensure!(pyarrow.reads_the_same()?, "pyarrow does not read what it was given");

    println!("\n{ROWS} scores to Parquet in memory, zstd 1, one core; {ROUNDS} rounds in turn\n");
    println!("{:<44} {:>9} {:>9} {:>9} {:>10}", "rows a second", "median", "lowest", "highest", "bytes/row");
    line("here, from scores", &here, ROWS as usize);
    line(&format!("here, from {ITEMS} items as scans give them"), &from_items, ITEMS);
    line("pyarrow, as it is by default", &there, ROWS as usize);
    line(&format!("pyarrow, in groups of {ROW_GROUP_ROWS_MAX} rows"), &there_groups, ROWS as usize);
    for (name, there) in [("default", &there), ("the same groups", &there_groups)] {
        let mut ratios: Vec<f64> =
            here.iter().zip(there).map(|(here, there)| there.on_the_core.div_duration_f64(here.on_the_core)).collect();
        let (median, lowest, highest) = spread(&mut ratios);
        println!("\nhere / pyarrow ({name}), rows a second: {median:.2} ({lowest:.2} to {highest:.2})");
    }
    Ok(())
}

type Item = HashMap<String, AttributeValue>;

/// Writes a file, of which pieces are taken as they come; says how many bytes it has.
fn write<'a>(
    scores: impl IntoIterator<Item = &'a Score>,
    snapshot_at: Timestamp,
    mut taken: impl FnMut(Bytes),
) -> Result<u64> {
    let (mut writer, mut bytes) = (ParquetWriter::new(snapshot_at)?, 0);
    for score in scores {
        writer.push(score)?;
        if writer.ready() > 1 << 20 {
            let piece = writer.take();
            bytes += piece.len() as u64;
            taken(piece);
        }
    }
    let (piece, _) = writer.finish()?;
    bytes += piece.len() as u64;
    taken(piece);
    Ok(bytes)
}

fn write_items(items: Vec<Item>, snapshot_at: Timestamp) -> Result<u64> {
    let mut writer = ParquetWriter::<Score>::new(snapshot_at)?;
    for item in items {
        writer.push(&serde_dynamo::from_item(item)?)?;
    }
    let (piece, _) = writer.finish()?;
    Ok(black_box(piece).len() as u64)
}

fn timed(work: impl FnOnce() -> Result<u64>) -> Result<Took> {
    let before = on_the_core()?;
    let bytes = work()?;
    Ok(Took { on_the_core: on_the_core()?.saturating_sub(before), bytes })
}

/// How long this thread was on a core so far; to some milliseconds, of the hundreds that a round takes.
fn on_the_core() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("there is no schedstat")?;
    Ok(Duration::from_nanos(text.split(' ').next().unwrap_or_default().parse()?))
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "it prints what it measures")]
fn line(name: &str, rounds: &[Took], rows: usize) {
    let mut speeds: Vec<f64> = rounds.iter().map(|took| rows as f64 / took.on_the_core.as_secs_f64()).collect();
    let (median, lowest, highest) = spread(&mut speeds);
    let bytes = rounds.first().map_or(f64::NAN, |took| took.bytes as f64 / rows as f64);
    println!("{name:<44} {median:>9.0} {lowest:>9.0} {highest:>9.0} {bytes:>10.2}");
}

/// Median, least and greatest.
fn spread(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |position: usize| values.get(position).copied().unwrap_or(f64::NAN);
    (at(values.len() / 2), at(0), at(values.len().saturating_sub(1)))
}
