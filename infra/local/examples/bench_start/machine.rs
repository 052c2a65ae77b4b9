//! On which machine something was measured. Linux only.

use std::fs;

/// Such as `2 cores of AMD EPYC`.
pub(crate) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cores} cores of {}", processor.map_or("unknown make", |(_, name)| name))
}
