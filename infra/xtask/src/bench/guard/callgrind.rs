//! Callgrind: run on a program, and its profile read.
//!
//! Which numbers are good is not known here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// The function in which is counted, as the examples call it. Callgrind counts from its call to its return.
const COUNTED: &str = "--toggle-collect=*counted_by_callgrind*";

/// What Debian has.
const INSTALL: &str = "valgrind is not installed. On Debian: `sudo apt-get install valgrind`; then run this again.";

/// Instructions by function: what each executed itself, without what it called.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Profile(pub(super) BTreeMap<String, u64>);

impl Profile {
    /// All instructions that were counted.
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// `valgrind-3.19.0`; an error that says how to install it when there is none.
pub(super) fn version() -> Result<String> {
    let output = Command::new("valgrind").arg("--version").output();
    let Ok(output) = output else { bail!(INSTALL) };
    ensure!(output.status.success(), INSTALL);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Does a case of a program under callgrind, which leaves its whole profile at `out`.
pub(super) fn count(program: &Path, case: &str, out: &Path) -> Result<Profile> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", COUNTED]).arg(format!("--callgrind-out-file={}", out.display()));
    // Nothing of who calls may change what the program does.
    valgrind.env_clear().env("PATH", "/usr/bin:/bin").arg(program).arg(case);
    let output = valgrind.output().context("valgrind could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{case}: valgrind, or what it ran, failed ({}):\n{said}", output.status);
    let text = fs::read_to_string(out).with_context(|| format!("{} cannot be read", out.display()))?;
    let profile = parse(&text).with_context(|| format!("{} is not what callgrind writes", out.display()))?;
    ensure!(
        profile.total() > 0,
        "{case}: nothing was counted: is the function of {COUNTED} still there, with its name?"
    );
    Ok(profile)
}

/// Reads callgrind's format: lines `fn=(id) name` (later `fn=(id)`), below them lines of a position and a count. The line
/// after `calls=` is of what was called, and counted there.
fn parse(text: &str) -> Result<Profile> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut profile = Profile::default();
    let (mut function, mut of_call) = ("", false);
    for line in text.lines() {
        if let Some(reference) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (id, name) = reference.split_once(' ').unwrap_or((reference, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            if line.starts_with("fn=") {
                function = names.get(id).copied().context("a function has no name")?;
            }
        } else if line.starts_with("calls=") {
            of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut of_call)
        {
            let count = line.split(' ').nth(1).context("a line has no count")?;
            *profile.0.entry(function.to_owned()).or_default() += count.parse::<u64>()?;
        }
    }
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: ")).context("there are no totals")?;
    let total: u64 = totals.trim().parse()?;
    ensure!(total == profile.total(), "the lines add up to {}, not to {total}", profile.total());
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As callgrind 3.19 writes it: names are said once, positions may be relative.
    const TEXT: &str = "version: 1\ncreator: callgrind-3.19.0\npid: 7\ncmd: ./guard keys\nevents: Ir\nsummary: 137\n\n\
        ob=(1) /guard\nfl=(1) ???\nfn=(1) outer\n0 30\n+2 7\ncfn=(2) inner\ncalls=2 0\n0 100\n\nfn=(2)\n0 60\n* 40\n\n\
        totals: 137\n";

    #[test]
    fn each_instruction_is_counted_where_it_was_executed() {
        let profile = parse(TEXT).unwrap();
        assert_eq!(profile.0, BTreeMap::from([("outer".to_owned(), 37), ("inner".to_owned(), 100)]));
    }

    #[test]
    fn a_profile_that_does_not_add_up_is_refused() {
        for broken in [TEXT.replace("totals: 137", "totals: 138"), TEXT.replace("totals: 137\n", ""), String::new()] {
            parse(&broken).unwrap_err();
        }
    }
}
