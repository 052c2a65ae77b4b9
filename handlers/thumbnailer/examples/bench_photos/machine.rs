//! What is said of the machine, the day and the code that were measured. Linux only.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

/// Processor, cores, memory and kernel, in a line.
pub(crate) fn description() -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo").context("no /proc/cpuinfo")?;
    let memory = fs::read_to_string("/proc/meminfo").context("no /proc/meminfo")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("no kernel's release")?;
    described(&processors, &memory, &kernel).context("/proc says nothing of processor or memory")
}

fn described(processors: &str, memory: &str, kernel: &str) -> Option<String> {
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field(processors, "model name")?;
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let kib: f64 = field(memory, "MemTotal")?.trim_end_matches(" kB").parse().ok()?;
    Some(format!("{model}, {cores} cores, {:.0} GiB, Linux {}", kib / f64::from(1 << 20), kernel.trim()))
}

/// As `2026-11-22`, in UTC.
#[expect(clippy::disallowed_methods, reason = "a report says its day; nothing is decided by it")]
pub(crate) fn today() -> String {
    Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The commit that was measured, marked if anything but results was changed since; nothing where there is no git.
pub(crate) fn commit(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| Command::new("git").args(arguments).current_dir(root).output().ok();
    let head = git(&["rev-parse", "--short", "HEAD"]).filter(|output| output.status.success())?;
    let unchanged = git(&["diff", "--quiet", "HEAD", "--", ".", ":(exclude)infra/bench"])?.status.success();
    let name = String::from_utf8(head.stdout).ok()?;
    Some(format!("{}{}", name.trim(), if unchanged { "" } else { ", with changes" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_in_a_line() {
        let processors = "processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n";
        let line = described(processors, "MemTotal:       16384000 kB\n", "6.12.1\n");
        assert_eq!(line.unwrap(), "AMD EPYC, 2 cores, 16 GiB, Linux 6.12.1");
        assert_eq!(described("", "MemTotal: 1 kB", "6"), None);
    }
}
