//! The ports of the notifier over AWS keep the same contract as the world in memory.

use aws_sdk_dynamodb::types::AttributeValue;
use coffeeshop_aws::delivery_queue::SqsDeliveries;
use coffeeshop_aws::notifications::{AwsNotificationStore, NotificationNames};
use coffeeshop_core::delivery::Delivery;
use coffeeshop_core::ids::UserId;
use coffeeshop_core::inbox::InboxItem;
use coffeeshop_core::subscription::{Subscriber, Subscription};
use coffeeshop_core::testing::notifications_contract::{self, SECRET};
use coffeeshop_local::app::App;

use crate::stack;

/// The app, and the ports over the same stack.
struct Outside {
    app: App,
    dynamodb: aws_sdk_dynamodb::Client,
    subscribers: String,
    store: AwsNotificationStore,
}

impl Outside {
    async fn new() -> Self {
        let stack = stack().await;
        let output = |name| stack.output(name).unwrap().to_owned();
        let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
        let names = NotificationNames {
            subscribers_table: output("SubscribersTable"),
            deliveries_table: output("DeliveriesTable"),
            inbox_table: output("InboxTable"),
        };
        let store = AwsNotificationStore::new(dynamodb.clone(), names);
        Self { app: App::new(&stack).unwrap(), dynamodb, subscribers: output("SubscribersTable"), store }
    }
}

impl notifications_contract::App for Outside {
    async fn subscribe(&self, subscription: &Subscription) {
        self.app.subscribe(subscription).await.unwrap();
    }

    async fn subscribe_malformed(&self, subscriber: &Subscriber, channel_id: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = self.dynamodb.put_item().table_name(&self.subscribers);
        let put = put.item("subscriber", text(&subscriber.to_string())).item("channel_id", text(channel_id));
        let put = put.item("enabled", AttributeValue::Bool(true)).item("kind", text("webhook"));
        let put = put.item("url", text("https://example.com")).item("secrets", text(SECRET));
        put.send().await.unwrap();
    }

    async fn inbox(&self, user_id: &UserId) -> Vec<InboxItem> {
        self.app.inbox(user_id).await.unwrap()
    }
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

#[tokio::test]
async fn subscriptions() {
    let outside = Outside::new().await;
    notifications_contract::subscriptions(&outside.store, &outside, &user("contract-subscriptions")).await;
}

#[tokio::test]
async fn leases() {
    notifications_contract::leases(&Outside::new().await.store, &user("contract-leases")).await;
}

#[tokio::test]
async fn inbox() {
    let outside = Outside::new().await;
    notifications_contract::inbox(&outside.store, &outside, &user("contract-inbox")).await;
}

/// On a queue of this test alone, which no function reads.
#[tokio::test]
async fn deliveries() {
    let sqs = aws_sdk_sqs::Client::new(&stack().await.sdk_config());
    let queue = sqs.create_queue().queue_name("contract-deliveries").send().await.unwrap().queue_url.unwrap();
    let receive = async || {
        let mut deliveries: Vec<Delivery> = Vec::new();
        loop {
            let receive = sqs.receive_message().queue_url(&queue).max_number_of_messages(10);
            let received = receive.send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return deliveries;
            }
            deliveries.extend(received.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()));
        }
    };
    let sent = SqsDeliveries::new(sqs.clone(), queue.clone());
    notifications_contract::deliveries(&sent, &user("contract-deliveries"), receive).await;
}
