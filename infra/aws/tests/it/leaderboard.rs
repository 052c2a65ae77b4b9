//! What is asked of the indexes of `scores`, and what their answers become.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryInput, QueryOutput};
use aws_sdk_dynamodb::types::error::ProvisionedThroughputExceededException;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::leaderboard::AwsLeaderboard;
use coffeeshop_core::board::Board;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::Leaderboard;
use coffeeshop_core::score::{RankKey, Score, board_part};
use coffeeshop_core::testing::scores_contract::score;

type Item = HashMap<String, AttributeValue>;

fn boards(rule: &Rule) -> AwsLeaderboard {
    AwsLeaderboard::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[rule]), "scores".to_owned())
}

fn city() -> Board {
    Board::City("Frankfurt (Oder) #1".parse().unwrap())
}

fn key(score: &Score) -> RankKey {
    score.rank.clone().unwrap().rank_key
}

fn item(score: &Score) -> Item {
    serde_dynamo::to_item(score).unwrap()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// So many shops, the best first: `shop-0` has the most ratings.
fn shops(count: u64) -> Vec<Score> {
    (0..count).map(|i| score(&format!("shop-{i}").parse().unwrap(), "all", 1, 1_000 - i)).collect()
}

/// An index over these scores that reads at most so many items in one call, and what it was asked.
fn index(scores: Vec<Score>, at_once: usize) -> (Rule, Arc<Mutex<Vec<QueryInput>>>) {
    let asked: Arc<Mutex<Vec<QueryInput>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let rule = mock!(Client::query)
        .match_requests(move |request| {
            seen.lock().unwrap().push(request.clone());
            true
        })
        .then_compute_output(move |request| {
            let values = request.expression_attribute_values().unwrap();
            let [board, end] = [":board", ":rank_key"].map(|name| values.get(name).map(|value| value.as_s().unwrap()));
            let start = request.exclusive_start_key().map(|key| key["rank_key"].as_s().unwrap());
            let better = request.key_condition_expression().unwrap().contains("rank_key <");
            let within = |score: &&Score| {
                let rank = score.rank.as_ref().unwrap();
                let (here, there) = (rank.rank_key.as_str(), |key: &String| rank.rank_key.as_str() > key.as_str());
                let on_board = Some(&rank.period_part) == board || rank.city_period.as_ref() == board;
                let on_side = end.is_none_or(|end| if better { here < end.as_str() } else { there(end) });
                on_board && on_side && start.is_none_or(there)
            };
            let found: Vec<_> = scores.iter().filter(within).collect();
            let read = request.limit().map_or(at_once, |limit| at_once.min(limit.try_into().unwrap()));
            let items: Vec<_> = found.iter().take(read).map(|score| item(score)).collect();
            let last = items.last().filter(|_| found.len() > read).cloned();
            let answer = QueryOutput::builder().count(items.len().try_into().unwrap()).set_last_evaluated_key(last);
            let counted = request.select() == Some(&Select::Count);
            answer.set_items((!counted).then_some(items)).build()
        });
    (rule, asked)
}

#[tokio::test]
async fn a_page_takes_one_request_of_each_partition() {
    let scores = shops(300);
    let (rule, asked) = index(scores.clone(), usize::MAX);
    let boards = boards(&rule);
    let page = boards.top(&Board::Global, Period::All, 100, None).await.unwrap();
    assert_eq!((page.scores.as_slice(), page.next.as_ref()), (&scores[..100], Some(&key(&scores[99]))));
    assert_eq!(rule.num_calls(), 8);
    let mut parts: Vec<_> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|query| {
            assert_eq!((query.table_name(), query.index_name()), (Some("scores"), Some("by-period")));
            assert_eq!(query.key_condition_expression(), Some("period_part = :board"));
            assert_eq!((query.limit(), query.consistent_read()), (Some(100), None));
            query.expression_attribute_values().unwrap()[":board"].as_s().unwrap().clone()
        })
        .collect();
    parts.sort();
    assert_eq!(parts, ["all#0", "all#1", "all#2", "all#3", "all#4", "all#5", "all#6", "all#7"]);

    asked.lock().unwrap().clear();
    let page = boards.top(&city(), Period::All, 100, Some(&key(&scores[99]))).await.unwrap();
    assert_eq!((page.scores.as_slice(), page.next.as_ref()), (&scores[100..200], Some(&key(&scores[199]))));
    let asked = asked.lock().unwrap();
    let [query] = asked.as_slice() else { panic!("{} requests", asked.len()) };
    assert_eq!(query.index_name(), Some("by-city"));
    assert_eq!(query.key_condition_expression(), Some("city_period = :board AND rank_key > :rank_key"));
    let values = query.expression_attribute_values().unwrap();
    assert_eq!(values[":board"], text("Frankfurt (Oder) #1#all"));
    assert_eq!(values[":rank_key"], text(key(&scores[99]).as_str()));
}

#[tokio::test]
async fn a_partition_is_read_on_only_when_dynamodb_stopped_early() {
    let scores = shops(300);
    // Each partition has about 37 of them.
    let (rule, _) = index(scores.clone(), 25);
    let page = boards(&rule).top(&Board::Global, Period::All, 50, None).await.unwrap();
    assert_eq!((page.scores.as_slice(), page.next.as_ref()), (&scores[..50], Some(&key(&scores[49]))));
    assert_eq!(rule.num_calls(), 16);
    let (rule, _) = index(scores.clone(), 25);
    let page = boards(&rule).top(&Board::Global, Period::All, 25, None).await.unwrap();
    assert_eq!(page.scores, scores[..25]);
    assert_eq!(rule.num_calls(), 8);
    let (rule, _) = index(scores.clone(), 60);
    let page = boards(&rule).top(&city(), Period::All, 100, None).await.unwrap();
    assert_eq!(page.scores, scores[..100]);
    assert_eq!(rule.num_calls(), 2);
}

#[tokio::test]
async fn pages_of_any_size_are_the_whole_board() {
    let scores = shops(40);
    let (rule, _) = index(scores.clone(), 3);
    let boards = boards(&rule);
    for limit in 1..=41 {
        for board in [Board::Global, city()] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = boards.top(&board, Period::All, limit, after.as_ref()).await.unwrap();
                found.extend(page.scores);
                let Some(next) = page.next else { break };
                after = Some(next);
            }
            assert!(found == scores, "{board:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn an_entry_at_two_places_hides_no_other() {
    // In two partitions, in each of which the best was better yet before its last write.
    let in_part = |part: u8| {
        let ids = (0..).map(|i| format!("shop-{i}").parse().unwrap());
        ids.filter(move |shop| board_part(shop) == part)
    };
    let ratings = [[100, 90, 85, 79, 78], [84, 83, 70, 60, 50]];
    let (mut entries, mut still) = (Vec::new(), Vec::new());
    for (part, [before, after, rest @ ..]) in (0..).zip(ratings) {
        let mut shops = in_part(part);
        let moves = shops.next().unwrap();
        entries.extend([score(&moves, "all", 1, before), score(&moves, "all", 2, after)]);
        still.extend(shops.zip(rest).map(|(shop, ratings)| score(&shop, "all", 1, ratings)));
    }
    entries.extend(still.clone());
    entries.sort_by_key(key);
    still.sort_by_key(key);
    let (rule, _) = index(entries, usize::MAX);
    let boards = boards(&rule);
    for limit in 1..=10 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = boards.top(&Board::Global, Period::All, limit, after.as_ref()).await.unwrap();
            found.extend(page.scores);
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        found.retain(|score| still.contains(score));
        assert!(found == still, "by {limit}");
    }
}

#[tokio::test]
async fn who_is_better_is_counted_and_not_read() {
    let scores = shops(300);
    let (rule, asked) = index(scores.clone(), 10);
    let better = boards(&rule).better_than(&Board::Global, Period::All, &key(&scores[123])).await.unwrap();
    assert_eq!(better, 123);
    for query in asked.lock().unwrap().iter() {
        assert_eq!((query.select(), query.limit()), (Some(&Select::Count), None));
        assert_eq!(query.key_condition_expression(), Some("period_part = :board AND rank_key < :rank_key"));
    }
    let (rule, _) = index(scores.clone(), usize::MAX);
    assert_eq!(boards(&rule).better_than(&city(), Period::All, &key(&scores[7])).await.unwrap(), 7);
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_board_that_lacks_a_shop_is_an_error() {
    let scores = shops(3);
    let spoil = |name: &str, value: Option<AttributeValue>| {
        let (mut item, name) = (item(&scores[1]), name.to_owned());
        match value {
            Some(value) => drop(item.insert(name, value)),
            None => drop(item.remove(&name)),
        }
        item
    };
    let number = AttributeValue::N("7".to_owned());
    for spoilt in [
        spoil("histogram", None),
        spoil("shop_id", Some(text("böse!"))),
        spoil("period", Some(text("2026-13"))),
        spoil("city_period", Some(number.clone())),
        spoil("period_part", None),
    ] {
        let items = vec![item(&scores[0]), spoilt.clone(), item(&scores[2])];
        let rule =
            mock!(Client::query).then_output(move || QueryOutput::builder().set_items(Some(items.clone())).build());
        let found = boards(&rule).top(&city(), Period::All, 9, None).await;
        assert!(found.is_err_and(|error| !error.busy), "{spoilt:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_busy() {
    let throttled = mock!(Client::query).then_error(|| {
        let meta = ErrorMetadata::builder().code("ProvisionedThroughputExceededException").build();
        let error = ProvisionedThroughputExceededException::builder().meta(meta).build();
        QueryError::ProvisionedThroughputExceededException(error)
    });
    let boards = boards(&throttled);
    assert!(boards.top(&Board::Global, Period::All, 9, None).await.unwrap_err().busy);
    let rank_key = key(&shops(1)[0]);
    assert!(boards.better_than(&Board::Global, Period::All, &rank_key).await.unwrap_err().busy);
}

#[test]
fn the_partitions_of_these_tests_are_of_about_the_same_size() {
    let mut parts = [0; 8];
    for score in shops(300) {
        parts[usize::from(board_part(&score.key.shop_id))] += 1;
    }
    assert!(parts.iter().all(|part| (26..50).contains(part)), "{parts:?}");
}
