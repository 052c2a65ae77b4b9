//! What was measured, as `infra/bench/photos.json` has it; the report and the charts are made of this alone.
//!
//! Milliseconds are user and system time of a process, on as many cores as it used; memory is resident, in MiB.

use serde::Serialize;

use crate::goals::Goal;
use crate::pictures::Picture;
use crate::statistics::{highest, lowest, mean, median};

/// A run.
#[derive(Serialize)]
pub(crate) struct Results {
    pub(crate) machine: String,
    /// In UTC.
    pub(crate) date: String,
    pub(crate) commit: Option<String>,
    pub(crate) rounds: usize,
    /// Whether the photos are none, but pictures made for the run.
    pub(crate) own_pictures: bool,
    pub(crate) photos: Vec<Photo>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) engines: Vec<Measured>,
}

/// A photo of the set.
#[derive(Serialize)]
pub(crate) struct Photo {
    file: String,
    megapixels: f64,
    bytes: u64,
}

impl From<&Picture> for Photo {
    fn from(picture: &Picture) -> Self {
        Self { file: picture.name.clone(), megapixels: picture.megapixels, bytes: picture.bytes }
    }
}

/// A peer that could not be measured.
#[derive(Debug, Serialize)]
pub(crate) struct Missing {
    pub(crate) name: &'static str,
    pub(crate) reason: String,
}

/// What an engine takes and gives.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    /// Of the set: the median, the least and the most of the photos' medians.
    pub(crate) cpu_ms_median: f64,
    pub(crate) cpu_ms_lowest: f64,
    pub(crate) cpu_ms_highest: f64,
    /// Of the set: the mean of the photos' medians. What is paid for is this, times photos.
    pub(crate) cpu_ms_mean: f64,
    /// What a process takes before its first photo; in none of the other numbers.
    pub(crate) start_up_cpu_ms: f64,
    /// Of a process before its first photo.
    pub(crate) rss_idle_mib: f64,
    /// Of one that did all photos in all rounds.
    pub(crate) rss_set_peak_mib: f64,
    /// All renditions of all photos.
    pub(crate) bytes: u64,
    pub(crate) ssimulacra2_1080: Option<f64>,
    pub(crate) ssimulacra2_480: Option<f64>,
    /// By the clock, medians of the set; only ours.
    pub(crate) stages_ms: Vec<(String, f64)>,
    pub(crate) photos: Vec<OfPhoto>,
    /// The same scene in growing sizes.
    pub(crate) sizes: Vec<OfSize>,
}

/// What an engine takes for a photo, and gives.
#[derive(Serialize)]
pub(crate) struct OfPhoto {
    pub(crate) file: String,
    /// Of the rounds.
    pub(crate) cpu_ms_median: f64,
    pub(crate) cpu_ms_lowest: f64,
    pub(crate) cpu_ms_highest: f64,
    /// Of the renditions 1080, 480 and 160.
    pub(crate) bytes: [u64; 3],
    pub(crate) ssimulacra2_1080: Option<f64>,
    pub(crate) ssimulacra2_480: Option<f64>,
}

/// What an engine takes for a picture of a size.
#[derive(Serialize)]
pub(crate) struct OfSize {
    pub(crate) picture: String,
    pub(crate) megapixels: f64,
    pub(crate) progressive: bool,
    /// Of the file.
    pub(crate) bytes: u64,
    pub(crate) cpu_ms_median: f64,
    /// Of a process that did this one, once.
    pub(crate) rss_peak_mib: f64,
    /// How much that is above what the same process had before.
    pub(crate) rss_above_idle_mib: f64,
}

/// Rounds of one photo, in milliseconds: median, least and most. `NaN` of no rounds.
pub(crate) fn spread(rounds: &[f64]) -> [f64; 3] {
    let values = || rounds.iter().copied();
    [median(values()), lowest(values()), highest(values())].map(|value| value.unwrap_or(f64::NAN))
}

impl Measured {
    /// What follows from the photos.
    pub(crate) fn summed(mut self) -> Self {
        let medians: Vec<f64> = self.photos.iter().map(|photo| photo.cpu_ms_median).collect();
        [self.cpu_ms_median, self.cpu_ms_lowest, self.cpu_ms_highest] = spread(&medians);
        self.cpu_ms_mean = mean(medians).unwrap_or(f64::NAN);
        self.bytes = self.photos.iter().flat_map(|photo| photo.bytes).sum();
        self.ssimulacra2_1080 = mean(self.photos.iter().filter_map(|photo| photo.ssimulacra2_1080));
        self.ssimulacra2_480 = mean(self.photos.iter().filter_map(|photo| photo.ssimulacra2_480));
        self
    }

    pub(crate) fn size(&self, picture: &str) -> Option<&OfSize> {
        self.sizes.iter().find(|size| size.picture == picture)
    }
}

/// Engines for the tests of what is made of them.
#[cfg(test)]
pub(crate) mod examples {
    use super::*;

    /// One photo of so many milliseconds, bytes and likeness, and so much memory for 12 and 24 megapixels above 10 when idle.
    pub(crate) fn engine(name: &'static str, cpu_ms: f64, bytes: u64, alike: f64, peak: f64) -> Measured {
        let size = |picture: &str, megapixels| OfSize {
            picture: picture.to_owned(),
            megapixels,
            progressive: false,
            bytes: 1,
            cpu_ms_median: cpu_ms * megapixels / 12.0,
            rss_peak_mib: peak,
            rss_above_idle_mib: peak - 10.0,
        };
        let photo = OfPhoto {
            file: "cup.jpg".to_owned(),
            cpu_ms_median: cpu_ms,
            cpu_ms_lowest: cpu_ms - 1.0,
            cpu_ms_highest: cpu_ms + 1.0,
            bytes: [bytes, 0, 0],
            ssimulacra2_1080: Some(alike),
            ssimulacra2_480: Some(alike),
        };
        Measured {
            name,
            version: "1".to_owned(),
            cpu_ms_median: 0.0,
            cpu_ms_lowest: 0.0,
            cpu_ms_highest: 0.0,
            cpu_ms_mean: 0.0,
            start_up_cpu_ms: 1.0,
            rss_idle_mib: 10.0,
            rss_set_peak_mib: peak,
            bytes: 0,
            ssimulacra2_1080: None,
            ssimulacra2_480: None,
            stages_ms: Vec::new(),
            photos: vec![photo],
            sizes: vec![size("12 MP", 12.0), size("24 MP", 24.0)],
        }
        .summed()
    }
}
