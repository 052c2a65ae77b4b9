//! What changes of a shop's ratings do to its scores, decided without any effect.

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::fence::Fence;
use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Change, Plan, TRANSACTION_ITEMS_MAX, View, plan};
use coffeeshop_core::ports::PortError;
use coffeeshop_core::rating::{Held, RatingKey};
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::scores_contract::rating;
use jiff::Timestamp;

fn shop() -> ShopId {
    "shop".parse().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_792_000_000).unwrap()
}

fn fence(number: u32) -> Fence {
    Fence::new("table/ratings/stream/2026-11-21T10:00:00.000", &number.to_string()).unwrap()
}

/// `5@2026-11`, or `-` for nothing.
fn held(text: &str) -> Option<Held> {
    let (stars, month) = text.split_once('@')?;
    Some(Held { stars: stars.parse::<u8>().unwrap().try_into().unwrap(), month: month.parse().unwrap() })
}

fn change(user: usize, number: u32, now: &str) -> Change {
    Change { rating: rating(&shop(), user), fence: Some(fence(number)), held: held(now) }
}

/// A view of contributions (user, fence, what it holds) and scores (period, histogram), all of revision 7.
fn view(contributions: &[(usize, u32, &str)], scores: &[(&str, [u64; 5])]) -> View {
    let contribution = |(user, number, holds): &(usize, u32, &str)| {
        let rating = rating(&shop(), *user);
        (rating.clone(), Ok(Contribution::after(None, rating, fence(*number), held(holds), now())))
    };
    let score = |(period, counts): &(&str, [u64; 5])| {
        let key = ScoreKey { shop_id: shop(), period: period.parse().unwrap() };
        (key.clone(), Ok(Score::new(key, Histogram::try_from(*counts).unwrap(), 7, None, now())))
    };
    View {
        contributions: contributions.iter().map(contribution).collect(),
        scores: scores.iter().map(score).collect(),
        cities: [(shop(), "Turin".parse().unwrap())].into(),
    }
}

fn planned(changes: &[Change], view: &View) -> Plan {
    plan(changes, view, now())
}

/// What is written, a line each: `user holds`, `period histogram revision`.
fn lines(plan: &Plan) -> Vec<String> {
    let line = |transaction: &coffeeshop_core::ledger::Transaction| {
        let contribution = |put: &coffeeshop_core::ledger::Replacement<Contribution>| {
            let holds =
                put.item.held().map_or("-".to_owned(), |held| format!("{}@{}", u8::from(held.stars), held.month));
            format!("{} {holds}", put.item.rating.user_id)
        };
        let score = |put: &coffeeshop_core::ledger::Replacement<Score>| {
            let Score { key, histogram, revision, .. } = &put.item;
            let first = u64::try_from(now().as_millisecond()).unwrap();
            assert_eq!(put.replaces.map_or(first, |replaced| replaced + 1), *revision);
            // Those of a new item are counted from its first.
            let revision = revision.checked_sub(first).map_or(*revision, |later| later + 1);
            format!("{} {:?} {revision}", key.period, histogram.counts())
        };
        transaction
            .contributions
            .iter()
            .map(contribution)
            .chain(transaction.scores.iter().map(score))
            .collect::<Vec<_>>()
    };
    plan.transactions.iter().flat_map(line).collect()
}

#[test]
fn a_first_rating_counts_in_all_time_and_in_its_month() {
    let plan = planned(&[change(1, 1, "5@2026-11")], &view(&[], &[]));
    assert_eq!(lines(&plan), ["user-1 5@2026-11", "all [0, 0, 0, 0, 1] 1", "2026-11 [0, 0, 0, 0, 1] 1"]);
    let city = plan.transactions[0].scores[0].item.city.as_ref().map(ToString::to_string);
    assert_eq!(city.as_deref(), Some("Turin"), "the shop's");
}

#[test]
fn an_edit_moves_what_it_holds() {
    let before = view(&[(1, 1, "5@2026-11")], &[("all", [0, 0, 0, 0, 3]), ("2026-11", [0, 0, 0, 0, 2])]);
    for (now, expected) in [
        ("2@2026-11", vec!["user-1 2@2026-11", "all [0, 1, 0, 0, 2] 8", "2026-11 [0, 1, 0, 0, 1] 8"]),
        (
            "5@2026-12",
            vec!["user-1 5@2026-12", "all [0, 0, 0, 0, 3] 8", "2026-11 [0, 0, 0, 0, 1] 8", "2026-12 [0, 0, 0, 0, 1] 1"],
        ),
        ("-", vec!["user-1 -", "all [0, 0, 0, 0, 2] 8", "2026-11 [0, 0, 0, 0, 1] 8"]),
        ("5@2026-11", vec!["user-1 5@2026-11"]),
    ] {
        assert_eq!(lines(&planned(&[change(1, 2, now)], &before)), expected, "{now}");
    }
}

#[test]
fn what_is_late_or_came_before_changes_nothing() {
    let before = view(&[(1, 5, "5@2026-11")], &[("all", [0, 0, 0, 0, 1]), ("2026-11", [0, 0, 0, 0, 1])]);
    for (number, holds) in [(4, "1@2026-11"), (4, "5@2026-11"), (5, "5@2026-11"), (5, "1@2026-11"), (5, "-")] {
        let plan = planned(&[change(1, number, holds)], &before);
        assert_eq!((plan.transactions.as_slice(), plan.stale), ([].as_slice(), 1));
    }
}

#[test]
fn a_withdrawal_that_comes_first_leaves_its_fence() {
    let plan = planned(&[change(1, 9, "-")], &view(&[], &[]));
    assert_eq!(lines(&plan), ["user-1 -"]);
    let tombstone = &plan.transactions[0].contributions[0].item;
    assert!(tombstone.expires_at.is_some());
    let after = View { contributions: [(rating(&shop(), 1), Ok(tombstone.clone()))].into(), ..View::default() };
    assert_eq!(planned(&[change(1, 8, "5@2026-11")], &after).stale, 1);
}

#[test]
fn what_was_read_from_the_rating_itself_keeps_the_fence() {
    let before = view(&[(1, 5, "5@2026-11")], &[("all", [0, 0, 0, 0, 1]), ("2026-11", [0, 0, 0, 0, 1])]);
    let repair = |user, now| Change { fence: None, ..change(user, 0, now) };
    let plan = planned(&[repair(1, "3@2026-11"), repair(2, "4@2026-11")], &before);
    let expected = ["user-1 3@2026-11", "user-2 4@2026-11", "all [0, 0, 1, 1, 0] 8", "2026-11 [0, 0, 1, 1, 0] 8"];
    assert_eq!(lines(&plan), expected);
    let [known, new] = [0, 1].map(|position| &plan.transactions[0].contributions[position].item.fence);
    assert_eq!((known, new), (&fence(5), &Fence::lowest()));

    // What is so already is left alone, whatever its fence.
    let plan = planned(&[repair(1, "5@2026-11"), repair(2, "-")], &before);
    assert_eq!((plan.transactions.as_slice(), plan.stale), ([].as_slice(), 2));
}

#[test]
fn what_a_score_does_not_count_is_told_apart_from_the_rest() {
    let before = view(
        &[(1, 1, "5@2026-11"), (2, 1, "5@2026-11"), (3, 1, "4@2026-11")],
        &[("all", [0, 0, 0, 1, 1]), ("2026-11", [0, 0, 0, 1, 2])],
    );
    // One of the two fives is not in `all`; that another rating becomes a five in this batch must not hide it.
    let changes = [change(3, 2, "5@2026-11"), change(1, 2, "-"), change(2, 2, "3@2026-11")];
    let plan = planned(&changes, &before);
    assert_eq!(plan.below_zero, [changes[2].clone()]);
    assert_eq!(lines(&plan), ["user-3 5@2026-11", "user-1 -", "all [0, 0, 0, 0, 1] 8", "2026-11 [0, 0, 0, 0, 2] 8"]);
}

#[test]
fn a_transaction_is_filled_by_items_and_the_next_goes_on_from_it() {
    let changes: Vec<_> = (0..250).map(|user| change(user, 1, "4@2026-11")).collect();
    let plan = planned(&changes, &view(&[], &[("all", [9, 0, 0, 0, 0])]));
    let sizes: Vec<_> = plan
        .transactions
        .iter()
        .map(|transaction| (transaction.contributions.len(), transaction.scores.len()))
        .collect();
    assert_eq!(sizes, [(98, 2), (98, 2), (54, 2)]);
    let scores = lines(&plan).into_iter().filter(|line| !line.starts_with("user")).collect::<Vec<_>>();
    assert_eq!(
        scores,
        [
            "all [9, 0, 0, 98, 0] 8",
            "2026-11 [0, 0, 0, 98, 0] 1",
            "all [9, 0, 0, 196, 0] 9",
            "2026-11 [0, 0, 0, 196, 0] 2",
            "all [9, 0, 0, 250, 0] 10",
            "2026-11 [0, 0, 0, 250, 0] 3",
        ]
    );
}

#[test]
fn every_rating_in_a_month_of_its_own_still_fits() {
    let month = |i: usize| format!("3@{}-{:02}", 2000 + i / 12, i % 12 + 1);
    let changes: Vec<_> = (0..120).map(|user| change(user, 1, &month(user))).collect();
    let view = view(&[], &[]);
    assert_eq!(view.fitting(&changes), 49, "49 contributions, 49 months, and all time");
    let plan = planned(&changes, &view);
    for transaction in &plan.transactions {
        let items = transaction.contributions.len() + transaction.scores.len();
        assert!(items <= TRANSACTION_ITEMS_MAX, "{items}");
    }
    assert_eq!(plan.transactions.iter().map(|transaction| transaction.contributions.len()).sum::<usize>(), 120);
}

#[test]
fn an_item_that_cannot_be_understood_is_not_replaced_and_holds_up_no_other() {
    let unreadable = || Err(PortError::new("contributions.get", "no such version"));
    let changes = [change(1, 1, "5@2026-11"), change(2, 1, "4@2026-12")];
    let mut contribution = view(&[], &[]);
    contribution.contributions.insert(rating(&shop(), 1), unreadable());
    let mut score = view(&[], &[]);
    let key = ScoreKey { shop_id: shop(), period: "2026-11".parse().unwrap() };
    score.scores.insert(key, Err(PortError::new("scores.get", "no such version")));
    for view in [contribution, score] {
        let plan = planned(&changes, &view);
        assert_eq!(lines(&plan), ["user-2 4@2026-12", "all [0, 0, 0, 1, 0] 1", "2026-12 [0, 0, 0, 1, 0] 1"]);
        assert_eq!(plan.unreadable.len(), 1);
    }
}

#[test]
fn a_new_month_is_in_the_city_of_all_time() {
    let mut before = view(&[], &[("all", [0, 0, 0, 0, 1])]);
    let all = before.scores.values_mut().next().unwrap().as_mut().unwrap();
    *all = Score::new(all.key.clone(), all.histogram, 7, Some("Milan".parse().unwrap()), now());
    let plan = planned(&[change(1, 1, "5@2026-12")], &before);
    let cities: Vec<_> =
        plan.transactions[0].scores.iter().map(|put| put.item.city.clone().unwrap().to_string()).collect();
    assert_eq!(cities, ["Milan", "Milan"], "though the shop is in Turin by now");
}

#[test]
fn one_that_expired_and_came_back_is_another() {
    let key: RatingKey = rating(&shop(), 1);
    let tombstone = Contribution::after(None, key.clone(), fence(1), None, now());
    let later = Timestamp::from_second(tombstone.expires_at.unwrap()).unwrap();
    let back = Contribution::after(None, key, fence(2), held("5@2026-11"), later);
    assert!(back.version > tombstone.version + 1_000_000);
}
