//! What ratings cost on DynamoDB, beside the usual design, which adds each of them to its scores.
//!
//! The usual design: for each record an `UpdateItem` with `ADD` on the shop's score of all time and on that of the
//! month, and what follows in their two indexes, which are sorted by what was added to. It reads nothing, and is not
//! idempotent: a record that is delivered twice counts twice. The app's own write of the rating, the stream and the
//! function are the same for both, and are left out.

use std::collections::{HashMap, HashSet};

use coffeeshop_aggregator::batch::{Deps, handle};
use futures::executor::block_on;
use lambda_runtime::{Context, Error};
use serde_dynamo::{AttributeValue, Item};

use crate::feed::{Batch, Feed, shop_id};
use crate::memory::Memory;
use crate::metering::{Metered, Units, index_units, write_units};

/// Tenths of a cent for a million write units, and for a million read units: on demand, us-east-1, since November 2024.
const WRITES_PRICE: usize = 625;
const READS_PRICE: usize = 125;

const CITY: &str = "Lindenstadt";

struct Scenario {
    name: &'static str,
    /// What was there before.
    before: Batch,
    batch: Batch,
}

/// Counts, and says what it found.
pub(crate) fn report() -> Result<String, Error> {
    let mut lines = vec![
        "DynamoDB units of a batch, and dollars for a million ratings, beside the usual design".to_owned(),
        "(for each rating `UpdateItem ADD` on two scores with two indexes each; not idempotent).\n".to_owned(),
        format!("{:<34} {:>21}   {:>21}", "", "here", "usual design"),
        format!("{:<34} {:>6} {:>6} {:>7}   {:>6} {:>6} {:>7}", "", "writes", "reads", "$", "writes", "reads", "$"),
    ];
    for scenario in scenarios() {
        let ratings = scenario.batch.rated.len();
        let shops = scenario.batch.rated.iter().map(|(shop, _)| shop).collect::<HashSet<_>>().len();
        let cells = |units: Units| {
            let tenths = (units.writes * WRITES_PRICE + units.reads * READS_PRICE) / ratings;
            let cents = (tenths + 5) / 10;
            let price = format!("{}.{:02}", cents / 100, cents % 100);
            format!("{:>6} {:>6} {price:>7}", units.writes, units.reads)
        };
        let name = scenario.name.replace("{shops}", &shops.to_string());
        lines.push(format!("{name:<34} {}   {}", cells(here(&scenario)?.0), cells(usual(&scenario))));
    }
    Ok(lines.join("\n") + "\n")
}

fn scenarios() -> [Scenario; 3] {
    let scenario = |name, mut feed: Feed, batch: fn(&mut Feed) -> Batch| {
        let before = feed.one_a_shop();
        Scenario { name, before, batch: batch(&mut feed) }
    };
    [
        scenario("100 ratings of one shop", Feed::new(1, 1, 0.0).of_one_month(), |feed| feed.ratings(100)),
        scenario("100 ratings of {shops} shops", Feed::new(2, 100, 0.0).of_one_month(), Feed::one_a_shop),
        scenario("500 of {shops} shops, by Zipf's law", Feed::new(3, 1000, 1.0), |feed| feed.ratings(500)),
    ]
}

/// By the handler; with how many scores it wrote.
fn here(scenario: &Scenario) -> Result<(Units, usize), Error> {
    let memory = Memory::default();
    for (shop, _) in &scenario.before.rated {
        memory.open_shop(shop_id(*shop).parse()?, CITY.parse()?);
    }
    let metered = Metered::new(&memory);
    let deps = Deps { store: &metered, quarantine: &memory, clock: &memory };
    let mut context = Context::default();
    context.deadline = 60_000;
    let settle = |batch: &Batch| {
        let response = block_on(handle(&deps, &serde_json::from_slice::<Box<_>>(&batch.bytes)?, &context))?;
        if !response.batch_item_failures.is_empty() {
            return Err(Error::from("given back"));
        }
        Ok((metered.take(), metered.take_score_writes()))
    };
    settle(&scenario.before)?;
    settle(&scenario.batch)
}

/// By `UpdateItem ADD`.
fn usual(scenario: &Scenario) -> Units {
    let mut scores = HashMap::<(usize, &str), Item>::new();
    let mut add = |batch: &Batch| {
        let mut units = Units::default();
        for (shop, stars) in &batch.rated {
            for period in ["all", "2026-11"] {
                let before = scores.get(&(*shop, period));
                let after = added(before, *shop, period, *stars);
                units.writes += write_units(before, &after);
                let indexes = [["city_period", "sum"], ["period", "sum"]];
                units.writes += indexes.iter().map(|keys| index_units(keys, before, &after)).sum::<usize>();
                scores.insert((*shop, period), after);
            }
        }
        units
    };
    add(&scenario.before);
    add(&scenario.batch)
}

fn added(before: Option<&Item>, shop: usize, period: &str, stars: usize) -> Item {
    let number = |name: &str| match before.and_then(|item| item.get(name)) {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or_default(),
        _ => 0_usize,
    };
    let text = |text: String| AttributeValue::S(text);
    let attributes = [
        ("shop_id", text(shop_id(shop))),
        ("period", text(period.to_owned())),
        ("count", AttributeValue::N((number("count") + 1).to_string())),
        ("sum", AttributeValue::N((number("sum") + stars).to_string())),
        ("city", text(CITY.to_owned())),
        ("city_period", text(format!("{CITY}#{period}"))),
    ];
    attributes.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<HashMap<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CALLS: &str = include_str!("../../../../infra/bench/calls.json");

    /// What `cargo xtask bench cost` reckons with is what the handler does.
    #[test]
    fn ratings_cost_as_much_as_is_reckoned_with() {
        let mut feed = Feed::new(4, 1, 0.0).of_one_month();
        let alone = Scenario { name: "one rating", before: feed.one_a_shop(), batch: feed.one_a_shop() };
        let [.., full] = scenarios();
        let counted = |scenario: &Scenario| {
            let (units, scores) = here(scenario).unwrap();
            let ratings = scenario.batch.rated.len();
            json!({ "ratings": ratings, "read_units": units.reads, "write_units": units.writes, "scores": scores })
        };
        let calls: Value = serde_json::from_str(CALLS).unwrap();
        assert_eq!(calls["rating_alone"], counted(&alone), "infra/bench/calls.json (left) is not what was counted");
        assert_eq!(calls["ratings_batch"], counted(&full), "infra/bench/calls.json (left) is not what was counted");
    }
}
