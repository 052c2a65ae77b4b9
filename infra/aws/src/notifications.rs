//! [`NotificationStore`] over three tables of DynamoDB.
//!
//! Every read is consistent. Nobody is told anything here, and whether a subscription can be used is decided elsewhere.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use coffeeshop_core::delivery::DeliveryKey;
use coffeeshop_core::ids::ChannelId;
use coffeeshop_core::inbox::InboxItem;
use coffeeshop_core::ports::{DeliveryResult, Lease, Malformed, NotificationStore, PortError, Put, SubscriptionPage};
use coffeeshop_core::subscription::{Secret, Subscriber, Subscription};
use jiff::Timestamp;

use crate::failed;
use crate::tables::{Item, text, unable};

/// For how long an item of `deliveries` stays after its last lease, in seconds: 35 days. A message stays in its queue for
/// up to 14, and for 14 more in the dead-letter queue; for as long it must be known that its delivery was made.
const DELIVERY_SECONDS: i64 = 35 * 24 * 60 * 60;

/// How many subscriptions are read at once: each becomes a message with a whole event, and all of these are in memory.
const PAGE: i32 = 100;

/// Three tables.
#[derive(Debug, Clone)]
pub struct AwsNotificationStore {
    client: Client,
    names: NotificationNames,
}

/// What the tables are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationNames {
    /// Who is told, and how.
    pub subscribers_table: String,
    /// What was delivered, or is being delivered.
    pub deliveries_table: String,
    /// What people read in the app.
    pub inbox_table: String,
}

impl AwsNotificationStore {
    /// A store of these names. Nothing is called yet.
    pub fn new(client: Client, names: NotificationNames) -> Self {
        Self { client, names }
    }

    fn update_delivery(&self, delivery: &DeliveryKey) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.names.deliveries_table);
        update.key("event_id", text(&delivery.event_id)).key("channel", text(delivery.channel()))
    }
}

/// Updates an item, if it is as the condition says.
async fn update_if(call: &'static str, update: UpdateItemFluentBuilder) -> Result<Put, PortError> {
    match update.send().await {
        Ok(_) => Ok(Put::Stored),
        Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
            Ok(Put::LostRace)
        }
        Err(error) => Err(unable(call, error)),
    }
}

fn milliseconds(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.as_millisecond().to_string())
}

/// Why an item of `deliveries` cannot be leased; `None`: that makes no sense.
fn held(item: &Item) -> Option<Lease> {
    if item.contains_key("delivered_at") {
        return Some(Lease::Delivered);
    }
    let until = item.get("lease_until")?.as_n().ok()?.parse().ok()?;
    Some(Lease::Others { until: Timestamp::from_millisecond(until).ok()? })
}

/// One subscription of `subscriber`.
fn parsed(subscriber: &Subscriber, item: Item) -> Result<Subscription, Malformed> {
    serde_dynamo::from_item(item.clone()).map_err(|_| {
        let channel_id = item.get("channel_id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
        Malformed { subscriber: subscriber.clone(), channel_id, error: what_is_wrong(item) }
    })
}

/// Why an item is no subscription. The errors of serde quote values, and a URL or a secret must not be logged: so it is
/// said of an item with the same shape and without them.
fn what_is_wrong(item: Item) -> String {
    const SHOWN: [&str; 4] = ["subscriber", "channel_id", "kind", "user_id"];
    let shape = |(name, value): (String, AttributeValue)| {
        let value = if SHOWN.contains(&name.as_str()) { value } else { hidden(&name, value) };
        (name, value)
    };
    let shape: Item = item.into_iter().map(shape).collect();
    match serde_dynamo::from_item::<_, Subscription>(shape) {
        Ok(_) => "a value makes no sense".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A value of the same type; for a text the attribute's name.
fn hidden(name: &str, value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::S(_) => AttributeValue::S(format!("({name})")),
        AttributeValue::Ss(_) => AttributeValue::Ss(vec![format!("({name})")]),
        AttributeValue::N(_) => AttributeValue::N("0".to_owned()),
        AttributeValue::Ns(_) => AttributeValue::Ns(vec!["0".to_owned()]),
        AttributeValue::B(_) => AttributeValue::B(Blob::new([])),
        AttributeValue::Bs(_) => AttributeValue::Bs(vec![Blob::new([])]),
        AttributeValue::L(list) => AttributeValue::L(list.into_iter().map(|value| hidden(name, value)).collect()),
        AttributeValue::M(_) => AttributeValue::M(HashMap::new()),
        AttributeValue::Bool(_) => value,
        _ => AttributeValue::Null(true),
    }
}

impl NotificationStore for AwsNotificationStore {
    async fn subscriptions(&self, subscriber: &Subscriber, after: Option<&str>) -> Result<SubscriptionPage, PortError> {
        const CALL: &str = "subscriptions.query";
        let query = self.client.query().table_name(&self.names.subscribers_table).consistent_read(true).limit(PAGE);
        let query = query.expression_attribute_values(":subscriber", text(subscriber));
        let query = match after {
            None => query.key_condition_expression("subscriber = :subscriber"),
            Some(after) => query
                .key_condition_expression("subscriber = :subscriber AND channel_id > :after")
                .expression_attribute_values(":after", text(after)),
        };
        let page = query.send().await.map_err(|error| unable(CALL, error))?;
        let subscriptions = page.items.unwrap_or_default().into_iter().map(|item| parsed(subscriber, item)).collect();
        let next = match page.last_evaluated_key.filter(|key| !key.is_empty()) {
            None => None,
            Some(last) => {
                let last = last.get("channel_id").and_then(|channel_id| channel_id.as_s().ok());
                Some(last.ok_or_else(|| PortError::new(CALL, "the last key has no channel"))?.clone())
            }
        };
        Ok(SubscriptionPage { subscriptions, next })
    }

    async fn subscription(
        &self,
        subscriber: &Subscriber,
        channel_id: &ChannelId,
    ) -> Result<Option<Result<Subscription, Malformed>>, PortError> {
        let get = self.client.get_item().table_name(&self.names.subscribers_table).consistent_read(true);
        let get = get.key("subscriber", text(subscriber)).key("channel_id", text(channel_id));
        let answer = get.send().await.map_err(|error| unable("subscriptions.get", error))?;
        Ok(answer.item.map(|item| parsed(subscriber, item)))
    }

    async fn disable(&self, subscriber: &Subscriber, channel_id: &ChannelId, url: &Secret) -> Result<Put, PortError> {
        let update = self.client.update_item().table_name(&self.names.subscribers_table);
        let update = update.key("subscriber", text(subscriber)).key("channel_id", text(channel_id));
        let update = update
            .update_expression("SET enabled = :false, disabled_because = :gone")
            // One that is not there has no URL.
            .condition_expression("#url = :url")
            .expression_attribute_names("#url", "url")
            .expression_attribute_values(":url", text(url.reveal()))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":gone", text("gone"));
        update_if("subscriptions.disable", update).await
    }

    async fn lease(
        &self,
        delivery: &DeliveryKey,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, PortError> {
        const CALL: &str = "deliveries.lease";
        let expires_at = until.as_second().saturating_add(DELIVERY_SECONDS);
        let update = self
            .update_delivery(delivery)
            .update_expression("SET lease_until = :until, lease_owner = :owner, expires_at = :expires_at")
            // Its own, when a reply was lost and the SDK tried again.
            .condition_expression(
                "attribute_not_exists(delivered_at) AND \
                 (attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner)",
            )
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":until", milliseconds(until))
            .expression_attribute_values(":expires_at", AttributeValue::N(expires_at.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(Lease::Ours),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let held = failed.item().and_then(held);
                    held.ok_or_else(|| PortError::new(CALL, format!("{delivery} is neither free, nor held, nor made")))
                }
                _ => Err(unable(CALL, error)),
            },
        }
    }

    async fn finish(
        &self,
        delivery: &DeliveryKey,
        owner: &str,
        now: Timestamp,
        result: &DeliveryResult,
    ) -> Result<(), PortError> {
        let update = self.update_delivery(delivery).expression_attribute_names("#result", "result");
        let update = update.expression_attribute_values(":now", text(now));
        let update = match result {
            // What was made is made, whoever has the lease.
            DeliveryResult::Delivered { status } => update
                .update_expression(
                    "SET delivered_at = :now, #result = :result, http_status = :status \
                     REMOVE lease_until, lease_owner",
                )
                .expression_attribute_values(":result", text("delivered"))
                .expression_attribute_values(":status", AttributeValue::N(status.to_string())),
            DeliveryResult::Failed { code } => update
                .update_expression(
                    "SET failed_at = :now, #result = :result, #code = :code REMOVE lease_until, lease_owner",
                )
                .condition_expression("lease_owner = :owner AND attribute_not_exists(delivered_at)")
                .expression_attribute_names("#code", "code")
                .expression_attribute_values(":result", text("failed"))
                .expression_attribute_values(":code", text(code))
                .expression_attribute_values(":owner", text(owner)),
        };
        // That another owner has it by now, is as it should be.
        update_if("deliveries.finish", update).await.map(drop)
    }

    async fn put_inbox(&self, item: &InboxItem) -> Result<Put, PortError> {
        const CALL: &str = "inbox.put";
        let item = serde_dynamo::to_item(item).map_err(failed(CALL))?;
        let put = self.client.put_item().table_name(&self.names.inbox_table).set_item(Some(item));
        match put.condition_expression("attribute_not_exists(event_id)").send().await {
            Ok(_) => Ok(Put::Stored),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Put::LostRace)
            }
            Err(error) => Err(unable(CALL, error)),
        }
    }
}
