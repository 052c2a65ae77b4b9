//! The engines that are measured: which there are, and how a process of each is asked.
//!
//! One thread each, since what is paid for is time on a core. What they do is for `ours` and the scripts in `peers` to say.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::results::Missing;

pub(crate) const OURS: &str = "ours";
pub(crate) const SHARP: [&str; 2] = ["sharp, usual", "sharp, best"];
const PYVIPS: [&str; 2] = ["pyvips, usual", "pyvips, best"];
const PILLOW: [&str; 2] = ["Pillow, usual", "Pillow, best"];
const FORMS: [&str; 2] = ["usual", "best"];

/// Where peers were installed, or why they could not be.
#[derive(Args)]
pub(crate) struct Peers {
    /// Node's modules, with sharp.
    #[arg(long, value_name = "DIR")]
    node_modules: Option<PathBuf>,
    /// Why there is no sharp.
    #[arg(long, value_name = "REASON", default_value = "not installed")]
    sharp_missing: String,
    /// A Python with pyvips and Pillow.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Why there is none.
    #[arg(long, value_name = "REASON", default_value = "not installed")]
    python_missing: String,
}

/// An engine that can be started.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

/// All engines, and those that are not there or do not start, with the reason.
pub(crate) fn engines(peers: &Peers) -> Result<(Vec<Engine>, Vec<Missing>)> {
    let ours = Engine {
        name: OURS,
        program: std::env::current_exe()?,
        arguments: vec!["ours".into()],
        environment: Vec::new(),
    };
    Process::start(&ours)?;
    let (mut engines, mut missing) = (vec![ours], Vec::new());
    for (engine, name) in
        sharp(peers).into_iter().chain(python(peers)).zip(SHARP.into_iter().chain(PYVIPS).chain(PILLOW))
    {
        let started = engine.map_err(str::to_owned).and_then(|engine| match Process::start(&engine) {
            Ok(_) => Ok(engine),
            Err(error) => Err(format!("{error:#}")),
        });
        match started {
            Ok(engine) => engines.push(engine),
            Err(reason) => missing.push(Missing { name, reason }),
        }
    }
    Ok((engines, missing))
}

fn script(name: &str) -> OsString {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bench_photos/peers").join(name).into()
}

fn sharp(peers: &Peers) -> Vec<Result<Engine, &str>> {
    let engine = |(name, form): (&'static str, &str)| {
        let modules = peers.node_modules.as_ref().ok_or(peers.sharp_missing.as_str())?;
        Ok(Engine {
            name,
            program: "node".into(),
            arguments: vec![script("sharp.cjs"), form.into()],
            environment: vec![("NODE_PATH", modules.into()), ("UV_THREADPOOL_SIZE", "1".into())],
        })
    };
    SHARP.into_iter().zip(FORMS).map(engine).collect()
}

fn python(peers: &Peers) -> Vec<Result<Engine, &str>> {
    let engine = |name, file, form: &str| {
        let program = peers.python.clone().ok_or(peers.python_missing.as_str())?;
        let environment = vec![("VIPS_CONCURRENCY", "1".into()), ("PYTHONDONTWRITEBYTECODE", "1".into())];
        Ok(Engine { name, program, arguments: vec![script(file), form.into()], environment })
    };
    let pyvips = PYVIPS.into_iter().zip(FORMS).map(|(name, form)| engine(name, "vips.py", form));
    let pillow = PILLOW.into_iter().zip(FORMS).map(|(name, form)| engine(name, "pillow.py", form));
    pyvips.chain(pillow).collect()
}

/// What a process says first.
#[derive(Debug, Deserialize)]
pub(crate) struct Ready {
    /// Its own and its library's.
    pub(crate) version: String,
    /// User and system time until now: a run of no photos.
    pub(crate) cpu_us: f64,
}

/// What it says to a photo.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// User and system time of all its threads, from the path to three files in memory.
    pub(crate) cpu_us: f64,
    /// Of the largest rendition first.
    pub(crate) bytes: [u64; 3],
    /// Only ours: time by the clock for each stage.
    #[serde(default)]
    pub(crate) stages_us: Vec<(String, f64)>,
}

/// Resident memory, in MiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    pub(crate) peak: f64,
}

/// An engine that runs. It ends when dropped.
pub(crate) struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) ready: Ready,
}

impl Process {
    pub(crate) fn start(engine: &Engine) -> Result<Self> {
        let mut child = Command::new(&engine.program)
            .args(&engine.arguments)
            .envs(engine.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", engine.program.display()))?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else { bail!("no pipes") };
        let mut answers = BufReader::new(answers);
        let mut first = String::new();
        answers.read_line(&mut first)?;
        match serde_json::from_str(&first) {
            Ok(ready) => Ok(Self { child, questions, answers, ready }),
            Err(_) => bail!("{} ended with {}, before it was ready", engine.name, child.wait()?),
        }
    }

    /// Has it make the renditions of a photo; with a folder, writes them there, which is not measured.
    pub(crate) fn ask(&mut self, file: &Path, folder: Option<&Path>) -> Result<Answer> {
        writeln!(self.questions, "{}", json!({ "file": file, "folder": folder }))?;
        self.questions.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "it ended at {}", file.display());
        serde_json::from_str(&answer).with_context(|| format!("it answered {answer}"))
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        memory(&fs::read_to_string(format!("/proc/{}/status", self.child.id()))?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// As the kernel says it (`proc_pid_status(5)`), in kB of 1024 bytes.
fn memory(status: &str) -> Result<Memory> {
    let mib = |name: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    };
    Ok(Memory { now: mib("VmRSS:")?, peak: mib("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_mib() {
        let memory = memory("Name:\tnode\nVmHWM:\t   75776 kB\nVmRSS:\t   51200 kB\nThreads:\t11\n").unwrap();
        assert!((memory.peak - 74.0).abs() < 1e-9 && (memory.now - 50.0).abs() < 1e-9, "{memory:?}");
        assert!(super::memory("Name:\tnode\nVmRSS:\t 1 kB\n").is_err(), "a zombie has no peak");
    }

    #[test]
    fn a_peer_that_is_not_installed_is_named_with_the_reason() {
        let peers = Peers {
            node_modules: None,
            sharp_missing: "no npm".to_owned(),
            python: Some("/no/such/python".into()),
            python_missing: "not asked".to_owned(),
        };
        let reasons: Vec<_> = sharp(&peers).into_iter().map(Result::err).collect();
        assert_eq!(reasons, [Some("no npm"), Some("no npm")]);
        let pythons: Vec<Engine> = python(&peers).into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(pythons.len(), 4);
        let error = Process::start(&pythons[0]).err().unwrap();
        assert_eq!(error.to_string(), "/no/such/python does not start");
    }

    #[test]
    fn one_that_ends_at_once_is_no_engine() {
        let engine = Engine { name: "false", program: "false".into(), arguments: Vec::new(), environment: Vec::new() };
        let error = Process::start(&engine).err().unwrap();
        assert_eq!(error.to_string(), "false ended with exit status: 1, before it was ready");
    }
}
