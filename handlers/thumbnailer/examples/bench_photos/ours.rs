//! The engine `ours`: the thumbnailer's own `inspect` and `render`, asked as the peers are.
//!
//! Nothing of S3 or a queue: a file in, three files in memory out.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use coffeeshop_core::renditions::RenditionSpecs;
use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use coffeeshop_thumbnailer::render::{Buffers, PIPELINE, Rendered, Stages, inspect, render};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

/// The names of the files, largest first; the configuration has them the other way round.
pub(crate) const NAMES: [&str; 3] = ["1080", "480", "160"];

#[derive(Deserialize)]
struct Question {
    file: PathBuf,
    folder: Option<PathBuf>,
}

/// Answers until standard input ends.
pub(crate) fn serve() -> Result<()> {
    let specs: RenditionSpecs = RENDITIONS_DEFAULT.parse()?;
    let version = format!("coffeeshop-thumbnailer {}, {PIPELINE}", env!("CARGO_PKG_VERSION"));
    answer(&json!({ "version": version, "cpu_us": microseconds(on_the_core()?) }))?;
    let mut buffers = Buffers::default();
    for line in std::io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let begun = on_the_core()?;
        let (rendered, stages) = renditions(&question.file, &specs, &mut buffers)?;
        let took = on_the_core()?.saturating_sub(begun);
        if let Some(folder) = &question.folder {
            for (name, file) in NAMES.iter().zip(rendered.renditions.iter().rev()) {
                fs::write(folder.join(format!("{name}.jpg")), &file.jpeg)?;
            }
        }
        let bytes: Vec<usize> = rendered.renditions.iter().rev().map(|file| file.jpeg.len()).collect();
        let stages: Vec<_> = stages.iter().map(|(stage, time)| (stage, microseconds(time))).collect();
        answer(&json!({ "cpu_us": microseconds(took), "bytes": bytes, "stages_us": stages }))?;
    }
    Ok(())
}

fn renditions(file: &Path, specs: &RenditionSpecs, buffers: &mut Buffers) -> Result<(Rendered, Stages)> {
    let mut stages = Stages::default();
    let bytes = stages.time("read", || fs::read(file)).with_context(|| format!("{} cannot be read", file.display()))?;
    let header = stages.time("inspect", || inspect(&bytes))?;
    Ok((render(&bytes, &header, specs, buffers, &mut stages)?, stages))
}

fn answer(answer: &Value) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{answer}")?;
    Ok(output.flush()?)
}

/// User and system time of all threads of this process.
fn on_the_core() -> Result<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Ok(Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?))
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
