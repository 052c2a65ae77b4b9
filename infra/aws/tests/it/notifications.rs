//! What is asked of DynamoDB for subscriptions, deliveries and inboxes, and what its answers become.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, ProvisionedThroughputExceededException};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use coffeeshop_aws::notifications::{AwsNotificationStore, NotificationNames};
use coffeeshop_core::delivery::DeliveryKey;
use coffeeshop_core::ids::ChannelId;
use coffeeshop_core::inbox::{About, InboxItem};
use coffeeshop_core::ports::{DeliveryResult, Lease, NotificationStore, Put};
use coffeeshop_core::subscription::{Channel, Secret, Subscriber};
use jiff::Timestamp;

type Item = HashMap<String, AttributeValue>;

const SECRET: &str = "whsec_c2VjcmV0";
const OWNER: &str = "request/message";
const URL: &str = "https://example.com/hook?token=hidden";

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn subscriber() -> Subscriber {
    "user#user-1".parse().unwrap()
}

fn hook() -> ChannelId {
    "hook".parse().unwrap()
}

fn key() -> Item {
    item([("subscriber", text("user#user-1")), ("channel_id", text("hook"))])
}

/// An item of `subscribers` for a webhook.
fn webhook() -> Item {
    let mut webhook = key();
    webhook.extend(item([
        ("enabled", AttributeValue::Bool(true)),
        ("kind", text("webhook")),
        ("url", text(URL)),
        ("secrets", AttributeValue::L(vec![text(SECRET)])),
    ]));
    webhook
}

fn delivery() -> DeliveryKey {
    DeliveryKey { event_id: "photo/shop/photo/1".parse().unwrap(), subscriber: subscriber(), channel_id: hook() }
}

fn delivery_key() -> Item {
    item([("event_id", text("photo/shop/photo/1")), ("channel", text("user#user-1#hook"))])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn milliseconds(second: i64) -> AttributeValue {
    number((1_800_000_000 + second) * 1_000)
}

fn inbox_item() -> InboxItem {
    InboxItem {
        user_id: "user-1".parse().unwrap(),
        event_id: "photo/shop/photo/1".parse().unwrap(),
        kind: "coffeeshop.photo.ready.v1".to_owned(),
        text: "Your photo is ready.".to_owned(),
        unread: true,
        created_at: at(0),
        expires_at: 1_900_000_000,
        about: About::Photo { shop_id: "shop".parse().unwrap(), photo_id: "photo".parse().unwrap() },
    }
}

fn store(rules: &[&Rule]) -> AwsNotificationStore {
    let names = NotificationNames {
        subscribers_table: "subscribers".to_owned(),
        deliveries_table: "deliveries".to_owned(),
        inbox_table: "inbox".to_owned(),
    };
    AwsNotificationStore::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), names)
}

/// The same answer to every update, and what was asked.
fn updates() -> (Rule, Arc<Mutex<Vec<UpdateItemInput>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let rule = mock!(Client::update_item).then_compute_output(move |request| {
        seen.lock().unwrap().push(request.clone());
        UpdateItemOutput::builder().build()
    });
    (rule, asked)
}

/// Every update fails its condition; what was there instead.
fn refused(there: Option<Item>) -> Rule {
    mock!(Client::update_item).then_error(move || {
        let failed = ConditionalCheckFailedException::builder().set_item(there.clone()).build();
        UpdateItemError::ConditionalCheckFailedException(failed)
    })
}

/// An expression with its names in place.
fn plain(expression: Option<&str>, names: Option<&HashMap<String, String>>) -> String {
    let names = names.into_iter().flatten();
    names.fold(expression.unwrap_or_default().to_owned(), |plain, (short, name)| plain.replace(short, name))
}

#[tokio::test]
async fn subscriptions_are_read_consistently_and_on_from_the_last_key() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let query = mock!(Client::query).then_compute_output(move |request| {
        assert_eq!((request.table_name(), request.consistent_read()), (Some("subscribers"), Some(true)));
        assert_eq!(request.limit(), Some(100), "each becomes a message in memory");
        let values = request.expression_attribute_values().unwrap().clone();
        let first = values.len() == 1;
        seen.lock().unwrap().push((request.key_condition_expression().unwrap().to_owned(), values));
        // A key that is no channel's can be read on from too.
        let last = item([("subscriber", text("user#user-1")), ("channel_id", text("no channel!"))]);
        QueryOutput::builder().items(webhook()).set_last_evaluated_key(first.then_some(last)).build()
    });
    let store = store(&[&query]);
    let page = store.subscriptions(&subscriber(), None).await.unwrap();
    assert_eq!((page.subscriptions.len(), page.next.as_deref()), (1, Some("no channel!")));
    assert!(
        matches!(&page.subscriptions[0].as_ref().unwrap().channel, Channel::Webhook { url, .. } if url.reveal() == URL)
    );
    let page = store.subscriptions(&subscriber(), page.next.as_deref()).await.unwrap();
    assert_eq!((page.subscriptions.len(), page.next), (1, None));
    let of = item([(":subscriber", text("user#user-1"))]);
    let after = item([(":subscriber", text("user#user-1")), (":after", text("no channel!"))]);
    let expected = [
        ("subscriber = :subscriber".to_owned(), of),
        ("subscriber = :subscriber AND channel_id > :after".to_owned(), after),
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn one_subscription_is_read_consistently() {
    let there = |request: &GetItemInput| {
        assert_eq!((request.table_name(), request.consistent_read()), (Some("subscribers"), Some(true)));
        request.key() == Some(&key())
    };
    let get = mock!(Client::get_item)
        .then_compute_output(move |request| GetItemOutput::builder().set_item(there(request).then(webhook)).build());
    let store = store(&[&get]);
    let found = store.subscription(&subscriber(), &hook()).await.unwrap().unwrap().unwrap();
    assert_eq!((found.subscriber, found.channel_id, found.enabled), (subscriber(), hook(), true));
    assert_eq!(store.subscription(&subscriber(), &"other".parse().unwrap()).await.unwrap(), None);
}

/// Serde's errors quote values, of which some must not be logged.
#[tokio::test]
async fn what_makes_no_sense_is_told_without_urls_and_secrets() {
    let list = |value: AttributeValue| AttributeValue::L(vec![value]);
    for (name, value, expected) in [
        ("secrets", text(SECRET), "invalid type: string \"(secrets)\", expected a sequence"),
        ("secrets", list(item_value(SECRET)), "invalid type: map, expected a string"),
        ("secrets", list(AttributeValue::N("271828".to_owned())), "invalid type: integer `0`, expected a string"),
        ("secrets", item_value(SECRET), "invalid type: map, expected a sequence"),
        ("url", list(text(URL)), "invalid type: sequence, expected a string"),
        ("url", AttributeValue::N("271828".to_owned()), "invalid type: integer `0`, expected a string"),
        ("enabled", text(SECRET), "Expected bool"),
        ("kind", text("carrier_pigeon"), "unknown variant `carrier_pigeon`, expected `inbox` or `webhook`"),
    ] {
        let written = value.clone();
        let get = mock!(Client::get_item).then_output(move || {
            GetItemOutput::builder().set_item(Some(webhook())).item(name, written.clone()).build()
        });
        let malformed = store(&[&get]).subscription(&subscriber(), &hook()).await.unwrap().unwrap().unwrap_err();
        assert_eq!(malformed.error, expected, "{name}: {value:?}");
        assert_eq!((malformed.subscriber, malformed.channel_id.as_str()), (subscriber(), "hook"));
    }
    for missing in ["enabled", "kind", "url", "secrets"] {
        let get = mock!(Client::get_item).then_output(move || {
            let mut item = webhook();
            item.remove(missing);
            GetItemOutput::builder().set_item(Some(item)).build()
        });
        let malformed = store(&[&get]).subscription(&subscriber(), &hook()).await.unwrap().unwrap().unwrap_err();
        assert_eq!(malformed.error, format!("missing field `{missing}`"));
    }
}

fn item_value(secret: &str) -> AttributeValue {
    AttributeValue::M(HashMap::from([(secret.to_owned(), text(secret))]))
}

#[tokio::test]
async fn a_webhook_is_disabled_if_it_is_still_that_url() {
    let (update, asked) = updates();
    let disable = async |rule: &Rule| store(&[rule]).disable(&subscriber(), &hook(), &Secret::new(URL)).await.unwrap();
    assert_eq!(disable(&update).await, Put::Stored);
    let asked = asked.lock().unwrap()[0].clone();
    assert_eq!((asked.table_name(), asked.key()), (Some("subscribers"), Some(&key())));
    assert_eq!(plain(asked.condition_expression(), asked.expression_attribute_names()), "url = :url");
    assert_eq!(asked.update_expression(), Some("SET enabled = :false, disabled_because = :gone"));
    let values = item([(":url", text(URL)), (":false", AttributeValue::Bool(false)), (":gone", text("gone"))]);
    assert_eq!(asked.expression_attribute_values(), Some(&values));

    assert_eq!(disable(&refused(None)).await, Put::LostRace);
}

#[tokio::test]
async fn a_lease_is_taken_if_nobody_has_one_and_nothing_was_delivered() {
    let (update, asked) = updates();
    assert_eq!(store(&[&update]).lease(&delivery(), OWNER, at(0), at(60)).await.unwrap(), Lease::Ours);
    let asked = asked.lock().unwrap()[0].clone();
    assert_eq!((asked.table_name(), asked.key()), (Some("deliveries"), Some(&delivery_key())));
    let condition = "attribute_not_exists(delivered_at) AND \
                     (attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner)";
    assert_eq!(asked.condition_expression(), Some(condition));
    let all_old = Some(&ReturnValuesOnConditionCheckFailure::AllOld);
    assert_eq!(asked.return_values_on_condition_check_failure(), all_old);
    // Longer than a message can live in its queue, and again in the dead-letter queue.
    let expires_at = number(1_800_000_060 + 35 * 86_400);
    let values = item([
        (":now", milliseconds(0)),
        (":until", milliseconds(60)),
        (":owner", text(OWNER)),
        (":expires_at", expires_at),
    ]);
    assert_eq!(asked.expression_attribute_values(), Some(&values));
}

#[tokio::test]
async fn a_lease_that_is_not_had_says_why() {
    let leased = ("lease_until", milliseconds(30));
    let delivered = ("delivered_at", text("2027-01-15T08:00:00Z"));
    for (there, expected) in [
        (Some(item([leased.clone()])), Some(Lease::Others { until: at(30) })),
        (Some(item([delivered.clone()])), Some(Lease::Delivered)),
        (Some(item([leased, delivered])), Some(Lease::Delivered)),
        (Some(item([("lease_until", text("tomorrow"))])), None),
        (Some(item([("lease_until", AttributeValue::N("9".repeat(30)))])), None),
        (Some(item([])), None),
        (None, None),
    ] {
        let found = store(&[&refused(there.clone())]).lease(&delivery(), OWNER, at(0), at(60)).await;
        match found {
            Ok(lease) => assert_eq!(Some(lease), expected, "{there:?}"),
            Err(error) => assert_eq!((error.call, expected), ("deliveries.lease", None), "{there:?}"),
        }
    }
}

#[tokio::test]
async fn what_was_delivered_is_noted_whoever_has_the_lease_and_a_failure_only_with_it() {
    let (update, asked) = updates();
    let results = [DeliveryResult::Delivered { status: 204 }, DeliveryResult::Failed { code: "timeout" }];
    for result in &results {
        store(&[&update]).finish(&delivery(), OWNER, at(5), result).await.unwrap();
        store(&[&refused(None)]).finish(&delivery(), OWNER, at(5), result).await.unwrap();
    }
    let asked = asked.lock().unwrap();
    let told = |i: usize| {
        let update: &UpdateItemInput = &asked[i];
        assert_eq!((update.table_name(), update.key()), (Some("deliveries"), Some(&delivery_key())));
        let plain = |expression| plain(expression, update.expression_attribute_names());
        let values = update.expression_attribute_values().unwrap().clone();
        (plain(update.update_expression()), plain(update.condition_expression()), values)
    };
    let now = (":now", text("2027-01-15T08:00:05Z"));
    let delivered = item([now.clone(), (":result", text("delivered")), (":status", number(204))]);
    let update = "SET delivered_at = :now, result = :result, http_status = :status \
                  REMOVE lease_until, lease_owner";
    assert_eq!(told(0), (update.to_owned(), String::new(), delivered));
    let failed = item([now, (":result", text("failed")), (":code", text("timeout")), (":owner", text(OWNER))]);
    let update = "SET failed_at = :now, result = :result, code = :code REMOVE lease_until, lease_owner";
    let condition = "lease_owner = :owner AND attribute_not_exists(delivered_at)";
    assert_eq!(told(1), (update.to_owned(), condition.to_owned(), failed));
}

#[tokio::test]
async fn an_item_is_put_into_an_inbox_once() {
    let stored = mock!(Client::put_item)
        .match_requests(|request| {
            let whole = serde_dynamo::from_item::<_, InboxItem>(request.item().unwrap().clone()).unwrap();
            request.table_name() == Some("inbox")
                && request.condition_expression() == Some("attribute_not_exists(event_id)")
                && whole == inbox_item()
        })
        .then_output(|| PutItemOutput::builder().build());
    assert_eq!(store(&[&stored]).put_inbox(&inbox_item()).await.unwrap(), Put::Stored);
    let there = mock!(Client::put_item).then_error(|| {
        PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
    });
    assert_eq!(store(&[&there]).put_inbox(&inbox_item()).await.unwrap(), Put::LostRace);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_busy_and_a_denial_is_not() {
    let throttled = mock!(Client::update_item).then_error(|| {
        let meta = ErrorMetadata::builder().code("ProvisionedThroughputExceededException").build();
        let error = ProvisionedThroughputExceededException::builder().meta(meta).build();
        UpdateItemError::ProvisionedThroughputExceededException(error)
    });
    assert!(store(&[&throttled]).lease(&delivery(), OWNER, at(0), at(60)).await.unwrap_err().busy);
    let denied = mock!(Client::query)
        .then_error(|| QueryError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
    assert!(!store(&[&denied]).subscriptions(&subscriber(), None).await.unwrap_err().busy);
}
