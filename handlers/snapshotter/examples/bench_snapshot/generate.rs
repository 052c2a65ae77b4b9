//! Scores as there might be: shops in the order of a scan, which is that of no id, each with its months and all time.
//!
//! How many ratings a shop has follows Zipf's law, and so does how many shops a city has.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small positive numbers of a generator"
)]

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::{Month, Period};
use coffeeshop_core::score::{City, Score, ScoreKey};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

const CITIES: u32 = 400;
/// The most months that a shop has ratings of.
const MONTHS_MAX: usize = 20;
/// How many ratings more than others the first shop has in a month.
const RATINGS_MAX: u64 = 50_000;

/// So many scores; the same each time.
pub(crate) fn scores(count: u32) -> impl Iterator<Item = Score> {
    let mut rng = Rng::with_seed(8);
    // What each city is called is not what it is ranked by.
    let cities: Vec<City> = (0..CITIES).filter_map(|city| name(city).parse().ok()).collect();
    (0..).flat_map(move |_| shop(&mut rng, &cities)).take(count as usize)
}

fn name(city: u32) -> String {
    const ENDS: [&str; 8] = ["mere", "ford", "stad", "ville", "burg", "grad", "市", "ão"];
    let (stem, end) = (city / 8, city as usize % 8);
    let stem: String =
        (0..6).map(|place| char::from(b'a' + ((stem * 7 + place * 11 + stem * place) % 26) as u8)).collect();
    format!("{}{stem}{}", stem.to_uppercase().get(..1).unwrap_or_default(), ENDS.get(end).copied().unwrap_or_default())
}

/// All scores of a shop, months first, as their sort keys are.
fn shop(rng: &mut Rng, cities: &[City]) -> Vec<Score> {
    let shop_id = format!("shop-{:06}-{:04x}", rng.u32(..1_000_000), rng.u16(..));
    // Of 100,000 shops, the place by number of ratings; and the city's, by number of shops.
    let place = 1 + rng.u64(..100_000);
    let city = cities.get((f64::from(CITIES).powf(rng.f64()) - 1.0) as usize).filter(|_| rng.u32(..50) > 0);
    let in_month = 2 + RATINGS_MAX / place;
    let months = 1 + rng.usize(..MONTHS_MAX);
    let kindness = rng.f64();
    let mut all = [0; 5];
    let mut counts: Vec<(Period, [u64; 5])> = (0..months)
        .filter_map(|month| {
            let (year, month) = (2025 + i16::try_from(month / 12).ok()?, i8::try_from(month % 12).ok()? + 1);
            let counts = ratings(rng, in_month, kindness);
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
            Some((Period::Month(Month::new(year, month)?), counts))
        })
        .collect();
    counts.push((Period::All, all));
    let score = |(period, counts): (Period, [u64; 5])| {
        let updated_at =
            Timestamp::from_second(1_790_000_000).ok()? + SignedDuration::from_nanos(rng.i64(0..5_000_000_000_000_000));
        let key = ScoreKey { shop_id: shop_id.parse().ok()?, period };
        // The first is the time in milliseconds, and each change adds one.
        let revision = 1_735_689_600_000 + rng.u64(..50_000_000_000);
        Some(Score::new(key, Histogram::try_from(counts).ok()?, revision, city.cloned(), updated_at))
    };
    counts.into_iter().filter_map(score).collect()
}

/// About so many ratings; some months have none left, because they were withdrawn.
fn ratings(rng: &mut Rng, about: u64, kindness: f64) -> [u64; 5] {
    let mut counts = [0; 5];
    let mut left = rng.u64(..=2 * about);
    for (place, share) in [(0, 0.1), (1, 0.2), (2, 0.4), (3, 0.9 - kindness / 2.0)] {
        let part = ((left as f64 * share * rng.f64()).round() as u64).min(left);
        left -= part;
        if let Some(count) = counts.get_mut(place) {
            *count = part;
        }
    }
    counts[4] = left;
    counts
}
