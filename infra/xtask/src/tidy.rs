//! `cargo xtask tidy`: what must hold of the repository itself, which no compiler asks.
//!
//! Collects the repository here; each check is a pure function over that, which returns all it found. It does not know
//! what the code does, and does not change anything.

mod dependencies;
mod fixtures;
mod layout;
mod sources;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::say;

/// Something to be put right: where, and what to do.
#[derive(Clone, Debug)]
struct Finding {
    place: String,
    remedy: String,
}

impl Finding {
    fn new(place: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.remedy)
    }
}

/// A file of the repository.
#[derive(Debug)]
struct File {
    /// From the root, with `/`.
    path: String,
    /// Empty unless it is Rust or Markdown.
    text: String,
}

impl File {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

pub(crate) fn run() -> Result<()> {
    let root = coffeeshop_local::repo_root();
    let files = files(&root)?;
    let deny = fs::read_to_string(root.join("deny.toml")).context("deny.toml cannot be read")?;
    let policy = dependencies::Policy::parse(&deny).context("deny.toml")?;
    let packages = dependencies::packages(&root, &policy)?;

    let findings = [
        sources::layers(&files),
        sources::environment(&files),
        sources::documentation(&files),
        sources::length(&files),
        layout::top_level(&files),
        layout::links(&files),
        fixtures::described(&files),
        dependencies::layers(&packages),
        dependencies::licences(&packages, &policy),
        dependencies::origins(&packages),
    ]
    .concat();
    for finding in &findings {
        say(&finding.to_string());
    }
    ensure!(findings.is_empty(), "tidy: {} to put right", findings.len());
    say(&format!("{} files and {} packages are as they should be", files.len(), packages.len()));
    Ok(())
}

/// What is committed, and what would be.
fn files(root: &Path) -> Result<Vec<File>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.output().context("git could not be started")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).context("the name of a file is not UTF-8")?;
    list.split_terminator('\0')
        .filter(|path| root.join(path).is_file())
        .map(|path| {
            let mut file = File { path: path.to_owned(), text: String::new() };
            if file.is("rs") || file.is("md") {
                file.text = fs::read_to_string(root.join(path)).with_context(|| format!("{path} cannot be read"))?;
            }
            Ok(file)
        })
        .collect()
}

#[cfg(test)]
mod testing {
    use super::{File, Finding};

    pub(super) fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    /// A line a finding, in the order found.
    #[track_caller]
    pub(super) fn check(findings: &[Finding], expected: &[&str]) {
        let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }
}
