//! A history of the `ratings` table, made from a seed, and the oracle: a recount of the table, however it came about.

use std::collections::BTreeMap;

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::Quarantined;
use coffeeshop_core::rating::{Attribute, Held, RatingItem, RatingKey, held};
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::{LABEL, Written, rating, stars};

/// Of the streams that the table has one after the other, because it is restored: each greater than the one before,
/// and the numbers begin again.
const LABELS: [&str; 3] = [LABEL, "2026-11-22T09:30:00.000", "2027-06-01T00:00:00.000"];

/// The table, and all that its stream had to say.
pub(crate) struct History {
    pub(crate) table: BTreeMap<RatingKey, Value>,
    pub(crate) stream: Vec<Written>,
    shops: u32,
    users: u32,
    restores: usize,
    number: u64,
    alike: bool,
}

impl History {
    /// Of a few shops and users, or, now and then, of one shop with more ratings than a transaction holds.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let large = rng.u8(..25) == 0;
        let (shops, users) = if large { (1, rng.u32(200..300)) } else { (rng.u32(1..=3), rng.u32(2..=6)) };
        Self { table: BTreeMap::new(), stream: Vec::new(), shops, users, restores: 0, number: 0, alike: false }
    }

    pub(crate) fn is_large(&self) -> bool {
        self.users > 100
    }

    pub(crate) fn length(&self, rng: &mut Rng) -> usize {
        if self.is_large() { rng.usize(500..700) } else { rng.usize(10..60) }
    }

    /// From now on ratings differ little, so that one is easily taken for another.
    pub(crate) fn write_alike(&mut self) {
        self.alike = true;
    }

    /// From now on the stream has another label.
    pub(crate) fn restore(&mut self) {
        (self.restores, self.number) = (self.restores + 1, 0);
    }

    /// Writes ratings, edits them, and takes them back.
    pub(crate) fn write(&mut self, steps: usize, rng: &mut Rng) {
        for _ in 0..steps {
            let shop = format!("shop-{}", rng.u32(..self.shops));
            let rating = rating(&shop, &format!("user-{}", rng.u32(..self.users)));
            let new = (rng.u8(..4) > 0).then(|| if self.alike { alike(rng) } else { state(rng) });
            let old = match &new {
                Some(new) => self.table.insert(rating.clone(), new.clone()),
                None => self.table.remove(&rating),
            };
            let event_name = match (&old, &new) {
                (None, None) => continue,
                (None, Some(_)) => "INSERT",
                (Some(old), Some(new)) if old == new => continue,
                (Some(_), Some(_)) => "MODIFY",
                (Some(_), None) => "REMOVE",
            };
            let (label, number, by_ttl) = (LABELS[self.restores], self.number, new.is_none() && rng.bool());
            self.number += 1;
            self.stream.push(Written { label, number, event_name, rating, old, new, by_ttl });
        }
    }

    /// Compares the stores with the table; says what is wrong.
    pub(crate) fn compare(&self, world: &ScoreWorld) -> Result<(), String> {
        self.numbers(world)?;
        self.quarantine(&world.quarantined())
    }

    /// Every score is the recount of the table, and every contribution is what its rating holds.
    pub(crate) fn numbers(&self, world: &ScoreWorld) -> Result<(), String> {
        let mut holds: BTreeMap<&RatingKey, Held> = BTreeMap::new();
        for (rating, state) in &self.table {
            if let Ok(held) = held(&item(state)) {
                holds.insert(rating, held);
            }
        }
        let mut recount: BTreeMap<ScoreKey, Histogram> = BTreeMap::new();
        for (rating, held) in &holds {
            for period in [Period::All, Period::Month(held.month)] {
                let key = ScoreKey { shop_id: rating.shop_id.clone(), period };
                recount.entry(key).or_default().add(held.stars);
            }
        }
        for (key, score) in world.stored_scores() {
            let expected = recount.remove(&key).unwrap_or_default();
            let Score { revision, city, updated_at, .. } = score.clone();
            let whole = Score::new(key.clone(), expected, revision, city, updated_at);
            if score != whole {
                return Err(format!("{key:?} is {:?}, recounted {:?}", score.histogram.counts(), expected.counts()));
            }
        }
        if let Some((key, histogram)) = recount.pop_first() {
            return Err(format!("{key:?} is missing, recounted {:?}", histogram.counts()));
        }
        for (rating, contribution) in world.stored_contributions() {
            if contribution.held() != holds.remove(&rating) {
                return Err(format!("{rating:?} contributes {:?}", contribution.held()));
            }
        }
        if let Some((rating, held)) = holds.pop_first() {
            return Err(format!("{rating:?} has no contribution, and holds {held:?}"));
        }
        Ok(())
    }

    /// Every record that makes no sense is in the quarantine, and nothing else is.
    pub(crate) fn quarantine(&self, quarantined: &[Quarantined]) -> Result<(), String> {
        let nonsense = |written: &&Written| written.new.as_ref().is_some_and(|state| held(&item(state)).is_err());
        let mut expected: Vec<_> = self.stream.iter().filter(nonsense).map(Written::event_id).collect();
        let mut found: Vec<_> = quarantined.iter().filter_map(|sent| sent.event_id.clone()).collect();
        expected.sort();
        found.sort();
        found.dedup();
        if found == expected { Ok(()) } else { Err(format!("in quarantine are {found:?}, should be {expected:?}")) }
    }
}

/// Mostly a rating that makes sense.
fn state(rng: &mut Rng) -> Value {
    let month = rng.u8(10..=12);
    let good = stars(&rng.u8(1..=5).to_string(), &format!("2026-{month}-{:02}T12:00:00Z", rng.u8(1..=30)));
    match rng.u8(..12) {
        0 => stars("6", "2026-11-21T12:00:00Z"),
        1 => stars("3", "yesterday"),
        2 => json!({ "stars": { "N": "3" } }),
        3 => stars("3", "2100-01-01T00:00:00Z"),
        _ => good,
    }
}

/// One of two ratings.
fn alike(rng: &mut Rng) -> Value {
    stars(&rng.u8(4..=5).to_string(), "2026-11-21T12:00:00Z")
}

/// The item, read without the aggregator's help.
pub(crate) fn item(state: &Value) -> RatingItem {
    let attribute = |name: &str| {
        let value = state.get(name)?;
        let text = |kind: &str| value.get(kind).and_then(Value::as_str).map(str::to_owned);
        text("N").map(Attribute::Number).or_else(|| text("S").map(Attribute::Text))
    };
    RatingItem { stars: attribute("stars"), rated_at: attribute("rated_at") }
}
