//! What is asked of DynamoDB for scores, and what its answers become.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemError, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::types::error::{ProvisionedThroughputExceededException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, KeysAndAttributes};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::scores::{AwsScoreStore, ScoreStoreNames};
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Replacement, Transaction};
use coffeeshop_core::ports::{PortError, Put, ScoreStore};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::testing::scores_contract::{contribution, rating, score};

fn shop() -> ShopId {
    "shop".parse().unwrap()
}

fn ratings(count: usize) -> Vec<RatingKey> {
    (0..count).map(|user| rating(&shop(), user)).collect()
}

fn store(rules: &[&Rule]) -> AwsScoreStore {
    let names = ScoreStoreNames {
        contributions_table: "contributions".to_owned(),
        scores_table: "scores".to_owned(),
        shops_table: "shops".to_owned(),
    };
    AwsScoreStore::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), names)
}

fn transaction() -> Transaction {
    Transaction {
        contributions: vec![Replacement { item: contribution(rating(&shop(), 1), None, true), replaces: None }],
        scores: vec![Replacement { item: score(&shop(), "all", 8, 3), replaces: Some(7) }],
    }
}

#[track_caller]
fn assert_busy<T: std::fmt::Debug>(result: Result<T, PortError>, busy: bool) {
    let error = result.unwrap_err();
    assert_eq!(error.busy, busy, "{error:?}");
}

#[tokio::test]
async fn every_read_is_consistent_and_of_at_most_a_hundred_keys() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let empty = mock!(Client::batch_get_item)
        .match_requests(move |request| {
            let tables = request.request_items().unwrap();
            let [(table, keys)] = tables.iter().collect::<Vec<_>>()[..] else { panic!("{tables:?}") };
            seen.lock().unwrap().push((table.clone(), keys.keys().len(), keys.consistent_read()));
            true
        })
        .then_output(|| BatchGetItemOutput::builder().build());
    let store = store(&[&empty]);
    assert!(store.contributions(&ratings(250)).await.unwrap().is_empty());
    assert!(store.scores(&[score(&shop(), "all", 1, 1).key]).await.unwrap().is_empty());
    assert!(store.cities(&[shop()]).await.unwrap().is_empty());
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    let expected = [("contributions", 50), ("contributions", 100), ("contributions", 100), ("scores", 1), ("shops", 1)];
    assert_eq!(asked, expected.map(|(table, keys)| (table.to_owned(), keys, Some(true))));
}

#[tokio::test]
async fn keys_that_were_left_over_are_read_again() {
    let item = |user: usize| -> HashMap<String, AttributeValue> {
        serde_dynamo::to_item(contribution(rating(&shop(), user), None, true)).unwrap()
    };
    let left = |users: std::ops::Range<usize>| {
        let keys = users.map(|user| serde_dynamo::to_item(rating(&shop(), user)).unwrap()).collect();
        KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap()
    };
    let in_parts = mock!(Client::batch_get_item)
        .sequence()
        .output(move || {
            let answer = BatchGetItemOutput::builder().responses("contributions", vec![item(0)]);
            answer.unprocessed_keys("contributions", left(1..3)).build()
        })
        .output(move || BatchGetItemOutput::builder().responses("contributions", vec![item(1), item(2)]).build())
        .build();
    let found = store(&[&in_parts]).contributions(&ratings(3)).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(in_parts.num_calls(), 2);

    let nothing = mock!(Client::batch_get_item)
        .then_output(move || BatchGetItemOutput::builder().unprocessed_keys("contributions", left(0..3)).build());
    assert_busy(store(&[&nothing]).contributions(&ratings(3)).await, true);
    assert_eq!(nothing.num_calls(), 3, "the caller waits before it asks again");
}

#[tokio::test]
async fn an_item_that_cannot_be_understood_is_an_error_of_its_own() {
    let items = mock!(Client::batch_get_item).then_output(|| {
        let good = serde_dynamo::to_item(contribution(rating(&shop(), 0), None, true)).unwrap();
        let mut later: HashMap<_, _> = serde_dynamo::to_item(contribution(rating(&shop(), 1), None, true)).unwrap();
        later.insert("stars".to_owned(), AttributeValue::N("7".to_owned()));
        BatchGetItemOutput::builder().responses("contributions", vec![good, later]).build()
    });
    let found = store(&[&items]).contributions(&ratings(2)).await.unwrap();
    found[&rating(&shop(), 0)].as_ref().unwrap();
    assert!(!found[&rating(&shop(), 1)].as_ref().unwrap_err().busy);
}

#[tokio::test]
async fn a_city_that_is_none_leaves_the_shop_without() {
    let shops = mock!(Client::batch_get_item).then_output(|| {
        let shop = |id: &str, city: AttributeValue| {
            HashMap::from([("shop_id".to_owned(), AttributeValue::S(id.to_owned())), ("city".to_owned(), city)])
        };
        let items = vec![
            shop("a", AttributeValue::S("Lyon".to_owned())),
            shop("b", AttributeValue::S("x".repeat(5000))),
            shop("c", AttributeValue::N("5".to_owned())),
        ];
        BatchGetItemOutput::builder().responses("shops", items).build()
    });
    let ids = ["a", "b", "c"].map(|id| id.parse().unwrap());
    let found = store(&[&shops]).cities(&ids).await.unwrap();
    assert_eq!(found, HashMap::from([(ids[0].clone(), "Lyon".parse().unwrap())]));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_busy_and_a_denial_is_not() {
    let throttled = mock!(Client::batch_get_item).then_error(|| {
        let meta = ErrorMetadata::builder().code("ProvisionedThroughputExceededException").build();
        let error = ProvisionedThroughputExceededException::builder().meta(meta).build();
        BatchGetItemError::ProvisionedThroughputExceededException(error)
    });
    assert_busy(store(&[&throttled]).contributions(&ratings(1)).await, true);
    let denied = mock!(Client::batch_get_item)
        .then_error(|| BatchGetItemError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
    assert_busy(store(&[&denied]).contributions(&ratings(1)).await, false);
    let broken = mock!(Client::transact_write_items).sequence().http_status(500, None).times(3).build();
    assert_busy(store(&[&broken]).commit(&transaction()).await, false);
}

fn cancelled(codes: &[&str]) -> TransactionCanceledException {
    let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
    let meta = ErrorMetadata::builder().code("TransactionCanceledException").build();
    TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).meta(meta).build()
}

#[tokio::test]
async fn a_cancelled_transaction_is_a_lost_race_unless_it_can_never_be_stored() {
    for codes in [
        ["None", "TransactionConflict"],
        ["ConditionalCheckFailed", "None"],
        ["ThrottlingError", "ConditionalCheckFailed"],
        ["ProvisionedThroughputExceeded", "TransactionConflict"],
    ] {
        let lost = mock!(Client::transact_write_items)
            .then_error(move || TransactWriteItemsError::TransactionCanceledException(cancelled(&codes)));
        assert_eq!(store(&[&lost]).commit(&transaction()).await.unwrap(), Put::LostRace, "{codes:?}");
        assert_eq!(lost.num_calls(), 1, "a lost race is not tried again with what was read before");
    }
    for codes in [&["None", "ValidationError"][..], &["ItemCollectionSizeLimitExceeded", "TransactionConflict"], &[]] {
        let never = mock!(Client::transact_write_items)
            .then_error(move || TransactWriteItemsError::TransactionCanceledException(cancelled(codes)));
        assert_busy(store(&[&never]).commit(&transaction()).await, false);
    }
    let conflict = mock!(Client::transact_get_items).then_error(|| {
        TransactGetItemsError::TransactionCanceledException(cancelled(&["None", "TransactionConflict"]))
    });
    assert_busy(store(&[&conflict]).one_moment(&ratings(2), &[]).await, true);
}

#[tokio::test]
async fn a_transaction_has_its_conditions_and_a_token_from_the_sdk() {
    let sent: Arc<Mutex<Vec<TransactWriteItemsInput>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let stored = mock!(Client::transact_write_items)
        .match_requests(move |request| {
            seen.lock().unwrap().push(request.clone());
            true
        })
        .then_output(|| TransactWriteItemsOutput::builder().build());
    let store = store(&[&stored]);
    for _ in 0..2 {
        assert_eq!(store.commit(&transaction()).await.unwrap(), Put::Stored);
    }
    let sent = sent.lock().unwrap();
    let puts: Vec<_> = sent[0].transact_items().iter().map(|action| action.put().unwrap()).collect();
    let condition = |i: usize| {
        let put = &puts[i];
        let name = put.expression_attribute_names().unwrap()["#c"].clone();
        let value = put.expression_attribute_values().map(|values| values[":read"].clone());
        (put.table_name().to_owned(), put.condition_expression().unwrap().replace("#c", &name), value)
    };
    assert_eq!(condition(0), ("contributions".to_owned(), "attribute_not_exists(version)".to_owned(), None));
    let read = Some(AttributeValue::N("7".to_owned()));
    assert_eq!(condition(1), ("scores".to_owned(), "revision = :read".to_owned(), read));
    // Left to the SDK, which makes one a call; that of its mocks is always the same.
    let tokens: Vec<_> = sent.iter().map(|request| request.client_request_token().unwrap()).collect();
    assert_eq!(tokens, ["00000000-0000-4000-8000-000000000000"; 2]);
}
