//! What became of the goals that were set for the photo path. Nothing fails if one is missed.

use serde::Serialize;

use crate::engine::{OURS, SHARP};
use crate::results::Measured;
use crate::statistics::{highest, lowest, mean};

/// At most this share of usual sharp's time.
const CPU_OF_USUAL_MAX: f64 = 1.0 / 2.2;
/// And less than the whole of its best form's.
const CPU_OF_BEST_MAX: f64 = 1.0;
const LOSS_MEAN_MAX: f64 = 0.1;
const LOSS_MAX: f64 = 1.0;
const BYTES_MAX: f64 = 1.01;
const RSS_OF_SHARP_MAX: f64 = 0.25;
const RSS_ABOVE_IDLE_MAX_MIB: f64 = 24.0;

/// A number that should be at most another.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) at_most: f64,
    /// `None`: what it is compared with is missing.
    pub(crate) measured: Option<f64>,
}

impl Goal {
    /// In words: met, or missed by how much.
    pub(crate) fn verdict(&self) -> String {
        match self.measured {
            Some(measured) if measured <= self.at_most => "met".to_owned(),
            Some(measured) if measured.is_finite() => format!("missed by {:.3}", measured - self.at_most),
            _ => "not judged: nothing to compare with".to_owned(),
        }
    }
}

/// Each goal; where sharp's two forms differ, the one that is harder to meet counts.
pub(crate) fn judged(engines: &[Measured]) -> Vec<Goal> {
    let find = |name: &str| engines.iter().find(|engine| engine.name == name);
    let ours = find(OURS);
    let [usual, best] = SHARP.map(find);
    let sharps: Vec<&Measured> = [usual, best].into_iter().flatten().collect();
    let cpu = |than: Option<&Measured>| Some(ours?.cpu_ms_mean / than?.cpu_ms_mean);
    let bytes = lowest(sharps.iter().map(|sharp| to_f64(sharp.bytes)));
    let losses: Vec<Vec<f64>> = sharps.iter().filter_map(|sharp| Some(ours?).map(|ours| losses(ours, sharp))).collect();
    let goal = |what: &str, at_most, measured| Goal { what: what.to_owned(), at_most, measured };
    let mut goals = vec![
        goal("CPU, ours / `sharp, usual`", CPU_OF_USUAL_MAX, cpu(usual)),
        goal("CPU, ours / `sharp, best`", CPU_OF_BEST_MAX, cpu(best)),
        goal(
            "SSIMULACRA2 at 1080 below sharp's, mean",
            LOSS_MEAN_MAX,
            highest(losses.iter().filter_map(|losses| mean(losses.iter().copied()))),
        ),
        goal("SSIMULACRA2 at 1080 below sharp's, worst photo", LOSS_MAX, highest(losses.iter().flatten().copied())),
        goal("bytes, ours / sharp's", BYTES_MAX, bytes.zip(ours).map(|(bytes, ours)| to_f64(ours.bytes) / bytes)),
    ];
    for picture in ["12 MP", "24 MP"] {
        let size = |engine: &Measured| Some(engine.size(picture)?.rss_peak_mib);
        let least = lowest(sharps.iter().filter_map(|sharp| size(sharp)));
        let share = ours.and_then(size).zip(least).map(|(ours, least)| ours / least);
        goals.push(goal(&format!("peak RSS of {picture} baseline, ours / sharp's"), RSS_OF_SHARP_MAX, share));
        let above = ours.and_then(|ours| Some(ours.size(picture)?.rss_above_idle_mib));
        goals.push(goal(&format!("peak RSS of {picture} baseline above idle, MiB"), RSS_ABOVE_IDLE_MAX_MIB, above));
    }
    goals
}

/// By how much each photo of ours is less alike than the other's.
fn losses(ours: &Measured, other: &Measured) -> Vec<f64> {
    let pairs = ours.photos.iter().zip(&other.photos);
    pairs.filter_map(|(ours, other)| Some(other.ssimulacra2_1080? - ours.ssimulacra2_1080?)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a sum of file sizes")]
fn to_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::examples::engine;

    #[track_caller]
    fn check(engines: &[Measured], expected: [&str; 9]) {
        let verdicts: Vec<String> = judged(engines).iter().map(Goal::verdict).collect();
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn each_goal_is_met_or_missed() {
        let sharps = || [engine(SHARP[0], 100.0, 1000, 80.0, 80.0), engine(SHARP[1], 50.0, 1020, 80.2, 90.0)];
        let [usual, best] = sharps();
        check(&[engine(OURS, 45.0, 1010, 80.15, 20.0), usual, best], ["met"; 9]);
        let [usual, best] = sharps();
        let missed = [
            "missed by 0.055",
            "missed by 0.020",
            "missed by 1.100",
            "missed by 0.200",
            "missed by 0.010",
            "missed by 0.250",
            "missed by 6.000",
            "missed by 0.250",
            "missed by 6.000",
        ];
        check(&[engine(OURS, 51.0, 1020, 79.0, 40.0), usual, best], missed);
    }

    #[test]
    fn without_sharp_only_our_own_memory_is_judged() {
        let none = "not judged: nothing to compare with";
        check(&[engine(OURS, 45.0, 1010, 80.1, 20.0)], [none, none, none, none, none, none, "met", none, "met"]);
    }
}
