//! `cargo xtask ci`: everything that must hold before a change lands, in the order of what fails soonest.
//!
//! Stops at the first failure, with the command to repeat. Ends with the tests, and says nothing after them: what
//! they print is the last thing that is read. It does not install tools, but for the template's linter.

use std::path::{Path, absolute};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use coffeeshop_local::package::cargo;
use coffeeshop_local::{python, repo_root};

use crate::{say, tidy};

/// The README's commands for a newcomer, as they stand there. Both are run here, the first in its bounded form.
const TRY_IT: [&str; 2] = ["cargo xtask local", "cargo test --workspace"];

pub(crate) fn run(photos: Option<&Path>) -> Result<()> {
    let root = repo_root();
    // Told apart from the root now, because every command runs there.
    let photos = photos.map(absolute).transpose().context("the folder of photos has no path")?;

    step("format", cargo(&root).args(["fmt", "--all", "--check"]))?;
    step("lints", cargo(&root).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    step("docs", cargo(&root).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    let cfn_lint = python::venv(&root, say)?.tool("cfn-lint");
    step("template", Command::new(cfn_lint).arg("infra/template.yaml").current_dir(&root))?;
    announce("tidy");
    tidy::run()?;
    announce("the README's commands");
    readme(&root)?;
    step("local stack", cargo(&root).args(["xtask", "local", "--once"]))?;
    let mut tests = cargo(&root);
    tests.args(["test", "--workspace"]);
    if let Some(photos) = photos {
        step("local stack, photos taken", cargo(&root).args(["xtask", "local", "--once", "--photos"]).arg(&photos))?;
        tests.env("PHOTOS", photos);
    }
    step("tests", &mut tests)
}

fn announce(name: &str) {
    say(&format!("== {name}"));
}

fn step(name: &str, command: &mut Command) -> Result<()> {
    announce(name);
    let status = command.status().with_context(|| format!("`{}` could not be started", spelled(command)))?;
    ensure!(status.success(), "{name}: `{}` failed ({status})", spelled(command));
    Ok(())
}

/// As a person would type it.
fn spelled(command: &Command) -> String {
    let variables =
        command.get_envs().filter_map(|(name, value)| Some(format!("{}='{}'", name.display(), value?.display())));
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).display().to_string();
    let arguments = command.get_args().map(|argument| argument.display().to_string());
    variables.chain([program]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn readme(root: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root.join("README.md")).context("README.md cannot be read")?;
    let commands = commands_to_try(&text);
    if commands != TRY_IT {
        bail!("README.md: the section \"Try it\" must have exactly the commands {TRY_IT:?}, and has {commands:?}");
    }
    Ok(())
}

/// The lines that begin with `cargo` in the blocks of shell commands below the heading "Try it", without comments.
fn commands_to_try(readme: &str) -> Vec<&str> {
    let mut in_section = false;
    let mut fence = None;
    let mut commands = Vec::new();
    for line in readme.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(language)) => fence = Some(language.trim()),
            (Some(_), Some(_)) => fence = None,
            (None, None) if line.starts_with('#') => in_section = line.trim_start_matches('#').trim() == "Try it",
            (Some("sh"), None) if in_section && line.starts_with("cargo ") => {
                commands.push(line.split(" #").next().unwrap_or(line).trim_end());
            }
            _ => (),
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_section() {
        let readme = "# Cafés\n```sh\ncargo install other\n```\n## Try it\nType\n```sh\ncargo xtask local   # photos\n\
                      # a remark\n```\nwhich prints\n```text\ncargo run\n```\n```sh\ncargo test --workspace\n```\n\
                      ## Deploy\n```sh\ncargo xtask package\n```\n";
        assert_eq!(commands_to_try(readme), TRY_IT);
        assert_eq!(commands_to_try(&readme.replace("## Try it", "## Try that")), [""; 0]);
        assert_eq!(commands_to_try(&readme.replace("test --workspace", "test")), ["cargo xtask local", "cargo test"]);
    }

    #[test]
    fn a_command_is_spelled_as_it_is_typed() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").env_remove("CARGO_PKG_NAME");
        assert_eq!(spelled(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_step_that_fails_says_which_command() {
        let error = step("nothing", &mut Command::new("false")).unwrap_err().to_string();
        assert!(error.starts_with("nothing: `false` failed"), "{error}");
    }
}
