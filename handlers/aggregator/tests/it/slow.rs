//! Ports that take their time: nothing is begun that Lambda would end, and nobody waits for a quarantine.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use coffeeshop_aggregator::batch::{CALL_MAX, Deps, GIVE_BACK, handle};
use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Transaction, View};
use coffeeshop_core::ports::{Clock as _, Found, PortError, Put, Quarantine, Quarantined, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::score::{City, Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;
use futures::executor::block_on;
use jiff::SignedDuration;
use lambda_runtime::Context;
use serde_json::Value;

use crate::support::{TIMEOUT_SECONDS, event, given_back, insert, rating, stars};

const RATED_AT: &str = "2026-11-21T12:00:00Z";

/// The world, slower, and counting the keys that it is asked for.
#[derive(Default)]
struct Slow {
    world: ScoreWorld,
    /// What each read, each commit and each send takes.
    read: SignedDuration,
    commit: SignedDuration,
    send: SignedDuration,
    keys: AtomicUsize,
}

impl Slow {
    fn asked(&self, keys: usize) {
        self.keys.fetch_add(keys, Ordering::Relaxed);
        self.world.advance(self.read);
    }

    fn run(&self, records: &[Value]) -> Option<String> {
        let begun = self.world.now();
        let mut context = Context::default();
        context.deadline = u64::try_from(begun.as_millisecond() + TIMEOUT_SECONDS * 1000).unwrap();
        let deps = Deps { store: self, quarantine: self, clock: &self.world };
        let back = given_back(&block_on(handle(&deps, &event(records), &context)).unwrap());
        let took = self.world.now().duration_since(begun);
        assert!(took < SignedDuration::from_secs(TIMEOUT_SECONDS), "Lambda would have ended it: {took:?}");
        back
    }
}

impl ScoreStore for Slow {
    async fn contributions(&self, ratings: &[RatingKey]) -> Result<Found<RatingKey, Contribution>, PortError> {
        self.asked(ratings.len());
        self.world.contributions(ratings).await
    }

    async fn scores(&self, keys: &[ScoreKey]) -> Result<Found<ScoreKey, Score>, PortError> {
        self.asked(keys.len());
        self.world.scores(keys).await
    }

    async fn one_moment(&self, ratings: &[RatingKey], scores: &[ScoreKey]) -> Result<View, PortError> {
        self.asked(ratings.len() + scores.len());
        self.world.one_moment(ratings, scores).await
    }

    async fn cities(&self, shops: &[ShopId]) -> Result<HashMap<ShopId, City>, PortError> {
        self.asked(shops.len());
        self.world.cities(shops).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Put, PortError> {
        self.world.advance(self.commit);
        self.world.commit(transaction).await
    }
}

impl Quarantine for Slow {
    async fn send(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        self.world.advance(self.send);
        self.world.send(records).await
    }
}

/// As long as a call may take.
fn longest() -> SignedDuration {
    SignedDuration::try_from(CALL_MAX).unwrap()
}

#[test]
fn a_call_that_hangs_ends_before_lambda_would_end_the_function() {
    assert!(longest() < GIVE_BACK);
}

#[test]
fn a_slow_quarantine_holds_up_no_score_and_what_it_did_not_get_comes_again() {
    let slow = Slow { send: longest(), ..Slow::default() };
    let nonsense = (0..300).map(|n| insert(n, rating("b", &format!("u{n}")), stars("6", RATED_AT)).json());
    let good = insert(300, rating("a", "u"), stars("5", RATED_AT)).json();
    let records: Vec<_> = nonsense.chain([good]).collect();
    let back = slow.run(&records).unwrap();
    let all = ScoreKey { shop_id: "a".parse().unwrap(), period: "all".parse().unwrap() };
    assert!(slow.world.stored_scores().contains_key(&all), "a good rating was not settled");
    let sent = slow.world.quarantined().len();
    assert!((100..300).contains(&sent), "{sent}");
    assert_eq!(records[sent]["dynamodb"]["SequenceNumber"], back.as_str(), "from the first that was not sent");
}

#[test]
fn slow_reads_and_commits_are_not_begun_too_late() {
    let shops = |from: u64, shops: u64| -> Vec<Value> {
        (0..shops).map(|n| insert(from + n, rating(&format!("shop-{n}"), "u"), stars("5", RATED_AT)).json()).collect()
    };
    let reads = Slow { read: SignedDuration::from_secs(28), ..Slow::default() };
    assert!(reads.run(&shops(0, 1)).is_some());
    assert!(reads.world.stored_scores().is_empty());

    let commits = Slow { commit: longest(), ..Slow::default() };
    assert!(commits.run(&shops(0, 40)).is_some());
    let done = commits.world.stored_scores().len();
    assert!((10..60).contains(&done), "{done}");
    assert!(commits.run(&shops(0, 10)).is_none(), "what was done is not done again");
}

#[test]
fn drift_costs_reads_in_proportion() {
    let slow = Slow::default();
    let rate = |number: u64, user: u64, given: &str| {
        insert(number, rating("shop", &format!("u{user}")), stars(given, RATED_AT)).json()
    };
    slow.run(&(0..500).map(|user| rate(user, user, "5")).collect::<Vec<_>>());
    let all = ScoreKey { shop_id: "shop".parse().unwrap(), period: "all".parse().unwrap() };
    let Score { key, revision, city, updated_at, .. } = slow.world.stored_scores()[&all].clone();
    let one_less = Histogram::try_from([0, 0, 0, 0, 499]).unwrap();
    slow.world.put_score(Score::new(key, one_less, revision + 1, city, updated_at));
    slow.keys.store(0, Ordering::Relaxed);
    assert_eq!(slow.run(&(0..500).map(|user| rate(1000 + user, user, "4")).collect::<Vec<_>>()), None);
    let keys = slow.keys.load(Ordering::Relaxed);
    assert!(keys < 4 * 500, "{keys} keys were read for 500 changes");
}
