//! The way of one photo, by stage, and many of them as a table. Arithmetic only.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::Value;

/// Stages that wait for others, in their order, before the pixels and after them.
const BEFORE: [&str; 3] = ["read", "list", "fetch"];
const AFTER: [&str; 3] = ["put", "commit", "sweep"];

/// How long each part of a photo's way took, in milliseconds.
pub(crate) struct Way {
    put_original: f64,
    until_begun: f64,
    total: f64,
    stages: BTreeMap<String, f64>,
}

/// The line of the log that says that this photo is answered, if it is that.
pub(crate) fn answered(line: &str, photo_id: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
    (line.get("message")? == "photo answered" && line.get("photo.id")? == photo_id).then_some(line)
}

impl Way {
    /// Of a photo whose upload began and ended then, and was answered with this line of the log.
    pub(crate) fn new(begun: Timestamp, put: Timestamp, line: &Value) -> Result<Self> {
        let fields = line.as_object().context("the line is no object")?;
        let mut stages: BTreeMap<String, f64> = fields
            .iter()
            .filter_map(|(name, value)| Some((name.strip_suffix("_ms")?.to_owned(), value.as_f64()?)))
            .collect();
        let total = stages.remove("total").context("the line has no total_ms")?;
        let answered = fields.get("timestamp").and_then(Value::as_str).context("the line has no time")?;
        let answered: Timestamp = answered.parse()?;
        let milliseconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64() * 1e3;
        Ok(Self {
            put_original: milliseconds(begun, put),
            until_begun: milliseconds(put, answered) - total,
            total,
            stages,
        })
    }

    fn of(&self, stage: &str) -> f64 {
        self.stages.get(stage).copied().unwrap_or(0.0)
    }

    /// What the function spent on anything but pixels.
    pub(crate) fn beyond_pixels(&self) -> f64 {
        let waiting: f64 = BEFORE.iter().chain(&AFTER).map(|stage| self.of(stage)).sum();
        self.total - (self.stages.values().sum::<f64>() - waiting)
    }

    /// What no stage has: threads that are waited for, and the like.
    fn between(&self) -> f64 {
        self.total - self.stages.values().sum::<f64>()
    }
}

/// The median of what the function spent on anything but pixels.
pub(crate) fn beyond_pixels_median(ways: &[Way]) -> f64 {
    let mut times: Vec<f64> = ways.iter().map(Way::beyond_pixels).collect();
    times.sort_by(f64::total_cmp);
    at(&times, 50)
}

/// A row for each part of the way.
pub(crate) fn table(ways: &[Way]) -> String {
    let mut pixels: Vec<&str> = ways.iter().flat_map(|way| way.stages.keys().map(String::as_str)).collect();
    pixels.retain(|stage| !BEFORE.contains(stage) && !AFTER.contains(stage));
    pixels.sort_unstable();
    pixels.dedup();
    let mut table = String::from("| stage | median | p90 |\n|---|---|---|\n");
    let mut row = |name: &str, of: &dyn Fn(&Way) -> f64| {
        let mut times: Vec<f64> = ways.iter().map(of).collect();
        times.sort_by(f64::total_cmp);
        let line = writeln!(table, "| {name} | {:.2} | {:.2} |", at(&times, 50), at(&times, 90));
        line.unwrap_or(());
    };
    row("the app puts the original", &|way| way.put_original);
    row("from there to the function", &|way| way.until_begun);
    for stage in BEFORE.into_iter().chain(pixels).chain(AFTER) {
        row(&format!("`{stage}`"), &|way| way.of(stage));
    }
    row("between stages", &Way::between);
    row("**beyond pixels**", &Way::beyond_pixels);
    row("the function, in all", &|way| way.total);
    row("from the put to the outcome", &|way| way.until_begun + way.total);
    table
}

/// The smallest of these sorted times that so many of a hundred do not exceed.
fn at(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-11-22T06:00:01.000Z","message":"photo answered","photo.id":"one",
        "read_ms":2.0,"fetch_ms":3.0,"decode_ms":20.0,"put_ms":4.0,"commit_ms":1.0,"total_ms":31.0}"#;

    #[test]
    fn a_line_is_taken_apart() {
        assert!(answered(LINE, "two").is_none() && answered("no JSON {", "one").is_none());
        let line = answered(&format!("[x] {LINE}"), "one").unwrap();
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let way = Way::new(at("2026-11-22T06:00:00.900Z"), at("2026-11-22T06:00:00.910Z"), &line).unwrap();
        let found = [way.put_original, way.until_begun, way.beyond_pixels(), way.between()];
        for (found, expected) in found.into_iter().zip([10.0, 59.0, 11.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
        let ways = [way];
        assert!((beyond_pixels_median(&ways) - 11.0).abs() < 1e-6);
        let table = table(&ways);
        assert!(table.contains("| `decode` | 20.00 | 20.00 |\n"), "{table}");
        assert!(table.contains("| `sweep` | 0.00 | 0.00 |\n"), "{table}");
    }

    #[test]
    fn a_median_is_one_of_the_times() {
        let times: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(
            [at(&times, 50), at(&times, 90), at(&times[..1], 90)].map(f64::to_bits),
            [5.0, 9.0, 1.0].map(f64::to_bits)
        );
    }
}
