//! The formula of the ranking, against values worked out by hand and against what it promises.

use coffeeshop_core::histogram::{COUNT_MAX, Histogram};
use proptest::prelude::*;

fn score(counts: [u64; 5]) -> u64 {
    Histogram::try_from(counts).unwrap().score_micros()
}

/// Worked out with 60 decimal digits: `m − 1.65·√((Σ k²·p_k − m²) / (N + 6))`.
#[test]
fn hand_computed() {
    for (counts, expected) in [
        ([0, 0, 0, 0, 0], 2_047_372),         // 2.047372055837: m = 3, variance 2, N + 6 = 6
        ([0, 0, 0, 0, 1], 2_403_664),         // 2.403663653132: m = 20/6, variance 80/6 − 400/36
        ([1, 0, 0, 0, 0], 1_736_997),         // 1.736996986465
        ([1, 1, 1, 1, 1], 2_296_438),         // 2.296437636026
        ([0, 0, 0, 0, 10], 3_818_855),        // 3.818855442652
        ([0, 0, 2, 5, 13], 3_894_135),        // 3.894135197601
        ([60, 80, 300, 300, 200], 3_469_525), // 3.469524816526
        ([0, 0, 0, 0, 1_000_000], 4_999_981), // 4.999980962693
        ([0, 0, 0, 0, COUNT_MAX], 5_000_000), // 4.999999999999981
        ([COUNT_MAX, 0, 0, 0, 0], 1_000_000), // 1.000000000000963
        ([300_000_000_000, 300_000_000_000, 300_000_000_000, 0, 100_000_000_000], 2_299_998), // 2.299998040737
    ] {
        assert_eq!(score(counts), expected, "{counts:?}");
    }
}

/// Few of each, or many.
fn counts() -> impl Strategy<Value = [u64; 5]> {
    let count = prop_oneof![0..4_u64, 0..100_u64, 0..1_000_000_u64, 0..COUNT_MAX / 5 - 1];
    [count.clone(), count.clone(), count.clone(), count.clone(), count]
}

fn with_one_more(counts: [u64; 5], stars: u8) -> [u64; 5] {
    let mut histogram = Histogram::try_from(counts).unwrap();
    histogram.add(stars.try_into().unwrap());
    histogram.counts()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn it_never_falls_when_a_rating_gets_more_stars(counts in counts(), from in 1..5_u8) {
        prop_assert!(score(with_one_more(counts, from)) <= score(with_one_more(counts, from + 1)));
    }

    #[test]
    fn one_more_of_five_stars_never_lowers_it(counts in counts()) {
        prop_assert!(score(counts) <= score(with_one_more(counts, 5)));
    }

    #[test]
    fn more_ratings_of_four_stars_alone_never_lower_it(many in 0..1_000_000_u64) {
        prop_assert!(score([0, 0, 0, many, 0]) <= score([0, 0, 0, many + 1, 0]));
    }

    #[test]
    fn it_is_above_one_and_below_five_and_below_the_mean_of_all_with_the_prior(counts in counts()) {
        let (score, total) = (score(counts), counts.iter().sum::<u64>());
        prop_assert!((1_000_000..=5_000_000).contains(&score));
        // Beyond two million equal ratings the rounding reaches the ends.
        prop_assert!(total > 1_900_000 || (1_000_001..=4_999_999).contains(&score));
        let sum = Histogram::try_from(counts).unwrap().sum() + 15;
        prop_assert!(u128::from(score) * u128::from(total + 5) < u128::from(sum) * 1_000_000 + u128::from(total + 5));
    }

    #[test]
    fn it_agrees_with_floating_point(counts in [0..1000_u64, 0..1000_u64, 0..1000_u64, 0..1000_u64, 0..1000_u64]) {
        let p = counts.map(|count| f64::from(u32::try_from(count).unwrap()) + 1.0);
        let total: f64 = p.iter().sum();
        let moment = |power: i32| p.iter().zip(1..).map(|(p, k)| p / total * f64::from(k).powi(power)).sum::<f64>();
        let float = moment(1) - 1.65 * ((moment(2) - moment(1).powi(2)) / (total + 1.0)).sqrt();
        let exact = f64::from(u32::try_from(score(counts)).unwrap());
        prop_assert!((float * 1e6 - exact).abs() < 0.5 + 1e-6, "{float} {exact}");
    }
}
