//! A shop counted again: what differs, and what is left as it is.

use coffeeshop_core::ports::{Found, PortError};
use coffeeshop_core::rating::Held;
use coffeeshop_core::recount::{Recount, ScoreDamage, ScoreDifference};
use coffeeshop_core::score::{City, Score, ScoreKey};
use jiff::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_second(1_795_255_200).unwrap()
}

/// A score of period, histogram and city, of revision 7.
fn score(period: &str, counts: [u64; 5], city: Option<&str>) -> Score {
    let key = ScoreKey { shop_id: "shop".parse().unwrap(), period: period.parse().unwrap() };
    Score::new(
        key,
        counts.try_into().unwrap(),
        7,
        city.map(|city| city.parse().unwrap()),
        "2026-11-01T00:00:00Z".parse().unwrap(),
    )
}

/// One rating of five stars in November, compared with these scores; what differs, how, and where it should be.
#[track_caller]
fn check(stored: &[Score], city: Option<&str>, expected: &[(&str, ScoreDamage, Option<&str>)]) -> Vec<ScoreDifference> {
    let stored: Found<ScoreKey, Score> = stored.iter().map(|score| (score.key.clone(), Ok(score.clone()))).collect();
    let mut recount = Recount::new("shop".parse().unwrap());
    recount.add(Held { stars: 5.try_into().unwrap(), month: "2026-11".parse().unwrap() });
    let city: Option<City> = city.map(|city| city.parse().unwrap());
    let differences = recount.differences(&stored, city.as_ref(), now());
    let found: Vec<_> = differences
        .iter()
        .map(|found| {
            (
                found.counted.key.period.to_string(),
                found.damage(),
                found.counted.city.clone().map(|city| city.to_string()),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(period, damage, city)| ((*period).to_owned(), *damage, city.map(str::to_owned)))
        .collect();
    assert_eq!(found, expected);
    differences
}

const FIVE: [u64; 5] = [0, 0, 0, 0, 1];

#[test]
fn what_was_counted_agrees() {
    let all = score("all", FIVE, Some("Turin"));
    check(&[all.clone(), score("2026-11", FIVE, Some("Turin"))], Some("Turin"), &[]);
    // A month that nobody rates in any more; and a city that is not known.
    check(&[all.clone(), score("2026-11", FIVE, Some("Turin")), score("2026-10", [0; 5], Some("Turin"))], None, &[]);
}

#[test]
fn what_is_missing_is_where_the_shop_is() {
    let missing = |city| [("2026-11", ScoreDamage::Missing, city)];
    check(&[score("all", FIVE, Some("Turin"))], None, &missing(Some("Turin")));
    check(&[score("all", FIVE, None)], None, &missing(None));
    let expected = [("2026-11", ScoreDamage::City, Some("Lyon")), ("all", ScoreDamage::City, Some("Lyon"))];
    let moved = [score("all", FIVE, Some("Turin")), score("2026-11", FIVE, None)];
    let found = check(&moved, Some("Lyon"), &[expected[1], expected[0]]);
    assert!(found.iter().all(|found| found.counted.revision == 8 && found.replacement().replaces == Some(7)));
    let found = check(&[], None, &[("all", ScoreDamage::Missing, None), ("2026-11", ScoreDamage::Missing, None)]);
    assert!(
        found.iter().all(|found| found.counted.revision == 1_795_255_200_000 && found.replacement().replaces.is_none())
    );
}

#[test]
fn each_number_that_does_not_follow_is_found() {
    let month = score("2026-11", FIVE, None);
    let wrong: [fn(&mut Score); 7] = [
        |score| score.count += 1,
        |score| score.sum -= 1,
        |score| score.mean_micros = None,
        |score| score.score_micros += 1,
        |score| score.rank = None,
        |score| score.rank.as_mut().unwrap().period_part = "all#9".to_owned(),
        |score| score.rank.as_mut().unwrap().city_period = Some("Turin#all".to_owned()),
    ];
    for spoil in wrong {
        let mut all = score("all", FIVE, None);
        spoil(&mut all);
        check(&[all, month.clone()], None, &[("all", ScoreDamage::Derived, None)]);
    }
    let mut older = score("all", FIVE, None);
    older.formula = "star-lcb/0".to_owned();
    older.score_micros += 1;
    check(&[older, month.clone()], None, &[("all", ScoreDamage::Formula, None)]);
    check(&[score("all", [0, 0, 0, 1, 0], None), month], None, &[("all", ScoreDamage::Histogram, None)]);
}

#[test]
fn what_cannot_be_understood_is_not_replaced() {
    let all = score("all", [0; 5], None);
    let spoilt = (score("2026-11", FIVE, None).key, Err(PortError::new("scores.query", "spoilt")));
    let stored: Found<ScoreKey, Score> = [(all.key.clone(), Ok(all)), spoilt].into();
    let mut recount = Recount::new("shop".parse().unwrap());
    recount.add(Held { stars: 5.try_into().unwrap(), month: "2026-11".parse().unwrap() });
    let differences = recount.differences(&stored, None, now());
    let [only] = differences.as_slice() else { panic!("{differences:?}") };
    assert_eq!(only.counted.key.period.to_string(), "all");
}
