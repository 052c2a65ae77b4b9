//! What `cargo xtask bench guard` counts of this crate: the key parser, and the rating fold.
//!
//! Without arguments it prints the names of its cases; with a name it does that case twice, and the second time under the
//! name that callgrind is told. Inputs are made here, the same in each run. It measures nothing itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::fence::Fence;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::{PhotoKey, decode_event_key};
use coffeeshop_core::ledger::{Change, View, plan};
use coffeeshop_core::rating::{Attribute, RatingItem, RatingKey, held};
use coffeeshop_core::score::{Score, ScoreKey};
use jiff::Timestamp;

const STREAM: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/ratings/stream/2026-11-01T06:00:00.125";

/// As many as Lambda hands to the aggregator at once.
const BATCH_RECORDS: usize = 500;
/// So that a shop has ten changes in a batch, some of them edits.
const SHOPS: usize = 50;
const KEYS: usize = 1000;

/// Does the work of a case, and returns something that depends on all of it.
type Case = Box<dyn Fn() -> usize>;

#[expect(clippy::print_stdout, reason = "it talks to who counts")]
fn main() -> Result<(), Box<dyn Error>> {
    let names = ["keys", "fold"];
    let Some(name) = std::env::args().nth(1) else {
        println!("{}", names.join("\n"));
        return Ok(());
    };
    let case = match name.as_str() {
        "keys" => keys(),
        "fold" => fold()?,
        other => return Err(format!("there is no case {other}").into()),
    };
    // What is done only once in a process is not counted.
    let first = case();
    println!("{first} {}", counted_by_callgrind(&case));
    Ok(())
}

/// Callgrind counts what happens in here, and knows it by this name.
#[inline(never)]
fn counted_by_callgrind(case: &Case) -> usize {
    black_box(case())
}

/// Form-encoded keys as S3 sends them: most are photos, some are escaped, some are no photo's.
fn keys() -> Case {
    let key = |number: usize| match number % 10 {
        0..=5 => format!("uploads/shop-{number:04}/4f1c09d2-{number:04x}-4b51-9c55-0d6a1b2c3d4e"),
        6 | 7 => format!("uploads%2Fshop-{number:04}%2Fphoto_%34%32-{number}"),
        8 => format!("uploads/Caf%C3%A9+{number}/photo-{number}"),
        _ => format!("exports/{number}/scores.parquet"),
    };
    let raw: Vec<String> = (0..KEYS).map(key).collect();
    let parse = |raw: &String| PhotoKey::from_original(&decode_event_key(raw).ok()?).ok();
    Box::new(move || raw.iter().filter_map(parse).map(|photo| photo.original().len()).sum())
}

/// A batch as the aggregator decides it: what each rating holds, its fence, shops apart, and the plan of each.
fn fold() -> Result<Case, Box<dyn Error>> {
    let now = Timestamp::from_second(1_795_255_200)?;
    let records = (0..BATCH_RECORDS).map(record).collect::<Result<Vec<_>, _>>()?;
    let mut view = View::default();
    for (number, (rating, item, _)) in records.iter().enumerate() {
        for period in ["all", "2026-10", "2026-11"] {
            let key = ScoreKey { shop_id: rating.shop_id.clone(), period: period.parse()? };
            let histogram = Histogram::try_from([10, 20, 30, 40, 50])?;
            let score = Score::new(key.clone(), histogram, 7, Some("Lindenstadt".parse()?), now);
            view.scores.insert(key, Ok(score));
        }
        if number % 5 == 0 {
            let before = Contribution::after(None, rating.clone(), Fence::new(STREAM, "1")?, held(item).ok(), now);
            view.contributions.insert(rating.clone(), Ok(before));
        }
    }
    Ok(Box::new(move || {
        let mut groups: BTreeMap<&ShopId, Vec<Change>> = BTreeMap::new();
        for (rating, item, sequence_number) in &records {
            let fence = Fence::new(STREAM, sequence_number).ok();
            let change = Change { rating: rating.clone(), fence, held: held(item).ok() };
            groups.entry(&rating.shop_id).or_default().push(change);
        }
        let plans = groups.values().map(|changes| plan(changes, &view, now));
        plans.flat_map(|plan| plan.transactions).map(|done| done.contributions.len() + done.scores.len()).sum()
    }))
}

/// The rating, what its item says, and the number of its change. One of five is an edit of a rating that was there, to
/// other stars; one of fifty makes no sense.
fn record(number: usize) -> Result<(RatingKey, RatingItem, String), Box<dyn Error>> {
    let shop_id = format!("shop-{:04}", number * 7 % SHOPS).parse()?;
    let rating = RatingKey { shop_id, user_id: format!("user-{number:07}").parse()? };
    let stars = if number % 50 == 49 { "6".to_owned() } else { (number % 5 + 1).to_string() };
    let month = if number % 10 == 3 { 10 } else { 11 };
    let rated_at = format!("2026-{month}-{:02}T{:02}:30:15.481+01:00", number % 20 + 1, number % 24);
    let item = RatingItem { stars: Some(Attribute::Number(stars)), rated_at: Some(Attribute::Text(rated_at)) };
    Ok((rating, item, format!("{}00000000{number:015}", 1_000_000 + number)))
}
