//! The operator's command, as a person would type it: `cargo coffeeshop .. --local`.
//!
//! It is run as a program of its own, so that what it says is what that person would read.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use coffeeshop_local::package::cargo;
use coffeeshop_local::repo_root;

/// Builds it, so that it answers at once later on.
pub(crate) fn build() -> Result<()> {
    let status = cargo(&repo_root()).args(["build", "--quiet", "--package", "coffeeshop-operator"]).status();
    ensure!(status.context("cargo could not be started")?.success(), "the operator's command could not be built");
    Ok(())
}

fn command(arguments: &[&str]) -> Command {
    let mut command = cargo(&repo_root());
    command.arg("coffeeshop").args(arguments).arg("--local");
    command
}

/// Runs it for whoever looks on.
pub(crate) fn show(arguments: &[&str]) -> Result<()> {
    let status = command(arguments).status().context("cargo could not be started")?;
    ensure!(status.success(), "`{}` failed ({status})", typed(arguments));
    Ok(())
}

/// Runs it for its lines.
pub(crate) fn lines(arguments: &[&str]) -> Result<Vec<String>> {
    let output = command(arguments).stderr(Stdio::inherit()).output().context("cargo could not be started")?;
    ensure!(output.status.success(), "`{}` failed ({})", typed(arguments), output.status);
    let text = String::from_utf8(output.stdout).context("the command's output is not UTF-8")?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// As it is typed.
pub(crate) fn typed(arguments: &[&str]) -> String {
    format!("cargo coffeeshop {} --local", arguments.join(" "))
}
