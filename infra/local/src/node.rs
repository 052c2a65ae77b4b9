//! Node's sharp under `target/`, for the bench of photos.
//!
//! Installs exactly what `infra/local/sharp/package-lock.json` names, by hash, and runs no script of any package. It does not
//! install Node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::python::{COMPLETE, lock, run};

const FILES: [&str; 2] = ["package.json", "package-lock.json"];
const INSTALL: &str = "Node with npm is needed (Debian, Ubuntu: `apt install nodejs npm`), and, once, npm's registry.";

/// The folder `node_modules`, made if there is none yet. Several processes may ask at once.
pub fn sharp(root: &Path, progress: fn(&str)) -> Result<PathBuf> {
    let from = root.join("infra/local/sharp");
    let mut contents = Vec::new();
    let mut hash = Sha256::new();
    for name in FILES {
        let path = from.join(name);
        let content = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        hash.update(&content);
        contents.push((name, content));
    }
    let hash: String = hex::encode(hash.finalize()).chars().take(12).collect();

    let parent = root.join("target/bench");
    let directory = parent.join(format!("sharp-{hash}"));
    fs::create_dir_all(&directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let _lock = lock(&parent.join("sharp.lock"), "sharp", progress)?;
    if !directory.join(COMPLETE).exists() {
        progress("installing sharp under target/bench (once; under a minute)");
        for (name, content) in contents {
            fs::write(directory.join(name), content).context("npm's files cannot be written")?;
        }
        // Removes what is there of an installation that was broken off.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(arguments).current_dir(&directory), INSTALL)?;
        fs::write(directory.join(COMPLETE), "").context("the installation cannot be marked as complete")?;
    }
    Ok(directory.join("node_modules"))
}
