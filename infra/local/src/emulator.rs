//! The emulator's process: started with an environment of its own, ended by ending its stdin.
//!
//! Everything that it and the functions write is in a directory of its own under `target/emulator/runs`. It knows
//! nothing of the template.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{Kills, Options, StackInfo, blocking, python};

const REGION: &str = "eu-central-1";
const ACCESS_KEY_ID: &str = "test";
const SECRET_ACCESS_KEY: &str = "test";
const START_MAX: Duration = Duration::from_mins(1);
const STOP_MAX: Duration = Duration::from_secs(15);
/// Directories of emulators that are gone, kept for their logs.
const OLD_RUNS_MAX: usize = 5;

/// What the emulator says of itself when it answers.
#[derive(Deserialize)]
struct Ready {
    port: u16,
}

#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    port: u16,
    log: PathBuf,
    /// Locked while this process lives, so that others leave the directory alone.
    _lock: File,
}

impl Emulator {
    pub(crate) async fn start(options: &Options) -> Result<Self> {
        let options = options.clone();
        let (mut emulator, stdout) = blocking(move || {
            let venv = python::venv(&options.root, options.progress)?;
            (options.progress)("starting the emulator");
            Self::spawn(&options, &venv.tool("python"))
        })
        .await?;
        let ready = blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line)?;
            Ok(serde_json::from_str::<Ready>(&line)?)
        });
        match tokio::time::timeout(START_MAX, ready).await {
            Ok(Ok(ready)) => emulator.port = ready.port,
            Ok(Err(_)) => bail!("the emulator did not start:\n{}", last_lines(&emulator.log)),
            Err(_) => bail!("the emulator did not answer within {START_MAX:?}:\n{}", last_lines(&emulator.log)),
        }
        Ok(emulator)
    }

    fn spawn(options: &Options, python: &Path) -> Result<(Self, ChildStdout)> {
        let Options { root, kills, hidden_seconds_max, .. } = options;
        let runs = root.join("target/emulator/runs");
        let (directory, lock) = new_run(&runs).with_context(|| format!("{} cannot be written", runs.display()))?;
        let temporary = directory.join("tmp");
        fs::create_dir(&temporary)?;
        let log = directory.join("emulator.log");
        let log_file = File::create(&log).with_context(|| format!("{} cannot be made", log.display()))?;

        let mut child = Command::new(python)
            .args(["-m", "emulator"])
            .current_dir(&directory)
            .env_clear()
            // The functions inherit all of this, except the credentials: they get those of their roles.
            .envs([
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("PYTHONDONTWRITEBYTECODE", "1"),
                ("PYTHONUNBUFFERED", "1"),
            ])
            .envs([("AUTH", "true"), ("MINISTACK_REGION", REGION), ("MINISTACK_HOST", "127.0.0.1")])
            .envs([("AWS_DEFAULT_REGION", REGION)])
            .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)])
            // Listeners on ports of their own, for services that nothing here uses.
            .envs([("SFTP_ENABLED", "0"), ("IOT_MTLS_ENABLED", "0")])
            .envs(
                kills
                    .iter()
                    .map(|Kills { function, count, seed }| ("EMULATOR_KILLS", format!("{function} {count} {seed}"))),
            )
            .envs(hidden_seconds_max.map(|seconds| ("EMULATOR_HIDDEN_MAX", seconds.to_string())))
            .env("PYTHONPATH", root.join("infra/local"))
            .env("HOME", &directory)
            .env("TMPDIR", &temporary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            // Ctrl-C is for us: it ends in an orderly way when we do.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} could not be started", python.display()))?;
        let stdout = child.stdout.take().context("the emulator has no stdout")?;
        Ok((Self { child, port: 0, log, _lock: lock }, stdout))
    }

    pub(crate) fn info(&self, stack_name: &str) -> StackInfo {
        StackInfo {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            region: REGION.to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            stack_name: stack_name.to_owned(),
            outputs: std::collections::BTreeMap::new(),
            pid: self.child.id(),
        }
    }

    pub(crate) fn log_path(&self) -> &Path {
        &self.log
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        match self.end()? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("the emulator ended with {status}:\n{}", last_lines(&self.log)),
            None => bail!("the emulator did not end within {STOP_MAX:?} and was killed:\n{}", last_lines(&self.log)),
        }
    }

    /// Ends its stdin and waits; kills it, which is `None`, if it does not end.
    fn end(&mut self) -> Result<Option<ExitStatus>> {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Nobody is left to be told.
        drop(self.end());
    }
}

/// A new directory, locked; and away with old ones.
fn new_run(runs: &Path) -> std::io::Result<(PathBuf, File)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    fs::create_dir_all(runs)?;
    remove_old(runs)?;
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = runs.join(format!("{}-{number}", std::process::id()));
        match fs::create_dir(&directory) {
            // Of an earlier process with our id.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => (),
            made => {
                made?;
                let lock = File::create(directory.join("lock"))?;
                lock.lock()?;
                return Ok((directory, lock));
            }
        }
    }
}

fn remove_old(runs: &Path) -> std::io::Result<()> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(runs)? {
        // Another process may be removing it just now.
        let Ok(entry) = entry else { continue };
        if let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) {
            directories.push((modified, entry.path()));
        }
    }
    directories.sort();
    for (_, directory) in directories.iter().rev().skip(OLD_RUNS_MAX) {
        let free = File::open(directory.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if free {
            drop(fs::remove_dir_all(directory));
        }
    }
    Ok(())
}

fn last_lines(log: &Path) -> String {
    let content = fs::read(log).unwrap_or_default();
    let content = String::from_utf8_lossy(&content);
    let lines: Vec<_> = content.lines().collect();
    let from = lines.len().saturating_sub(20);
    format!("{}\n(all of it: {})", lines.get(from..).unwrap_or_default().join("\n"), log.display())
}
