//! What is found to be wrong, in words for people and as objects for programs.
//!
//! Nothing is decided here: what differs, and in what, is known before.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::iter::successors;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::PortError;
use coffeeshop_core::rating::Held;
use coffeeshop_core::recount::{ContributionDifference, ScoreDamage, ScoreDifference};
use coffeeshop_core::score::Score;
use serde::Serialize;
use serde_json::{Value, json};

use crate::difference::Difference;
use crate::table::counted;

const RECORD: &str = "is still in the stream (RatingsAgeAlarm), in the bucket `failures`, or lost; or somebody wrote to \
                      `contributions`, or restored a table";

/// What was done about what is wrong: the words between what is stored and what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing.
    Found,
    /// It was repaired.
    Repaired,
    /// It would be.
    WouldBe,
}

impl Done {
    fn words(self) -> &'static str {
        match self {
            Self::Found => "should be",
            Self::Repaired => "is now",
            Self::WouldBe => "would become",
        }
    }
}

/// What is wrong, said once.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    kind: &'static str,
    shop_id: ShopId,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// What is stored, and what is right, as items; absent of what cannot be understood.
    #[serde(flatten)]
    items: BTreeMap<&'static str, Value>,
    pub(crate) cause: String,
    /// What to type to repair it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repair: Option<String>,
    /// Whose, what is stored, and what is right.
    #[serde(skip)]
    pub(crate) words: String,
}

impl Finding {
    pub(crate) fn of(difference: &Difference, done: Done) -> Self {
        match difference {
            Difference::Score { difference, as_contributed } => score(difference, *as_contributed, done),
            Difference::Contribution(difference) => contribution(difference, done),
            Difference::Unreadable { shop_id, error } => unreadable(shop_id, error, done),
        }
    }
}

fn score(difference: &ScoreDifference, as_contributed: bool, done: Done) -> Finding {
    let ScoreDifference { stored, counted: right } = difference;
    let (kind, cause, what) = match difference.damage() {
        ScoreDamage::Missing => (
            "score_missing",
            "somebody deleted it, or restored `scores`",
            format!("none, {} {}", done.words(), of_ratings(right)),
        ),
        ScoreDamage::Histogram => (
            "score_histogram",
            "somebody wrote to `scores` or `contributions`, or restored one of them",
            format!(
                "{}{}",
                changed("histogram", stored.as_ref().map(histogram), &histogram(right), done),
                of_what(done)
            ),
        ),
        ScoreDamage::Formula => (
            "score_formula",
            "it was written by another version of the pipeline",
            changed("formula", stored.as_ref().map(|score| score.formula.clone()), &right.formula, done),
        ),
        ScoreDamage::City => (
            "score_city",
            "the shop moved, or was unknown when it was rated",
            changed("city", stored.as_ref().map(city), &city(right), done),
        ),
        ScoreDamage::Derived => ("score_derived", "somebody wrote to `scores`", derived(stored.as_ref(), right, done)),
    };
    let cause = if as_contributed { "it follows from the ratings above that are counted otherwise" } else { cause };
    let period = right.key.period;
    let name = match period {
        Period::All => "score of all time".to_owned(),
        Period::Month(month) => format!("score of {month}"),
    };
    Finding {
        kind,
        shop_id: right.key.shop_id.clone(),
        period: Some(period),
        user_id: None,
        items: BTreeMap::from([("stored", json!(stored)), ("right", json!(right))]),
        cause: cause.to_owned(),
        repair: None,
        words: format!("{}, {name}: {what}", right.key.shop_id),
    }
}

fn contribution(difference: &ContributionDifference, done: Done) -> Finding {
    let ContributionDifference { rating, holds, contribution } = difference;
    let (kind, cause) = match (contribution, holds) {
        (_, None) => ("contribution_without_rating", format!("the record of its deletion, or of nonsense, {RECORD}")),
        (None, Some(_)) => ("contribution_missing", format!("its record {RECORD}")),
        (Some(_), Some(_)) => ("contribution_differs", format!("its record {RECORD}")),
    };
    let item = |held: Option<Held>| json!(held.map(|held| json!({ "stars": held.stars, "month": held.month })));
    let counts = contribution.as_ref().and_then(Contribution::held);
    Finding {
        kind,
        shop_id: rating.shop_id.clone(),
        period: None,
        user_id: Some(rating.user_id.to_string()),
        items: BTreeMap::from([("stored", item(counts)), ("right", item(*holds))]),
        cause,
        repair: None,
        words: format!(
            "{}, rating by {}: counted as {}, {} {}",
            rating.shop_id,
            rating.user_id,
            held(counts),
            done.words(),
            held(*holds)
        ),
    }
}

fn unreadable(shop_id: &ShopId, error: &PortError, done: Done) -> Finding {
    let causes = successors(error.source(), |cause| (*cause).source()).map(ToString::to_string);
    let causes = causes.collect::<Vec<_>>().join(": ");
    let dependents = match done {
        Done::Found => "what depends on it is not compared",
        Done::Repaired | Done::WouldBe => "it is left alone with what depends on it",
    };
    Finding {
        kind: "unreadable",
        shop_id: shop_id.clone(),
        period: None,
        user_id: None,
        items: BTreeMap::from([("error", json!(causes))]),
        cause: format!(
            "it was written by hand, or by a later version of the pipeline; until that version is deployed, or the item \
             is corrected, {dependents}"
        ),
        repair: None,
        words: format!("{shop_id}, unreadable item ({}): {causes}", error.call),
    }
}

fn changed(attribute: &str, stored: Option<String>, right: &str, done: Done) -> String {
    let stored = stored.unwrap_or_else(|| "missing".to_owned());
    format!("{attribute} {stored}, {} {right}", done.words())
}

/// `rebuild` counts contributions before it has set these right.
fn of_what(done: Done) -> &'static str {
    match done {
        Done::Found => "",
        Done::Repaired | Done::WouldBe => ", as its contributions hold",
    }
}

fn histogram(score: &Score) -> String {
    score.histogram.counts().map(|count| count.to_string()).join(" ")
}

fn city(score: &Score) -> String {
    score.city.as_ref().map_or("none".to_owned(), |city| format!("`{city}`"))
}

fn of_ratings(score: &Score) -> String {
    format!("{}, histogram {}", counted(score.count, "rating"), histogram(score))
}

fn held(held: Option<Held>) -> String {
    held.map_or("nothing".to_owned(), |held| {
        format!("{} in {}", counted(u8::from(held.stars).into(), "star"), held.month)
    })
}

/// The attributes that do not follow from the others.
fn derived(stored: Option<&Score>, right: &Score, done: Done) -> String {
    let (stored, right) = (json!(stored), json!(right));
    let names =
        |item: &Value| item.as_object().map(|item| item.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut differing: Vec<String> = names(&stored);
    differing.extend(names(&right));
    differing.sort();
    differing.dedup();
    let as_text = |value: Option<&Value>| match value {
        None => "missing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let differing = differing.iter().filter(|name| {
        // A write changes these whatever else it changes.
        !["revision", "updated_at"].contains(&name.as_str()) && stored.get(name) != right.get(name)
    });
    let one = |name: &String| changed(name, Some(as_text(stored.get(name))), &as_text(right.get(name)), done);
    differing.map(one).collect::<Vec<_>>().join("; ")
}
