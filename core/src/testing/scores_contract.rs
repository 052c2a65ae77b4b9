//! What every implementation of [`ScoreStore`] and [`Quarantine`] must do, whatever lies behind it.
//!
//! Each function takes a store that may hold anything but must not hold the shop it is given.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;

use jiff::Timestamp;

use super::ScoreWorld;
use crate::contribution::Contribution;
use crate::fence::Fence;
use crate::histogram::Histogram;
use crate::ids::ShopId;
use crate::ledger::{Replacement, TRANSACTION_ITEMS_MAX, Transaction};
use crate::period::{Month, Period};
use crate::ports::{Found, ParkReason, PortError, Put, Quarantine, Quarantined, ScoreStore};
use crate::rating::{Held, RatingKey};
use crate::score::{City, Score, ScoreKey};

/// What stands on the other sides of the ports.
pub trait Sides {
    /// Makes a shop known.
    fn open_shop(&self, shop_id: &ShopId, city: &City) -> impl Future<Output = ()>;
    /// What was quarantined, in any order.
    fn quarantined(&self) -> impl Future<Output = Vec<SetAside>>;
}

/// A record in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetAside {
    /// The event.
    pub body: String,
    /// Its attribute `reason`.
    pub reason: String,
    /// Its attribute `error`.
    pub error: String,
    /// Its attribute `event_id`.
    pub event_id: Option<String>,
    /// Its attribute `replayed`.
    pub replayed: Option<String>,
}

impl From<Quarantined> for SetAside {
    fn from(Quarantined { body, event_id, reason, replayed }: Quarantined) -> Self {
        let replayed = replayed.map(|replayed| replayed.to_string());
        Self { body, reason: reason.code.to_owned(), error: reason.error, event_id, replayed }
    }
}

impl Sides for ScoreWorld {
    async fn open_shop(&self, shop_id: &ShopId, city: &City) {
        ScoreWorld::open_shop(self, shop_id, city);
    }

    async fn quarantined(&self) -> Vec<SetAside> {
        ScoreWorld::quarantined(self).into_iter().map(SetAside::from).collect()
    }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_792_000_000_123).unwrap()
}

/// The `user`-th rating of the shop.
pub fn rating(shop_id: &ShopId, user: usize) -> RatingKey {
    RatingKey { shop_id: shop_id.clone(), user_id: format!("user-{user}").parse().unwrap() }
}

/// A contribution of five stars in November, or of nothing.
pub fn contribution(rating: RatingKey, before: Option<&Contribution>, holds: bool) -> Contribution {
    let stream = "arn:aws:dynamodb:eu-central-1:000000000000:table/ratings/stream/2026-11-21T10:00:00.000";
    let fence = Fence::new(stream, "100000000000000000000000000000000000001").unwrap();
    let held = Held { stars: 5.try_into().unwrap(), month: Month::new(2026, 11).unwrap() };
    Contribution::after(before, rating, fence, holds.then_some(held), now())
}

/// A score with every attribute that a score can have, or, without ratings, with as few as one can have.
pub fn score(shop_id: &ShopId, period: &str, revision: u64, ratings: u64) -> Score {
    let key = ScoreKey { shop_id: shop_id.clone(), period: period.parse::<Period>().unwrap() };
    let city = (ratings > 0).then(|| "Frankfurt (Oder) #1".parse().unwrap());
    Score::new(key, Histogram::try_from([0, 0, 0, 0, ratings]).unwrap(), revision, city, now())
}

fn put<T>(item: T, replaces: Option<u64>) -> Replacement<T> {
    Replacement { item, replaces }
}

fn known<K: Hash + Eq, T>(found: Found<K, T>) -> HashMap<K, T> {
    found.into_iter().map(|(key, item)| (key, item.unwrap())).collect()
}

/// Transactions are stored whole, and only on top of what was read.
pub async fn transactions(store: &impl ScoreStore, shop_id: &ShopId) {
    let (a, b) = (rating(shop_id, 1), rating(shop_id, 2));
    let first = Transaction {
        contributions: vec![
            put(contribution(a.clone(), None, true), None),
            put(contribution(b.clone(), None, false), None),
        ],
        scores: vec![put(score(shop_id, "all", 1, 1), None), put(score(shop_id, "2026-11", 1, 0), None)],
    };
    assert_eq!(store.commit(&first).await.unwrap(), Put::Stored);
    let keys: Vec<_> = first.scores.iter().map(|put| put.item.key.clone()).collect();
    let read = async || {
        let contributions = known(store.contributions(&[a.clone(), b.clone()]).await.unwrap());
        (contributions, known(store.scores(&keys).await.unwrap()))
    };
    let stored = read().await;
    for Replacement { item, .. } in &first.contributions {
        assert_eq!(stored.0.get(&item.rating), Some(item), "what was written is read at once");
    }
    for Replacement { item, .. } in &first.scores {
        assert_eq!(stored.1.get(&item.key), Some(item), "what was written is read at once");
    }

    let [version, _] = [a.clone(), b.clone()].map(|rating| stored.0.get(&rating).unwrap().version);
    let next = contribution(a.clone(), stored.0.get(&a), false);
    assert_eq!(next.version, version + 1);
    for (why, contribution_replaces, score_replaces) in [
        ("there is a contribution", None, Some(1)),
        ("there is a score", Some(version), None),
        ("the contribution has another version", Some(version + 1), Some(1)),
        ("the score has another revision", Some(version), Some(2)),
    ] {
        let transaction = Transaction {
            contributions: vec![put(next.clone(), contribution_replaces)],
            scores: vec![put(score(shop_id, "all", 2, 7), score_replaces)],
        };
        assert_eq!(store.commit(&transaction).await.unwrap(), Put::LostRace, "{why}");
        assert_eq!(read().await, stored, "all or nothing: {why}");
    }
    let replaces_nothing =
        Transaction { scores: vec![put(score(shop_id, "2026-12", 2, 7), Some(1))], ..Transaction::default() };
    assert_eq!(store.commit(&replaces_nothing).await.unwrap(), Put::LostRace, "there is no such score");

    let second = Transaction {
        contributions: vec![put(next.clone(), Some(version))],
        scores: vec![put(score(shop_id, "all", 2, 0), Some(1))],
    };
    assert_eq!(store.commit(&second).await.unwrap(), Put::Stored);
    let stored = read().await;
    assert_eq!(stored.0.get(&a), Some(&next), "an item replaces all of the one before");
    assert_eq!(stored.1.get(&keys[0]), Some(&score(shop_id, "all", 2, 0)));
}

/// A transaction holds a hundred items, and reads have no such limit.
pub async fn many(store: &impl ScoreStore, shop_id: &ShopId) {
    let ratings: Vec<_> = (0..2 * TRANSACTION_ITEMS_MAX - 1).map(|user| rating(shop_id, user)).collect();
    let (some, rest) = ratings.split_at(TRANSACTION_ITEMS_MAX - 1);
    let full = Transaction {
        contributions: some.iter().map(|rating| put(contribution(rating.clone(), None, true), None)).collect(),
        scores: vec![put(score(shop_id, "all", 1, 98), None)],
    };
    let more = Transaction {
        contributions: rest.iter().map(|rating| put(contribution(rating.clone(), None, true), None)).collect(),
        ..Transaction::default()
    };
    for transaction in [full, more] {
        assert_eq!(store.commit(&transaction).await.unwrap(), Put::Stored);
    }
    let absent = rating(shop_id, 1_000_000);
    let asked: Vec<_> = ratings.iter().chain([&absent]).cloned().collect();
    let found = known(store.contributions(&asked).await.unwrap());
    assert_eq!(found.len(), ratings.len(), "all that are there, and no others");
    assert!(!found.contains_key(&absent));

    let months = (1..=9).flat_map(|year| (1..=12).map(move |month| format!("200{year}-{month:02}")));
    let key = |period: String| ScoreKey { shop_id: shop_id.clone(), period: period.parse().unwrap() };
    let keys: Vec<_> = months.map(key).chain([key("all".to_owned())]).collect();
    assert_eq!(known(store.scores(&keys).await.unwrap()).len(), 1);
    assert_eq!(known(store.contributions(&[]).await.unwrap()), HashMap::new());
}

/// A view of one moment has what there is.
pub async fn one_moment(store: &impl ScoreStore, shop_id: &ShopId) {
    let (here, absent) = (rating(shop_id, 1), rating(shop_id, 2));
    let transaction = Transaction {
        contributions: vec![put(contribution(here.clone(), None, true), None)],
        scores: vec![put(score(shop_id, "all", 1, 1), None)],
    };
    assert_eq!(store.commit(&transaction).await.unwrap(), Put::Stored);
    let keys = ["2026-11", "all"].map(|period| score(shop_id, period, 1, 1).key);
    let view = store.one_moment(&[absent, here.clone()], &keys).await.unwrap();
    let (holds, counted) = (&transaction.contributions[0].item, &transaction.scores[0].item);
    assert_eq!(known(view.contributions), HashMap::from([(here.clone(), holds.clone())]));
    assert_eq!(known(view.scores), HashMap::from([(keys[1].clone(), counted.clone())]));
    let scores_alone = store.one_moment(&[], &keys).await.unwrap();
    assert_eq!(known(scores_alone.scores).len(), 1);
}

/// Of two transactions about one item at once, at most one is stored.
pub async fn races(store: &impl ScoreStore, shop_id: &ShopId) {
    for round in 0..20 {
        let transaction = |user: usize| Transaction {
            contributions: vec![put(contribution(rating(shop_id, 2 * round + user), None, true), None)],
            scores: vec![put(
                score(shop_id, "all", round as u64 + 1, user as u64),
                (round > 0).then_some(round as u64),
            )],
        };
        let (one, other) = (transaction(0), transaction(1));
        let (first, second) = futures::join!(store.commit(&one), store.commit(&other));
        let stored = [first, second].map(|put| put.unwrap() == Put::Stored);
        assert_ne!(stored, [true, true], "both believed the other had not been there");
        if stored == [false, false] {
            // Each was in the other's way.
            assert_eq!(store.commit(&one).await.unwrap(), Put::Stored);
        }
        let key = score(shop_id, "all", 1, 1).key;
        let [revision] = known(store.scores(std::slice::from_ref(&key)).await.unwrap())
            .into_values()
            .map(|score| score.revision)
            .collect::<Vec<_>>()[..]
        else {
            panic!("there must be one score")
        };
        assert_eq!(revision, round as u64 + 1);
    }
}

/// Shops have their cities.
pub async fn cities(store: &impl ScoreStore, sides: &impl Sides, shop_id: &ShopId) {
    let unknown: ShopId = format!("{shop_id}-2").parse().unwrap();
    let city: City = "Zürich".parse().unwrap();
    sides.open_shop(shop_id, &city).await;
    let found = store.cities(&[unknown, shop_id.clone()]).await.unwrap();
    assert_eq!(found, HashMap::from([(shop_id.clone(), city)]));
}

/// Records are set aside, each as it is.
pub async fn quarantine(quarantine: &impl Quarantine, sides: &impl Sides) {
    let record = |i: usize| Quarantined {
        body: format!("{{\"Records\":[{{\"n\":{i},\"comment\":\"{}\"}}]}}", "é".repeat(i * 10_000)),
        event_id: i.is_multiple_of(2).then(|| format!("event-{i}")),
        reason: ParkReason { code: "not_a_date", error: format!("`rated_at` is \"{i}\", not\na time") },
        replayed: i.is_multiple_of(3).then(|| format!("{i}/run-1").parse().unwrap()),
    };
    let records: Vec<_> = (0..25).map(record).collect();
    let sent: Vec<Result<(), PortError>> = quarantine.send(&records).await;
    assert_eq!(sent.len(), records.len());
    for sent in sent {
        sent.unwrap();
    }

    let mut found = sides.quarantined().await;
    let mut expected: Vec<_> = records.into_iter().map(SetAside::from).collect();
    found.sort();
    expected.sort();
    assert!(found == expected, "{} records of {} are there as they are", found.len(), expected.len());
    assert!(quarantine.send(&[]).await.is_empty());
}
