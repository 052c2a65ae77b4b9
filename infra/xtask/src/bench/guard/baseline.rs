//! What was counted before, and what a count says beside it.
//!
//! Nothing is counted here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// By how much a count may differ from the baseline, in percent, either way.
pub(super) const BOUND_PERCENT: u64 = 3;

/// What decides how many instructions the same source becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MadeWith {
    pub(super) rustc: String,
    pub(super) target: String,
    pub(super) valgrind: String,
    /// What `memcpy` is.
    pub(super) libc: String,
    /// What the loops over pixels are written in.
    pub(super) avx2: bool,
}

impl MadeWith {
    /// What is another, as `what: before -> now`.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let avx2 = [self.avx2, now.avx2].map(|there| if there { "AVX2" } else { "no AVX2" });
        [
            ("rustc", self.rustc.as_str(), now.rustc.as_str()),
            ("target", &self.target, &now.target),
            ("valgrind", &self.valgrind, &now.valgrind),
            ("C library", &self.libc, &now.libc),
            ("processor", avx2[0], avx2[1]),
        ]
        .into_iter()
        .filter(|(_, before, now)| before != now)
        .map(|(what, before, now)| format!("{what}: {before} -> {now}"))
        .collect()
    }
}

/// `infra/bench/guard.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Baseline {
    pub(super) made_with: MadeWith,
    /// Of each case.
    pub(super) instructions: BTreeMap<String, u64>,
}

/// What a case's count says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Within the bound.
    Same,
    /// Above it: something became slower.
    More,
    /// Below it: the baseline must be made anew, or the next regression hides in the gain.
    Less,
    /// The baseline has a case that is not counted any more.
    Missing,
    /// The baseline does not have this case.
    Unknown,
}

/// A line of the table.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) case: String,
    pub(super) now: Option<u64>,
    pub(super) before: Option<u64>,
    pub(super) verdict: Verdict,
}

impl Row {
    /// More than before, in percent.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(super) fn difference(&self) -> Option<f64> {
        let (now, before) = (self.now? as f64, self.before? as f64);
        Some((now - before) / before * 100.0)
    }
}

/// Every case of either.
pub(super) fn compare(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<Row> {
    let cases: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let row = |case: &String| {
        let (now, before) = (now.get(case).copied(), before.get(case).copied());
        let verdict = match (now, before) {
            (None, _) => Verdict::Missing,
            (_, None) => Verdict::Unknown,
            (Some(now), Some(before)) if now * 100 > before * (100 + BOUND_PERCENT) => Verdict::More,
            (Some(now), Some(before)) if now * 100 < before * (100 - BOUND_PERCENT) => Verdict::Less,
            _ => Verdict::Same,
        };
        Row { case: case.clone(), now, before, verdict }
    };
    cases.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts.iter().map(|(case, count)| ((*case).to_owned(), *count)).collect()
    }

    #[test]
    fn three_percent_either_way_is_the_same() {
        for (now, verdict) in [
            (1000, Verdict::Same),
            (1030, Verdict::Same),
            (1031, Verdict::More),
            (970, Verdict::Same),
            (969, Verdict::Less),
        ] {
            let rows = compare(&counts(&[("keys", 1000)]), &counts(&[("keys", now)]));
            assert_eq!(rows[0].verdict, verdict, "{now}");
        }
    }

    #[test]
    fn a_case_on_one_side_alone_fails() {
        let rows = compare(&counts(&[("gone", 1), ("keys", 5)]), &counts(&[("keys", 5), ("new", 1)]));
        let verdicts: Vec<_> = rows.iter().map(|row| (row.case.as_str(), row.verdict)).collect();
        assert_eq!(verdicts, [("gone", Verdict::Missing), ("keys", Verdict::Same), ("new", Verdict::Unknown)]);
    }

    #[test]
    fn what_another_compiler_is_is_said() {
        let before = MadeWith {
            rustc: "rustc 1.95.0".to_owned(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
            libc: "glibc 2.36".to_owned(),
            avx2: true,
        };
        assert_eq!(before.differences(&before), [""; 0]);
        let now = MadeWith { rustc: "rustc 1.96.0".to_owned(), avx2: false, ..before.clone() };
        assert_eq!(before.differences(&now), ["rustc: rustc 1.95.0 -> rustc 1.96.0", "processor: AVX2 -> no AVX2"]);
    }
}
