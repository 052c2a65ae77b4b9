//! What each setting of the release build brings: the thumbnailer built without it, beside the one that is released.
//!
//! Only what cargo's profile can say is tried here; each needs a whole build, which takes minutes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use coffeeshop_aws::SystemClock;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_local::package::{self, cargo};

use crate::api::{Api, First};
use crate::{LEVEL, STARTS, machine, median_and_ends, megabytes, start};

/// Begins this part of the report.
pub(crate) const HEADING: &str = "## What each setting brings";

/// How the thumbnailer was built, and where it is.
pub(crate) type Build = (&'static str, PathBuf);

/// As it is released, then a build for each setting of `[profile.release]` that is taken away. All of the thumbnailer
/// alone: beside other functions it would be built with the features of all.
pub(crate) fn build(root: &Path) -> Result<Vec<Build>> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("Cargo.toml cannot be read")?;
    let made_small = made_small(&manifest);
    ensure!(!made_small.is_empty(), "Cargo.toml makes no crate small in [profile.release]");
    let fast = made_small.iter().map(|package| format!("profile.release.package.{package}.opt-level=3")).collect();
    let settings = [
        ("as it is released", Vec::new()),
        ("thin LTO instead of fat", vec!["profile.release.lto='thin'".to_owned()]),
        ("16 units of code instead of one", vec!["profile.release.codegen-units=16".to_owned()]),
        ("`opt-level` 3 for the SDK and HTTP too", fast),
    ];
    // Away from the folder of other builds, where each would take the place of the program that is released.
    let folder = root.join("target/bench/start");
    settings
        .into_iter()
        .enumerate()
        .map(|(number, (name, settings))| {
            let mut command = cargo(root);
            command.args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "coffeeshop-thumbnailer",
                "--bin",
                "thumbnailer",
            ]);
            command.arg("--target-dir").arg(&folder);
            command.args(settings.iter().flat_map(|setting| ["--config", setting]));
            let status = command.status().context("cargo could not be started")?;
            ensure!(status.success(), "the thumbnailer could not be built: {name}");
            let program = folder.join(format!("thumbnailer-{number}"));
            fs::copy(folder.join("release/thumbnailer"), &program)?;
            Ok((name, program))
        })
        .collect()
}

/// The packages of `[profile.release.package.*]`.
fn made_small(manifest: &str) -> Vec<&str> {
    manifest.lines().filter_map(|line| line.strip_prefix("[profile.release.package.")?.strip_suffix(']')).collect()
}

/// A row for each build. They take turns, so that what else the machine does meets all of them.
pub(crate) async fn table(api: &Api, builds: &[Build]) -> Result<String> {
    let mut times = vec![(Vec::new(), Vec::new()); builds.len()];
    for _ in 0..STARTS {
        for ((_, program), (nothing, photo)) in builds.iter().zip(&mut times) {
            nothing.push(start(api, program, First::Nothing).await?.1);
            photo.push(start(api, program, First::Photo).await?.1);
        }
    }
    let (date, machine) = (SystemClock.now().strftime("%Y-%m-%d"), machine::described());
    let mut table = format!(
        "{HEADING}\n\nBy `cargo xtask bench start --without`, {date}, on {machine}. Milliseconds to the first answer, median \
         of {STARTS}, the builds in turn.\n\n\
         | thumbnailer | zip, MB | unpacked, MB | S3's test event, ms | a small photo, ms |\n|---|---|---|---|---|\n"
    );
    for ((name, program), (nothing, photo)) in builds.iter().zip(times) {
        let content = fs::read(program)?;
        let sizes = [package::zip(&content, LEVEL)?.len(), content.len()].map(megabytes).join(" | ");
        let [nothing, photo] = [nothing, photo].map(|times| median_and_ends(times)[0]);
        writeln!(table, "| {name} | {sizes} | {nothing:.1} | {photo:.1} |")?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_small_stands_in_the_manifest() {
        let manifest = "[profile.dev.package.a]\nopt-level = 3\n[profile.release.package.b-c]\nopt-level = \"s\"\n";
        assert_eq!(made_small(manifest), ["b-c"]);
    }
}
