//! A world with two shops whose scores are right, and the damage that is done to it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::fence::Fence;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Change, TRANSACTION_ITEMS_MAX, View, plan};
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock as _, Put, ScoreStore as _};
use coffeeshop_core::rating::{Attribute, Held, RatingItem, RatingKey, held};
use coffeeshop_core::recount::{ScoreDamage, ScoreDifference};
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_operator::difference::Difference;
use futures::executor::block_on;
use jiff::SignedDuration;

/// Stars and day of the ratings of `shop`, the n-th by `user-n`.
const RATINGS: [(&str, &str); 8] = [
    ("5", "2026-11-01"),
    ("4", "2026-11-02"),
    ("5", "2026-10-03"),
    ("1", "2026-10-04"),
    ("3", "2026-09-05"),
    ("9", "2026-11-06"),
    ("2", "2026-11-07"),
    ("4", "2026-11-08"),
];

pub(crate) fn shop() -> ShopId {
    "shop".parse().unwrap()
}

pub(crate) fn rating(user: &str) -> RatingKey {
    RatingKey { shop_id: shop(), user_id: user.parse().unwrap() }
}

pub(crate) fn key(period: &str) -> ScoreKey {
    ScoreKey { shop_id: shop(), period: period.parse().unwrap() }
}

pub(crate) fn item(stars: &str, day: &str) -> RatingItem {
    let (stars, rated_at) = (Attribute::Number(stars.to_owned()), Attribute::Text(format!("{day}T12:00:00Z")));
    RatingItem { stars: Some(stars), rated_at: Some(rated_at) }
}

/// `5@2026-11`, or `-` for nothing.
pub(crate) fn holds(text: &str) -> Option<Held> {
    let (stars, month) = text.split_once('@')?;
    Some(Held { stars: stars.parse::<u8>().unwrap().try_into().unwrap(), month: month.parse().unwrap() })
}

pub(crate) fn fence(number: usize) -> Fence {
    let stream = "arn:aws:dynamodb:eu-central-1:1:table/ratings/stream/2026-11-21T10:00:00.000";
    Fence::new(stream, &number.to_string()).unwrap()
}

/// What the aggregator does with some changes.
pub(crate) async fn aggregate(world: &ScoreWorld, changes: &[Change]) {
    for changes in changes.chunks(TRANSACTION_ITEMS_MAX / 2) {
        let ratings: Vec<RatingKey> = changes.iter().map(|change| change.rating.clone()).collect();
        let shops: Vec<ShopId> = ratings.iter().map(|rating| rating.shop_id.clone()).collect();
        let mut view = View { contributions: world.contributions(&ratings).await.unwrap(), ..View::default() };
        let keys: Vec<ScoreKey> = changes.iter().flat_map(|change| view.touched_by(change)).collect();
        view.scores = world.scores(&keys).await.unwrap();
        view.cities = world.cities(&shops).await.unwrap();
        for transaction in plan(changes, &view, world.now()).transactions {
            assert_eq!(world.commit(&transaction).await.unwrap(), Put::Stored);
        }
    }
}

/// A rating is written, and its record is delivered.
pub(crate) async fn rate(world: &ScoreWorld, user: &str, number: usize, rated: RatingItem) {
    let held = held(&rated).ok();
    world.put_rating(rating(user), rated);
    aggregate(world, &[Change { rating: rating(user), fence: Some(fence(number)), held }]).await;
}

/// `shop` with the ratings above, one of which makes no sense, and another with one rating.
pub(crate) fn world() -> ScoreWorld {
    let world = ScoreWorld::default();
    world.advance(SignedDuration::from_secs(1_795_255_200));
    let other: ShopId = "another".parse().unwrap();
    world.open_shop(&shop(), &"Turin".parse().unwrap());
    world.open_shop(&other, &"Graz".parse().unwrap());
    block_on(async {
        for (number, (stars, day)) in RATINGS.iter().enumerate() {
            rate(&world, &format!("user-{number}"), number, item(stars, day)).await;
        }
        let rating = RatingKey { shop_id: other, user_id: "user-0".parse().unwrap() };
        world.put_rating(rating.clone(), item("3", "2026-11-01"));
        let change = Change { rating, fence: Some(fence(100)), held: holds("3@2026-11") };
        aggregate(&world, &[change]).await;
    });
    // Long enough ago for nobody to wonder whether all of it is seen by now.
    world.advance(SignedDuration::from_mins(1));
    world.take_log();
    world
}

/// Writes over a score, as somebody might who does not know better.
pub(crate) fn edit_score(world: &ScoreWorld, period: &str, edit: impl FnOnce(&mut Score)) {
    let mut score = world.stored_scores()[&key(period)].clone();
    edit(&mut score);
    score.revision += 1;
    world.put_score(score);
}

/// Writes over a contribution; the scores do not follow.
pub(crate) fn edit_contribution(world: &ScoreWorld, user: &str, held: Option<Held>) {
    let before = world.stored_contributions().remove(&rating(user));
    let fence = before.as_ref().map_or_else(|| fence(50), |before| before.fence.clone());
    let after = Contribution::after(before.as_ref(), rating(user), fence, held, world.now());
    world.put_contribution(&rating(user), Some(after));
}

/// A kind of damage.
pub(crate) type Damage = (&'static str, fn(&ScoreWorld), &'static [&'static str]);

/// Each kind of damage, with what is found of it.
pub(crate) const DAMAGES: [Damage; 17] = [
    (
        "a score counts one more",
        |world| edit_score(world, "2026-10", |score| score.histogram.add(3.try_into().unwrap())),
        &["score 2026-10 Histogram"],
    ),
    (
        "a score's number is off by one",
        |world| edit_score(world, "all", |score| score.score_micros += 1),
        &["score all Derived"],
    ),
    (
        "a score's count is off by one",
        |world| edit_score(world, "all", |score| score.count -= 1),
        &["score all Derived"],
    ),
    (
        "a score is not on its board",
        |world| edit_score(world, "all", |score| score.rank = None),
        &["score all Derived"],
    ),
    (
        "a formula is stale",
        |world| edit_score(world, "2026-09", |score| "star-lcb/0".clone_into(&mut score.formula)),
        &["score 2026-09 Formula"],
    ),
    (
        "a city is stale",
        |world| world.open_shop(&shop(), &"Lyon".parse().unwrap()),
        &["score 2026-09 City", "score 2026-10 City", "score 2026-11 City", "score all City"],
    ),
    ("a score is lost", |world| world.remove_score(&key("all")), &["score all Missing"]),
    (
        "a score of a month without ratings counts one",
        |world| {
            let counts = Histogram::try_from([0, 1, 0, 0, 0]).unwrap();
            world.put_score(Score::new(key("2020-01"), counts, 3, None, world.now()));
        },
        &["score 2020-01 Histogram"],
    ),
    ("a contribution is lost", |world| world.put_contribution(&rating("user-1"), None), &["user-1 - 4@2026-11"]),
    ("an orphan", |world| edit_contribution(world, "user-55", holds("1@2026-11")), &["user-55 1@2026-11 -"]),
    ("a wrong month", |world| edit_contribution(world, "user-2", holds("5@2026-11")), &["user-2 5@2026-11 5@2026-10"]),
    ("wrong stars", |world| edit_contribution(world, "user-2", holds("4@2026-10")), &["user-2 4@2026-10 5@2026-10"]),
    ("one that counts nothing", |world| edit_contribution(world, "user-2", None), &["user-2 - 5@2026-10"]),
    (
        "a rating whose record is lost",
        |world| world.put_rating(rating("user-77"), item("2", "2026-08-01")),
        &["score 2026-08 Missing as contributed", "score all Histogram as contributed", "user-77 - 2@2026-08"],
    ),
    (
        "an edit whose record is lost",
        |world| world.put_rating(rating("user-0"), item("1", "2026-11-01")),
        &["score 2026-11 Histogram as contributed", "score all Histogram as contributed", "user-0 5@2026-11 1@2026-11"],
    ),
    (
        "an edit to nonsense whose record is lost",
        |world| world.put_rating(rating("user-0"), item("0", "2026-11-01")),
        &["score 2026-11 Histogram as contributed", "score all Histogram as contributed", "user-0 5@2026-11 -"],
    ),
    (
        "a deletion whose record is lost",
        |world| world.remove_rating(&rating("user-4")),
        &["score 2026-09 Histogram as contributed", "score all Histogram as contributed", "user-4 3@2026-09 -"],
    ),
];

/// Differences in short: `score PERIOD DAMAGE`, `USER CONTRIBUTES HOLDS`, in order.
#[derive(Default)]
pub(crate) struct Found(RefCell<Vec<String>>);

impl Found {
    pub(crate) fn push(&self, difference: Difference) {
        let line = match difference {
            Difference::Score { difference, as_contributed } => {
                format!("{}{}", score_line(&difference), if as_contributed { " as contributed" } else { "" })
            }
            Difference::Contribution(difference) => {
                let contributes = difference.contribution.as_ref().and_then(Contribution::held);
                format!("{} {} {}", difference.rating.user_id, held_line(contributes), held_line(difference.holds))
            }
            Difference::Unreadable { error, .. } => format!("unreadable {}: {}", error.call, error.cause),
        };
        self.0.borrow_mut().push(line);
    }

    pub(crate) fn take(&self) -> Vec<String> {
        let mut lines = self.0.take();
        lines.sort();
        lines
    }
}

fn score_line(difference: &ScoreDifference) -> String {
    let damage: ScoreDamage = difference.damage();
    format!("score {} {damage:?}", difference.counted.key.period)
}

fn held_line(held: Option<Held>) -> String {
    held.map_or("-".to_owned(), |held| format!("{}@{}", u8::from(held.stars), held.month))
}

/// What the scores of the world should be, counted from its ratings the simplest way.
pub(crate) fn recount(ratings: &BTreeMap<RatingKey, RatingItem>) -> BTreeMap<ScoreKey, Histogram> {
    let mut counted: BTreeMap<ScoreKey, Histogram> = BTreeMap::new();
    for (rating, item) in ratings {
        let Ok(held) = held(item) else { continue };
        for period in [Period::All, Period::Month(held.month)] {
            counted.entry(ScoreKey { shop_id: rating.shop_id.clone(), period }).or_default().add(held.stars);
        }
    }
    counted
}

/// Every score is as its ratings say, in the city that the shop is in, and each contribution is what its rating holds.
#[track_caller]
pub(crate) fn assert_right(world: &ScoreWorld, why: &str) {
    let ratings = world.stored_ratings();
    let mut counted = recount(&ratings);
    for (key, score) in world.stored_scores() {
        let Score { revision, city, updated_at, .. } = score.clone();
        let expected = Score::new(key.clone(), counted.remove(&key).unwrap_or_default(), revision, city, updated_at);
        assert_eq!(score, expected, "{why}: {key:?}");
        assert_eq!(score.city, world.stored_city(&key.shop_id), "{why}: {key:?}");
    }
    assert!(counted.is_empty(), "{why}: missing {counted:?}");
    for (rating, contribution) in world.stored_contributions() {
        let holds = ratings.get(&rating).and_then(|item| held(item).ok());
        assert_eq!(contribution.held(), holds, "{why}: {rating:?}");
    }
}
