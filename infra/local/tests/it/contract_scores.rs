//! The ports of the aggregator over AWS keep the same contract as the world in memory.

use aws_sdk_sqs::types::MessageAttributeValue;
use coffeeshop_aws::quarantine::SqsQuarantine;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::score::City;
use coffeeshop_core::testing::scores_contract::{self, SetAside, Sides};
use coffeeshop_local::app::App;

use crate::stack;

/// A stack, and a queue of this test alone in place of the quarantine.
struct Outside {
    app: App,
    sqs: aws_sdk_sqs::Client,
    queue: String,
}

impl Outside {
    async fn new() -> Self {
        let stack = stack().await;
        let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
        let created = sqs.create_queue().queue_name("contract-quarantine").send().await.unwrap();
        Self { app: App::new(&stack).unwrap(), sqs, queue: created.queue_url.unwrap() }
    }
}

impl Sides for Outside {
    async fn open_shop(&self, shop_id: &ShopId, city: &City) {
        self.app.open_shop(shop_id, "A shop", city).await.unwrap();
    }

    async fn quarantined(&self) -> Vec<SetAside> {
        let mut found = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
            let received = receive.message_attribute_names("All").send().await.unwrap();
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return found;
            }
            for message in messages {
                let mut attributes = message.message_attributes.unwrap_or_default();
                let text = |value: MessageAttributeValue| value.string_value.unwrap();
                let [reason, error, event_id, replayed] =
                    ["reason", "error", "event_id", "replayed"].map(|name| attributes.remove(name).map(text));
                let (body, reason, error) = (message.body.unwrap(), reason.unwrap(), error.unwrap());
                found.push(SetAside { body, reason, error, event_id, replayed });
            }
        }
    }
}

fn shop(id: &str) -> ShopId {
    id.parse().unwrap()
}

#[tokio::test]
async fn transactions() {
    scores_contract::transactions(Outside::new().await.app.score_store(), &shop("contract-transactions")).await;
}

#[tokio::test]
async fn many() {
    scores_contract::many(Outside::new().await.app.score_store(), &shop("contract-many")).await;
}

#[tokio::test]
async fn one_moment() {
    scores_contract::one_moment(Outside::new().await.app.score_store(), &shop("contract-moment")).await;
}

#[tokio::test]
async fn races() {
    scores_contract::races(Outside::new().await.app.score_store(), &shop("contract-races")).await;
}

#[tokio::test]
async fn cities() {
    let outside = Outside::new().await;
    scores_contract::cities(outside.app.score_store(), &outside, &shop("contract-cities")).await;
}

#[tokio::test]
async fn the_quarantine() {
    let outside = Outside::new().await;
    let quarantine = SqsQuarantine::new(outside.sqs.clone(), outside.queue.clone());
    scores_contract::quarantine(&quarantine, &outside).await;
}
