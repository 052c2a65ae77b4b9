//! The functions as Lambda takes them: a zip file each, with the binary in it as `bootstrap`.
//!
//! For the emulator they are built for this machine, as a rule with the profile `local`. Whether a binary would run on AWS is not
//! asked here: `cargo xtask package` does that.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::config;

/// Package and binary of each function.
pub const FUNCTIONS: [(&str, &str); 5] = [
    ("coffeeshop-aggregator", "aggregator"),
    ("coffeeshop-notifier", "notifier"),
    ("coffeeshop-publisher", "publisher"),
    ("coffeeshop-snapshotter", "snapshotter"),
    ("coffeeshop-thumbnailer", "thumbnailer"),
];

/// A function of the template.
pub(crate) struct Zip {
    /// As in `CodeUri: ../target/lambda/{name}.zip`.
    pub(crate) name: &'static str,
    pub(crate) content: Vec<u8>,
}

/// A function as cargo built it.
#[derive(Debug)]
pub struct Binary {
    /// As in [`FUNCTIONS`].
    pub name: &'static str,
    pub path: PathBuf,
}

/// Builds and zips them, to `target/lambda-local/{name}.zip` as well.
pub(crate) fn functions(root: &Path, profile: &str, progress: fn(&str)) -> Result<Vec<Zip>> {
    progress(&format!("building the functions (cargo build --profile {profile})"));
    let to = root.join("target/lambda-local");
    build(root, profile)?
        .into_iter()
        .map(|Binary { name, path }| {
            let binary = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            // The fastest, because this goes a few centimetres.
            let content = zip(&binary, 1).with_context(|| format!("{} cannot be zipped", path.display()))?;
            save(&content, &to, name)?;
            Ok(Zip { name, content })
        })
        .collect()
}

/// Builds all functions with a profile of the workspace.
pub fn build(root: &Path, profile: &str) -> Result<Vec<Binary>> {
    let mut command = cargo(root);
    command.args(["build", "--quiet", "--profile", profile, "--message-format", "json-render-diagnostics"]);
    for (package, binary) in FUNCTIONS {
        command.args(["--package", package, "--bin", binary]);
    }
    let output = command.stderr(Stdio::inherit()).output().context("cargo could not be started")?;
    ensure!(output.status.success(), "the functions could not be built; cargo has said why");
    let artifacts = String::from_utf8(output.stdout).context("cargo's messages are not UTF-8")?;
    FUNCTIONS
        .into_iter()
        .map(|(_, name)| {
            let path = executable(&artifacts, name).with_context(|| format!("cargo built no binary {name}"))?;
            Ok(Binary { name, path })
        })
        .collect()
}

/// The cargo that runs us, in the root of the repository, to be given its arguments.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(config::cargo());
    command.current_dir(root);
    for name in config::cargo_package_variables() {
        command.env_remove(name);
    }
    command
}

/// A zip file with one program in it, `bootstrap`: the same bytes for the same program. Level: 1, fast, to 9, small.
pub fn zip(binary: &[u8], level: i64) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .unix_permissions(0o755)
        .compression_level(Some(level))
        .last_modified_time(zip::DateTime::default());
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

/// A function that always fails, for practice: it says so in its log.
pub(crate) fn always_failing() -> Result<Vec<u8>> {
    zip(include_bytes!("../practice/bootstrap"), 1)
}

/// Writes `{to}/{name}.zip`; renamed into place, because several processes, and threads of one, may do this at once.
pub fn save(content: &[u8], to: &Path, name: &str) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let part = to.join(format!(".{name}.{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let path = to.join(format!("{name}.zip"));
    fs::write(&part, content)
        .and_then(|()| fs::rename(&part, &path))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// Cargo's messages are a JSON object a line.
fn executable(artifacts: &str, name: &str) -> Option<PathBuf> {
    artifacts
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(name))
        .find_map(|message| message.get("executable").and_then(Value::as_str).map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_makes_the_same_zip() {
        let program = b"\x7fELF, as it were".repeat(100);
        let one = zip(&program, 9).unwrap();
        assert_eq!(one, zip(&program, 9).unwrap());

        let mut archive = zip::ZipArchive::new(Cursor::new(&one)).unwrap();
        let file = archive.by_name("bootstrap").unwrap();
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_eq!(file.last_modified(), Some(zip::DateTime::default()));
        assert_eq!(file.size(), 1600);
    }
}
