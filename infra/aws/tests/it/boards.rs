//! What is asked of DynamoDB for leaderboards and leases, and what its answers become.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::boards::AwsBoardStore;
use coffeeshop_core::board::{BoardKey, BoardSnapshot};
use coffeeshop_core::ports::{BoardStore as _, JobLease, JobLeases as _, PortError, Put};
use jiff::Timestamp;

fn store(rules: &[&Rule]) -> AwsBoardStore {
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
    AwsBoardStore::new(client, "boards".to_owned(), "shops".to_owned())
}

fn key() -> BoardKey {
    BoardKey { board: "St. Gallen".parse().unwrap(), period: "2026-11".parse().unwrap() }
}

fn lease() -> JobLease {
    JobLease { job: "boards", owner: "run".to_owned(), until: Timestamp::UNIX_EPOCH }
}

/// What becomes of each write on a condition, when DynamoDB answers with this error.
async fn after(code: &'static str) -> [Result<Put, PortError>; 4] {
    let error = move || ErrorMetadata::builder().code(code).build();
    let put = mock!(Client::put_item).then_error(move || PutItemError::generic(error()));
    let update = mock!(Client::update_item).then_error(move || UpdateItemError::generic(error()));
    let delete = mock!(Client::delete_item).then_error(move || DeleteItemError::generic(error()));
    let now = Timestamp::UNIX_EPOCH;
    let board = BoardSnapshot { key: key(), version: 2, entries: Vec::new(), updated_at: now, exported: None };
    [
        store(&[&put]).put_board(&board, Some(1)).await,
        store(&[&update]).exported(&key(), 1).await,
        store(&[&put]).take(&lease(), now).await,
        store(&[&delete]).give_back(&lease()).await.map(|()| Put::LostRace),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_does_not_hold_is_a_lost_race_and_all_else_an_error() {
    for put in after("ConditionalCheckFailedException").await {
        assert_eq!(put.unwrap(), Put::LostRace);
    }
    for (code, busy) in [
        ("ThrottlingException", true),
        ("ProvisionedThroughputExceededException", true),
        ("TransactionConflictException", true),
        ("ResourceNotFoundException", false),
        ("AccessDeniedException", false),
    ] {
        for put in after(code).await {
            assert_eq!(put.unwrap_err().busy, busy, "{code}");
        }
    }
}

#[tokio::test]
async fn all_that_was_announced_is_listed_by_pages_consistently() {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = move |board: &str, period: &str| {
        HashMap::from([("board".to_owned(), text(board)), ("period".to_owned(), text(period))])
    };
    let first = mock!(Client::scan)
        .match_requests(|scan| scan.consistent_read() == Some(true) && scan.exclusive_start_key().is_none())
        .then_output(move || {
            let page = ScanOutput::builder().items(item("St. Gallen", "2026-11")).items(item("boards", "lease"));
            page.set_last_evaluated_key(Some(item("boards", "lease"))).build()
        });
    let empty = mock!(Client::scan)
        .match_requests(move |scan| scan.exclusive_start_key() == Some(&item("boards", "lease")))
        .then_output(move || ScanOutput::builder().set_last_evaluated_key(Some(item("x", "y"))).build());
    let last = mock!(Client::scan)
        .match_requests(move |scan| scan.exclusive_start_key() == Some(&item("x", "y")))
        .then_output(move || ScanOutput::builder().items(item("global", "all")).build());
    let expected = [key(), BoardKey { board: "global".parse().unwrap(), period: "all".parse().unwrap() }];
    assert_eq!(store(&[&first, &empty, &last]).announced().await.unwrap(), BTreeSet::from(expected));
}
