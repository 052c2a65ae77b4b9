//! Python virtual environments under `target/`: one with the emulator and the template's linter in it, and others for who
//! reads the datasets.
//!
//! Installs exactly what a file such as `infra/local/requirements.txt` names, by hash. It does not install Python.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::config;

const VERSION_MIN: (u32, u32) = (3, 10);
/// In the order in which they are tried.
const NAMES: [&str; 7] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
const INSTALL: &str = "Install Python 3.10 or newer with its venv module (Debian, Ubuntu: `apt install python3 python3-venv`; \
     Fedora: `dnf install python3`; macOS: `brew install python`).";
/// Written last: an environment without it is half made, and is made anew.
pub(crate) const COMPLETE: &str = "complete";

/// An environment that is complete.
#[derive(Debug, Clone)]
pub struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// The path of a program in it, such as `python` or `cfn-lint`.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.directory.join("bin").join(name)
    }
}

/// An environment that there may be.
struct Kind {
    /// What is in it, for who waits for it.
    content: &'static str,
    /// The file in `infra/local` that names each package.
    requirements: &'static str,
    /// Another, of packages that come as source alone.
    sources: Option<&'static str>,
    /// Where below `target/`.
    folder: &'static str,
}

/// The environment with the emulator, made if there is none yet. Several processes may ask at once.
pub fn venv(root: &Path, progress: fn(&str)) -> Result<Venv> {
    let emulator =
        Kind { content: "the emulator", requirements: "requirements.txt", sources: None, folder: "emulator" };
    made(&emulator, root, progress)
}

/// The environment with `DuckDB` and Polars, made if there is none yet. Several processes may ask at once.
pub fn analytics(root: &Path, progress: fn(&str)) -> Result<Venv> {
    let analytics =
        Kind { content: "DuckDB and Polars", requirements: "analytics.txt", sources: None, folder: "analytics" };
    made(&analytics, root, progress)
}

/// The environment with what the bench of snapshots measures beside, made if there is none yet. Several processes may ask
/// at once.
pub fn bench(root: &Path, progress: fn(&str)) -> Result<Venv> {
    made(&Kind { content: "pyarrow", requirements: "bench.txt", sources: None, folder: "bench" }, root, progress)
}

/// The environment with what the bench of photos measures beside, made if there is none yet. Several processes may ask at
/// once.
pub fn photos(root: &Path, progress: fn(&str)) -> Result<Venv> {
    let photos = Kind {
        content: "pyvips and Pillow",
        requirements: "photos.txt",
        sources: Some("photos-source.txt"),
        folder: "bench",
    };
    made(&photos, root, progress)
}

fn made(kind: &Kind, root: &Path, progress: fn(&str)) -> Result<Venv> {
    let python = find(&config::search_path())?;
    let file = |name: &str| root.join("infra/local").join(name);
    let (requirements, sources) = (file(kind.requirements), kind.sources.map(file));
    let mut hash = Sha256::new();
    for path in std::iter::once(&requirements).chain(&sources) {
        hash.update(fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?);
    }
    let hash: String = hex::encode(hash.finalize()).chars().take(12).collect();
    let (major, minor) = python.version;

    let parent = root.join("target").join(kind.folder);
    let directory = parent.join(format!("venv-{major}.{minor}-{hash}"));
    fs::create_dir_all(&parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let _lock = lock(&parent.join("venv.lock"), kind.content, progress)?;
    if !directory.join(COMPLETE).exists() || !directory.join("bin/python").exists() {
        progress(&format!("installing {} under target/{} (once; under a minute)", kind.content, kind.folder));
        make(&python.program, &directory, &requirements, sources.as_deref())?;
    }
    Ok(Venv { directory })
}

/// Holds others up who would install the same, until it is dropped.
pub(crate) fn lock(path: &Path, content: &str, progress: fn(&str)) -> Result<File> {
    let file = File::create(path).with_context(|| format!("{} cannot be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            progress(&format!("waiting for another process that installs {content}"));
        }
        Err(TryLockError::Error(_)) => (), // said below, where it happens again
    }
    file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(file)
}

fn make(python: &Path, directory: &Path, requirements: &Path, sources: Option<&Path>) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("{} cannot be removed", directory.display()))?;
    }
    run(Command::new(python).args(["-m", "venv"]).arg(directory), INSTALL)?;
    let install = |how: &[&str], requirements: &Path| {
        run(
            Command::new(directory.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
                .args(["--require-hashes", "--requirement"])
                .arg(requirements)
                .args(how)
                // What is built here uses no library of the system's.
                .env("PKG_CONFIG_LIBDIR", "/nonexistent"),
            "Is the Python package index within reach? It is needed once.",
        )
    };
    install(&["--only-binary", ":all:"], requirements)?;
    if let Some(sources) = sources {
        install(&["--no-binary", ":all:", "--no-deps", "--no-build-isolation"], sources)?;
    }
    fs::write(directory.join(COMPLETE), "").context("the new environment cannot be marked as complete")
}

/// Runs a program that says nothing but what is wrong.
pub(crate) fn run(command: &mut Command, advice: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?} could not be started. {advice}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}{}\n{advice}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Python {
    program: PathBuf,
    version: (u32, u32),
}

/// The first Python on the path that is new enough and can make an environment; else says what is wrong with which.
fn find(search_path: &OsStr) -> Result<Python> {
    let mut unfit = Vec::new();
    for name in NAMES {
        for directory in std::env::split_paths(search_path) {
            let program = directory.join(name);
            match program.is_file().then(|| probe(&program)) {
                Some(Ok(python)) => return Ok(python),
                Some(Err(reason)) => unfit.push(format!("{} {reason}", program.display())),
                None => (),
            }
        }
    }
    if unfit.is_empty() {
        bail!("Python is needed, and there is none on the path. {INSTALL}");
    }
    bail!("Python is needed, and none on the path will do: {}. {INSTALL}", unfit.join("; "));
}

/// Asks a Python what it is. What is wrong with it is a sentence without its subject.
fn probe(program: &Path) -> Result<Python, String> {
    const QUESTION: &str = "import sys\ntry:\n import ensurepip, venv\n can = 1\nexcept ImportError:\n can = 0\n\
                            print(sys.version_info[0], sys.version_info[1], can)";
    let output =
        Command::new(program).args(["-c", QUESTION]).output().map_err(|error| format!("does not run: {error}"))?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u32> = answer.split_whitespace().map_while(|number| number.parse().ok()).collect();
    let &[major, minor, can_make_environments] = numbers.as_slice() else {
        return Err(format!("does not answer ({})", output.status));
    };
    if (major, minor) < VERSION_MIN {
        return Err(format!("is Python {major}.{minor}"));
    }
    if can_make_environments == 0 {
        return Err(format!("is Python {major}.{minor} without its module venv"));
    }
    Ok(Python { program: program.to_owned(), version: (major, minor) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with a Python that gives one answer.
    fn path_with(case: &str, name: &str, answer: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("coffeeshop-python-{}-{case}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        // Written by another process: a file that this one holds open for writing while another test starts a process
        // is inherited by that, and then cannot be run ("Text file busy").
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 755 "$0""#;
        let written = Command::new("sh").args(["-c", write]).arg(directory.join(name)).arg(answer).status().unwrap();
        assert!(written.success());
        directory
    }

    #[track_caller]
    fn check(case: &str, name: &str, answer: &str, expected: Result<(u32, u32), &str>) {
        let directory = path_with(case, name, answer);
        let found = find(directory.as_os_str());
        match expected {
            Ok(version) => assert_eq!(found.unwrap(), Python { program: directory.join(name), version }),
            Err(part) => {
                let message = found.unwrap_err().to_string();
                assert!(message.contains(part) && message.contains("Install Python 3.10 or newer"), "{message}");
            }
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_python_is_found_or_the_error_says_what_is_wrong_with_each() {
        check("fits", "python3", "echo 3 12 1", Ok((3, 12)));
        check("unusual-name", "python3.14", "echo 3 14 1", Ok((3, 14)));
        check("oldest", "python", "echo 3 10 1", Ok((3, 10)));
        check("old", "python3", "echo 3 9 1", Err("python3 is Python 3.9."));
        check("two", "python", "echo 2 7 0", Err("python is Python 2.7."));
        check("no-venv", "python3", "echo 3 11 0", Err("is Python 3.11 without its module venv"));
        check("broken", "python3", "exit 127", Err("does not answer"));
        check("none", "perl", "true", Err("there is none on the path"));
    }

    #[test]
    fn a_second_python_may_do_where_the_first_does_not() {
        let directory = path_with("second", "python3", "echo 3 8 1");
        path_with("second", "python3.13", "echo 3 13 1");
        assert_eq!(find(directory.as_os_str()).unwrap().version, (3, 13));
        fs::remove_dir_all(directory).unwrap();
    }
}
