//! What each engine takes: all of them in turn, again and again, so that what else the machine does hits them alike.
//!
//! Whether the renditions are any good is for `quality`, from the files that the first, uncounted round writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::engine::{Answer, Engine, Process};
use crate::pictures::Picture;
use crate::results::{Measured, OfPhoto, OfSize, spread};
use crate::say;
use crate::statistics::median;

/// How many processes do one picture once, for the memory that it takes.
const MEMORY_ROUNDS: usize = 3;

/// Answers of one engine: of each picture, of each round.
type Answers = Vec<Vec<Answer>>;

pub(crate) fn all(
    engines: &[Engine],
    photos: &[Picture],
    sizes: &[Picture],
    rounds: usize,
    work: &Path,
) -> Result<Vec<Measured>> {
    let mut processes = engines.iter().map(Process::start).collect::<Result<Vec<_>>>()?;
    let idle = processes.iter().map(Process::memory).collect::<Result<Vec<_>>>()?;
    say("one round that is not counted, which writes files for the comparison ..");
    for (engine, process) in engines.iter().zip(&mut processes) {
        for photo in photos {
            let folder = renditions(work, engine.name, &photo.name);
            fs::create_dir_all(&folder)?;
            process.ask(&photo.path, Some(&folder)).with_context(|| failed(engine))?;
        }
    }
    let of_photos = in_turn(engines, &mut processes, photos, rounds)?;
    let peaks = processes.iter().map(Process::memory).collect::<Result<Vec<_>>>()?;
    let of_sizes = in_turn(engines, &mut processes, sizes, rounds)?;

    let mut measured = Vec::with_capacity(engines.len());
    let answers = of_photos.into_iter().zip(of_sizes);
    for ((((engine, process), (of_photos, of_sizes)), idle), peak) in
        engines.iter().zip(processes).zip(answers).zip(idle).zip(peaks)
    {
        say(&format!("memory of {} ..", engine.name));
        let engine_sizes = sizes.iter().zip(&of_sizes).map(|(picture, answers)| size(engine, picture, answers));
        let of_engine = Measured {
            name: engine.name,
            version: process.ready.version.clone(),
            cpu_ms_median: f64::NAN,
            cpu_ms_lowest: f64::NAN,
            cpu_ms_highest: f64::NAN,
            cpu_ms_mean: f64::NAN,
            start_up_cpu_ms: process.ready.cpu_us / 1000.0,
            rss_idle_mib: idle.now,
            rss_set_peak_mib: peak.peak,
            bytes: 0,
            ssimulacra2_1080: None,
            ssimulacra2_480: None,
            stages_ms: stages(&of_photos),
            photos: photos.iter().zip(&of_photos).map(|(picture, answers)| of_photo(picture, answers)).collect(),
            sizes: engine_sizes.collect::<Result<_>>()?,
        };
        measured.push(of_engine.summed());
    }
    Ok(measured)
}

/// Where an engine's renditions of a photo are written.
pub(crate) fn renditions(work: &Path, engine: &str, photo: &str) -> PathBuf {
    work.join("renditions").join(engine.replace(", ", "-")).join(photo)
}

fn failed(engine: &Engine) -> String {
    format!("{} failed", engine.name)
}

/// A round is each engine with all pictures: A B C A B C.
fn in_turn(engines: &[Engine], processes: &mut [Process], pictures: &[Picture], rounds: usize) -> Result<Vec<Answers>> {
    let mut answers: Vec<Answers> =
        engines.iter().map(|_| pictures.iter().map(|_| Vec::with_capacity(rounds)).collect()).collect();
    for round in 1..=rounds {
        say(&format!("round {round} of {rounds}, {} pictures ..", pictures.len()));
        for ((engine, process), answers) in engines.iter().zip(processes.iter_mut()).zip(&mut answers) {
            for (picture, answers) in pictures.iter().zip(answers) {
                answers.push(process.ask(&picture.path, None).with_context(|| failed(engine))?);
            }
        }
    }
    Ok(answers)
}

fn milliseconds(answers: &[Answer]) -> Vec<f64> {
    answers.iter().map(|answer| answer.cpu_us / 1000.0).collect()
}

fn of_photo(picture: &Picture, answers: &[Answer]) -> OfPhoto {
    let [cpu_ms_median, cpu_ms_lowest, cpu_ms_highest] = spread(&milliseconds(answers));
    OfPhoto {
        file: picture.name.clone(),
        cpu_ms_median,
        cpu_ms_lowest,
        cpu_ms_highest,
        bytes: answers.last().map(|answer| answer.bytes).unwrap_or_default(),
        ssimulacra2_1080: None,
        ssimulacra2_480: None,
    }
}

/// The memory is that of new processes, which do this picture once.
fn size(engine: &Engine, picture: &Picture, answers: &[Answer]) -> Result<OfSize> {
    let (mut peaks, mut above) = (Vec::new(), Vec::new());
    for _ in 0..MEMORY_ROUNDS {
        let mut process = Process::start(engine)?;
        let before = process.memory()?;
        process.ask(&picture.path, None).with_context(|| failed(engine))?;
        let after = process.memory()?;
        peaks.push(after.peak);
        above.push(after.peak - before.now);
    }
    let [cpu_ms_median, ..] = spread(&milliseconds(answers));
    Ok(OfSize {
        picture: picture.name.clone(),
        megapixels: picture.megapixels,
        progressive: picture.progressive,
        bytes: picture.bytes,
        cpu_ms_median,
        rss_peak_mib: median(peaks).unwrap_or(f64::NAN),
        rss_above_idle_mib: median(above).unwrap_or(f64::NAN),
    })
}

/// The median of each stage, over all photos and rounds, in milliseconds; in the order in which the stages come.
fn stages(answers: &[Vec<Answer>]) -> Vec<(String, f64)> {
    let all = || answers.iter().flatten().flat_map(|answer| &answer.stages_us);
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in all() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let of = |name: &str| median(all().filter(|(of, _)| of == name).map(|(_, time)| time / 1000.0));
    names.into_iter().filter_map(|name| Some((name.to_owned(), of(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_the_medians_of_those_that_had_them() {
        let answer = |stages: &[(&str, f64)]| Answer {
            cpu_us: 1.0,
            bytes: [1, 1, 1],
            stages_us: stages.iter().map(|(name, time)| ((*name).to_owned(), *time)).collect(),
        };
        let answers = [
            vec![answer(&[("decode", 1000.0), ("colour", 500.0)]), answer(&[("decode", 3000.0)])],
            vec![answer(&[("decode", 8000.0)])],
        ];
        assert_eq!(stages(&answers), [("decode".to_owned(), 3.0), ("colour".to_owned(), 0.5)]);
        assert_eq!(stages(&[vec![answer(&[])]]), []);
    }
}
