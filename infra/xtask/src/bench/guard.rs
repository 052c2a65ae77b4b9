//! `cargo xtask bench guard`: instructions under callgrind, against `infra/bench/guard.json`.
//!
//! Instructions, because they are the same each time, on an idle machine and on a busy one; they are not time, and a cache
//! miss counts nothing. What is counted is in the examples below; with `--photo` it judges nothing, and shows where the
//! instructions of one photo go.

mod baseline;
mod callgrind;
mod shares;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Message;
use clap::Args;
use coffeeshop_local::package::cargo;
use coffeeshop_local::repo_root;

use self::baseline::{BOUND_PERCENT, Baseline, MadeWith, Row, Verdict, compare};
use self::callgrind::Profile;
use crate::say;

const BASELINE: &str = "infra/bench/guard.json";

/// Package and example. Each says itself which cases it has.
const PROGRAMS: [(&str, &str); 2] = [("coffeeshop-core", "guard_decisions"), ("coffeeshop-thumbnailer", PHOTOS)];

/// The one that renders.
const PHOTOS: &str = "guard_photos";

/// The case whose profile is shown: most photos are like it.
const USUAL: &str = "large-420";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Write the baseline anew, from what is counted now.
    #[arg(long)]
    renew: bool,
    /// Count one photo instead, and show where its instructions go; nothing is judged.
    #[arg(long, value_name = "FILE", conflicts_with = "renew")]
    photo: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = repo_root();
    let made_with = made_with(&root)?;
    let folder = root.join("target/guard");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let programs = build(&root)?;
    if let Some(photo) = &arguments.photo {
        let photo = absolute(photo).context("the photo has no path")?;
        return profile(&programs, &photo, &folder);
    }
    let mut instructions = BTreeMap::new();
    for program in programs.values() {
        for case in cases(program)? {
            let out = folder.join(format!("{case}.callgrind"));
            let profile = callgrind::count(program, &case, &out)?;
            if case == USUAL {
                show(&profile, &case, &out);
            }
            ensure!(instructions.insert(case.clone(), profile.total()).is_none(), "two programs have a case {case}");
        }
    }
    let now = Baseline { made_with, instructions };
    let path = root.join(BASELINE);
    if arguments.renew {
        let text = serde_json::to_string_pretty(&now)? + "\n";
        fs::write(&path, text).with_context(|| format!("{BASELINE} cannot be written"))?;
        say(&format!("{BASELINE} is what was counted now; commit it, and say why it changed"));
        return Ok(());
    }
    let text = fs::read_to_string(&path);
    let text =
        text.with_context(|| format!("{BASELINE} cannot be read; `cargo xtask bench guard --renew` makes it"))?;
    let before: Baseline = serde_json::from_str(&text).with_context(|| format!("{BASELINE} is no baseline"))?;
    judge(&before, &now)
}

/// What the same source is compiled with, and runs on.
fn made_with(root: &Path) -> Result<MadeWith> {
    let said = |command: &mut Command| -> Result<String> {
        let output = command.current_dir(root).output().context("a program could not be asked for its version")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let valgrind = callgrind::version()?;
    let rustc = said(Command::new("rustc").arg("-vV"))?;
    let field = |name: &str| rustc.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    Ok(MadeWith {
        rustc: rustc.lines().next().unwrap_or_default().to_owned(),
        target: field("host: "),
        valgrind,
        libc: said(Command::new("getconf").arg("GNU_LIBC_VERSION"))?,
        #[cfg(target_arch = "x86_64")]
        avx2: std::arch::is_x86_feature_detected!("avx2"),
        #[cfg(not(target_arch = "x86_64"))]
        avx2: false,
    })
}

/// The programs by name, built as functions are, but with the names of what is in them, which callgrind needs.
fn build(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = cargo(root);
    command.args(["build", "--quiet", "--release", "--message-format", "json-render-diagnostics"]);
    for (package, example) in PROGRAMS {
        command.args(["--package", package, "--example", example]);
        // Of these packages alone, so that all below them is shared with other release builds.
        command.args(["--config", &format!("profile.release.package.{package}.strip=false")]);
    }
    let output = command.stderr(Stdio::inherit()).output().context("cargo could not be started")?;
    ensure!(output.status.success(), "the programs could not be built; cargo has said why");
    let mut programs = BTreeMap::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message.context("cargo's messages cannot be read")?
            && let Some(path) = artifact.executable
        {
            programs.insert(artifact.target.name, path.into());
        }
    }
    for (_, example) in PROGRAMS {
        ensure!(programs.contains_key(example), "cargo built no example {example}");
    }
    Ok(programs)
}

fn cases(program: &Path) -> Result<Vec<String>> {
    let output = Command::new(program).output().with_context(|| format!("{} does not start", program.display()))?;
    let cases: Vec<String> = String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect();
    ensure!(output.status.success() && !cases.is_empty(), "{} has no cases", program.display());
    Ok(cases)
}

fn profile(programs: &BTreeMap<String, PathBuf>, photo: &Path, folder: &Path) -> Result<()> {
    let program = programs.get(PHOTOS).context("there is no program for photos")?;
    let case = photo.to_str().context("the photo's path is not UTF-8")?;
    let out = folder.join("photo.callgrind");
    let profile = callgrind::count(program, case, &out)?;
    show(&profile, case, &out);
    Ok(())
}

fn show(profile: &Profile, case: &str, out: &Path) {
    say(&format!("{case}: {} instructions; by function: callgrind_annotate {}", profile.total(), out.display()));
    say(&shares::table(profile));
}

/// Prints the table, and fails unless every count may stay as it is.
fn judge(before: &Baseline, now: &Baseline) -> Result<()> {
    let rows = compare(&before.instructions, &now.instructions);
    say(&format!("{:<20} {:>15} {:>15} {:>11}", "case", "instructions", "baseline", "difference"));
    rows.iter().map(line).for_each(|line| say(&line));
    let differences = before.made_with.differences(&now.made_with);
    ensure!(
        differences.is_empty(),
        "nothing is judged: the baseline was made with something else, so that a difference may be its doing ({}). \
         Renew the baseline on a commit that is known to be good (--renew), then come back to this one.",
        differences.join("; ")
    );
    let failed = rows.iter().filter(|row| row.verdict != Verdict::Same);
    let failed: Vec<&str> = failed.map(|row| row.case.as_str()).collect();
    ensure!(
        failed.is_empty(),
        "not as the baseline says, within {BOUND_PERCENT}%: {}. What is meant to be so is renewed with --renew; a gain too, \
         or the next loss of as much goes unseen.",
        failed.join(", ")
    );
    Ok(())
}

fn line(row: &Row) -> String {
    let number = |count: Option<u64>| count.map_or("none".to_owned(), |count| count.to_string());
    let difference = row.difference().map_or(String::new(), |percent| format!("{percent:+.2} %"));
    let remark = match row.verdict {
        Verdict::Same => "",
        Verdict::More => "  MORE",
        Verdict::Less => "  less",
        Verdict::Missing => "  MISSING: it is not counted any more",
        Verdict::Unknown => "  UNKNOWN: the baseline does not have it",
    };
    format!("{:<20} {:>15} {:>15} {difference:>11}{remark}", row.case, number(row.now), number(row.before))
}
