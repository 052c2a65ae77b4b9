//! What is asked of DynamoDB for all that there is of a shop, and what its answers become.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::scan::{ScanError, ScanOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ProvisionedThroughputExceededException;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::scores::{AwsScoreStore, ScoreStoreNames};
use coffeeshop_aws::shop_records::AwsShopRecords;
use coffeeshop_core::ids::{ShopId, UserId};
use coffeeshop_core::ports::{ShopRecords, Users};
use coffeeshop_core::rating::Attribute;
use coffeeshop_core::testing::scores_contract::{contribution, rating, score};

type Item = HashMap<String, AttributeValue>;

fn shop() -> ShopId {
    "shop".parse().unwrap()
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn keys(user_id: &str) -> Item {
    HashMap::from([("shop_id".to_owned(), text("shop")), ("user_id".to_owned(), text(user_id))])
}

fn records(rules: &[&Rule]) -> AwsShopRecords {
    let names = ScoreStoreNames {
        contributions_table: "contributions".to_owned(),
        scores_table: "scores".to_owned(),
        shops_table: "shops".to_owned(),
    };
    let scores = AwsScoreStore::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), names);
    AwsShopRecords::new(scores, "ratings".to_owned())
}

/// Answers to queries, in order, and what was asked.
fn queries(answers: Vec<QueryOutput>) -> (Rule, Arc<Mutex<Vec<QueryInput>>>) {
    let (asked, answers) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(answers.into_iter()));
    let seen = Arc::clone(&asked);
    let rule = mock!(Client::query)
        .match_requests(move |request| {
            seen.lock().unwrap().push(request.clone());
            true
        })
        .then_output(move || answers.lock().unwrap().next().unwrap());
    (rule, asked)
}

fn page(users: &[&str], last: Option<&str>) -> QueryOutput {
    let items = users.iter().map(|user| keys(user)).collect();
    QueryOutput::builder().set_items(Some(items)).set_last_evaluated_key(last.map(keys)).build()
}

#[tokio::test]
async fn every_read_is_consistent_and_of_no_more_than_is_needed() {
    let (query, asked) = queries(vec![page(&[], None), page(&[], None), page(&[], None)]);
    let listed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&listed);
    let scan = mock!(Client::scan)
        .match_requests(move |request| {
            assert_eq!(request.consistent_read(), Some(true));
            assert_eq!(request.projection_expression(), Some("shop_id"));
            seen.lock().unwrap().push(request.table_name().unwrap().to_owned());
            true
        })
        .then_output(|| ScanOutput::builder().build());
    let batches = mock!(Client::batch_get_item)
        .match_requests(|request| {
            let ratings = &request.request_items().unwrap()["ratings"];
            assert_eq!(ratings.consistent_read(), Some(true));
            assert_eq!(ratings.projection_expression(), Some("shop_id, user_id, stars, rated_at"));
            assert!(ratings.keys().len() <= 100);
            true
        })
        .then_output(|| BatchGetItemOutput::builder().build());
    let records = records(&[&query, &scan, &batches]);
    assert_eq!(records.shops(None, 5).await.unwrap(), []);
    assert_eq!(*listed.lock().unwrap(), ["ratings", "contributions", "scores"]);
    let ratings: Vec<_> = (0..250).map(|user| rating(&shop(), user)).collect();
    assert_eq!(records.ratings(&ratings).await.unwrap(), HashMap::new());
    assert_eq!(batches.num_calls(), 3);
    assert!(records.scores_of(&shop()).await.unwrap().is_empty());
    records.contributions_of(&shop(), None).await.unwrap();
    records.ratings_of(&shop(), &Users::default()).await.unwrap();
    let asked: Vec<_> = asked
        .lock()
        .unwrap()
        .iter()
        .cloned()
        .map(|query| {
            assert_eq!(query.consistent_read(), Some(true));
            assert_eq!(query.expression_attribute_values().unwrap()[":shop_id"], text("shop"));
            (query.table_name.unwrap(), query.limit, query.projection_expression)
        })
        .collect();
    let expected = [
        ("scores", None, None),
        ("contributions", Some(1_000), None),
        ("ratings", Some(1_000), Some("user_id, stars, rated_at")),
    ];
    assert_eq!(asked, expected.map(|(table, limit, only)| (table.to_owned(), limit, only.map(str::to_owned))));
}

#[tokio::test]
async fn the_first_shops_of_all_tables_are_kept() {
    let item = |id: &str| HashMap::from([("shop_id".to_owned(), text(id))]);
    let scan = |table: &'static str, ids: [&'static str; 4], last: Option<&'static str>, from: Option<&'static str>| {
        mock!(Client::scan)
            .match_requests(move |request| {
                let start = request.exclusive_start_key().map(|key| key["shop_id"].clone());
                request.table_name() == Some(table) && start == from.map(text)
            })
            .then_output(move || {
                let items = ids.map(item).to_vec();
                ScanOutput::builder().set_items(Some(items)).set_last_evaluated_key(last.map(item)).build()
            })
    };
    let rules = [
        scan("ratings", ["e", "böse!", "a", "e"], Some("e"), None),
        scan("ratings", ["d", "", "A", "z"], None, Some("e")),
        scan("contributions", ["c", "a", "y", "x"], None, None),
        scan("scores", ["b", "e", "c", "a b"], None, None),
    ];
    let records = records(&rules.iter().collect::<Vec<_>>());
    let shops = async |after: Option<&str>, limit| {
        let after = after.map(|id| id.parse::<ShopId>().unwrap());
        let shops = records.shops(after.as_ref(), limit).await.unwrap();
        shops.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shops(None, 3).await, "A a b");
    assert_eq!(shops(Some("b"), 3).await, "c d e");
    assert_eq!(shops(Some("c"), 9).await, "d e x y z");
    assert_eq!(shops(Some("z"), 9).await, "");
}

#[tokio::test]
async fn a_page_ends_where_it_can_be_read_on_from() {
    let (query, asked) = queries(vec![
        page(&["a", "b", "böse!"], Some("böse!")),
        page(&["b ", "b!"], Some("b!")),
        page(&["c", "d"], Some("d")),
    ]);
    let found = records(&[&query]).ratings_of(&shop(), &Users::default()).await.unwrap();
    let users: Vec<_> = found.items.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!(users, ["a", "b", "c", "d"]);
    assert_eq!(found.next, Some(user("d")));
    let above: Vec<_> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|query| {
            assert_eq!(query.exclusive_start_key(), None);
            query.expression_attribute_values().unwrap().get(":above").cloned()
        })
        .collect();
    assert_eq!(above, [None, Some(text("böse!")), Some(text("b!"))]);

    let (query, _) = queries(vec![page(&["a", "!"], Some("!")), page(&[" "], None)]);
    let found = records(&[&query]).contributions_of(&shop(), None).await.unwrap();
    assert_eq!((found.items.len(), found.next), (1, None));
}

#[tokio::test]
async fn a_range_is_of_the_key_and_never_upside_down() {
    let cases = [
        (None, None, "shop_id = :shop_id", vec![]),
        (Some("a"), None, "shop_id = :shop_id AND user_id > :above", vec![(":above", "a")]),
        (None, Some("b"), "shop_id = :shop_id AND user_id <= :up_to", vec![(":up_to", "b")]),
        (
            Some("a"),
            Some("b"),
            "shop_id = :shop_id AND user_id BETWEEN :from AND :up_to",
            vec![(":from", "a\0"), (":up_to", "b")],
        ),
    ];
    for (above, up_to, condition, values) in cases {
        let (query, asked) = queries(vec![page(&["b"], None)]);
        let users = Users { above: above.map(user), up_to: up_to.map(user) };
        records(&[&query]).ratings_of(&shop(), &users).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0].key_condition_expression(), Some(condition));
        let shop_id = [(":shop_id", "shop")];
        let values: HashMap<_, _> =
            values.into_iter().chain(shop_id).map(|(name, value)| (name.to_owned(), text(value))).collect();
        assert_eq!(asked[0].expression_attribute_values(), Some(&values));
    }
    let (query, _) = queries(vec![]);
    for above in ["b", "c"] {
        let users = Users { above: Some(user(above)), up_to: Some(user("b")) };
        let found = records(&[&query]).ratings_of(&shop(), &users).await.unwrap();
        assert!(found.items.is_empty() && found.next.is_none());
    }
    assert_eq!(query.num_calls(), 0, "DynamoDB would call such a range an error");
}

#[tokio::test]
async fn an_item_that_cannot_be_understood_is_an_error_of_its_own() {
    let good = contribution(rating(&shop(), 0), None, true);
    let mut later: Item = serde_dynamo::to_item(contribution(rating(&shop(), 1), None, true)).unwrap();
    later.insert("stars".to_owned(), AttributeValue::N("7".to_owned()));
    let items = vec![serde_dynamo::to_item(&good).unwrap(), later];
    let (query, _) = queries(vec![QueryOutput::builder().set_items(Some(items)).build()]);
    let mut found = records(&[&query]).contributions_of(&shop(), None).await.unwrap().items.into_iter();
    assert_eq!(found.next().unwrap().1.unwrap(), good);
    let (user, error) = found.next().unwrap();
    assert_eq!(user.as_str(), "user-1");
    assert!(!error.unwrap_err().busy);

    let good = score(&shop(), "all", 1, 3);
    let mut later: Item = serde_dynamo::to_item(score(&shop(), "2026-11", 1, 3)).unwrap();
    later.remove("histogram");
    let mut nobodys: Item = serde_dynamo::to_item(score(&shop(), "2026-12", 1, 3)).unwrap();
    nobodys.insert("period".to_owned(), text("2026-13"));
    let first = QueryOutput::builder().items(later).set_last_evaluated_key(Some(keys("all"))).build();
    let second = vec![nobodys, serde_dynamo::to_item(&good).unwrap()];
    let (query, _) = queries(vec![first, QueryOutput::builder().set_items(Some(second)).build()]);
    let mut found = records(&[&query]).scores_of(&shop()).await.unwrap();
    assert_eq!(found.remove(&good.key).unwrap().unwrap(), good);
    found.remove(&score(&shop(), "2026-11", 1, 3).key).unwrap().unwrap_err();
    assert!(found.is_empty(), "a score of no period is nobody's: {found:?}");
}

#[tokio::test]
async fn a_rating_is_read_as_it_is() {
    let mut said = keys("user-1");
    said.extend([("stars".to_owned(), AttributeValue::N("9".to_owned())), ("rated_at".to_owned(), text("never"))]);
    let mut odd = keys("user-2");
    odd.insert("stars".to_owned(), AttributeValue::Null(true));
    let ratings = mock!(Client::batch_get_item).then_output(move || {
        BatchGetItemOutput::builder().responses("ratings", vec![said.clone(), odd.clone()]).build()
    });
    let found = records(&[&ratings]).ratings(&[1, 2].map(|user| rating(&shop(), user))).await.unwrap();
    let said = &found[&rating(&shop(), 1)];
    assert_eq!(said.stars, Some(Attribute::Number("9".to_owned())));
    assert_eq!(said.rated_at, Some(Attribute::Text("never".to_owned())));
    let odd = &found[&rating(&shop(), 2)];
    assert_eq!((&odd.stars, &odd.rated_at), (&Some(Attribute::Other), &None));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_busy_and_a_denial_is_not() {
    let throttled = || {
        let meta = ErrorMetadata::builder().code("ProvisionedThroughputExceededException").build();
        ProvisionedThroughputExceededException::builder().meta(meta).build()
    };
    let query =
        mock!(Client::query).then_error(move || QueryError::ProvisionedThroughputExceededException(throttled()));
    let scan = mock!(Client::scan).then_error(move || ScanError::ProvisionedThroughputExceededException(throttled()));
    let busy = records(&[&query, &scan]);
    assert!(busy.shops(None, 5).await.unwrap_err().busy);
    assert!(busy.scores_of(&shop()).await.unwrap_err().busy);
    assert!(busy.contributions_of(&shop(), None).await.unwrap_err().busy);
    assert!(busy.ratings_of(&shop(), &Users::default()).await.unwrap_err().busy);
    let denied = mock!(Client::query)
        .then_error(|| QueryError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
    assert!(!records(&[&denied]).scores_of(&shop()).await.unwrap_err().busy);
}
