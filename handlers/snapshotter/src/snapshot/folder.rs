//! Where the objects of a snapshot lie: Hive's way of naming partitions, so that readers have them as columns.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// What the manifest is called. Engines leave names that begin so alone.
const MANIFEST: &str = "_manifest.json";

/// The folder of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    dataset: &'static str,
    /// Of UTC.
    at: DateTime,
    /// Such as `scores/dt=2026-11-22/hour=04`.
    path: String,
}

/// Such as `scores/dt=2026-11-22`.
fn day(dataset: &str, at: DateTime) -> String {
    format!("{dataset}/dt={}", at.date())
}

impl Folder {
    /// That of the hour of UTC which `time` is in.
    pub fn of_hour(dataset: &'static str, time: Timestamp) -> Self {
        let at = Offset::UTC.to_datetime(time);
        Self { dataset, at, path: format!("{}/hour={:02}", day(dataset, at), at.hour()) }
    }

    /// That of the day of UTC which `time` is in.
    pub fn of_day(dataset: &'static str, time: Timestamp) -> Self {
        let at = Offset::UTC.to_datetime(time);
        Self { dataset, at, path: day(dataset, at) }
    }

    /// The key of a file.
    pub fn file(&self, number: u32) -> String {
        format!("{}/part-{number:05}.parquet", self.path)
    }

    /// The key of the manifest.
    pub fn manifest(&self) -> String {
        format!("{}/{MANIFEST}", self.path)
    }

    /// The key of the object that says which snapshot of the dataset is the newest.
    pub fn latest(&self) -> String {
        format!("{}/latest.json", self.dataset)
    }

    /// What the keys of all snapshots of the dataset begin with.
    pub fn all(&self) -> String {
        format!("{}/dt=", self.dataset)
    }

    /// What the keys of the snapshots of this day and of the day before begin with.
    pub fn recent(&self) -> [String; 2] {
        let yesterday = self.at.yesterday().unwrap_or(self.at);
        [yesterday, self.at].map(|at| day(self.dataset, at) + "/")
    }
}

/// Whether an object is a manifest.
pub(super) fn is_manifest(key: &str) -> bool {
    folder_of(key).1 == MANIFEST
}

/// A key's folder, and its name in there.
pub(super) fn folder_of(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_lies_where_its_watermark_says() {
        let time = "2026-03-01T00:59:59.999999Z".parse().unwrap();
        let hour = Folder::of_hour("scores", time);
        assert_eq!(hour.file(7), "scores/dt=2026-03-01/hour=00/part-00007.parquet");
        assert_eq!(hour.manifest(), "scores/dt=2026-03-01/hour=00/_manifest.json");
        assert_eq!(hour.latest(), "scores/latest.json");
        assert_eq!(hour.recent(), ["scores/dt=2026-02-28/", "scores/dt=2026-03-01/"]);
        let day = Folder::of_day("photos", time);
        assert_eq!(day.file(0), "photos/dt=2026-03-01/part-00000.parquet");
        assert_eq!(day.manifest(), "photos/dt=2026-03-01/_manifest.json");
        assert!(is_manifest(&day.manifest()) && !is_manifest(&day.file(0)));
    }
}
