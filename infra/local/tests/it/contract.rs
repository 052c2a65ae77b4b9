//! The ports over AWS keep the same contract as the world in memory.

use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use bytes::Bytes;
use coffeeshop_aws::source_queue::SqsSource;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::Receipt;
use coffeeshop_core::testing::{Parked, contract};

use crate::stack;
use crate::world::{Emulated, photo};

impl contract::App for Emulated {
    async fn upload(&self, photo: &PhotoKey, body: Bytes, user_id: Option<&str>) -> String {
        Emulated::upload(self, photo, body.to_vec(), user_id).await
    }

    async fn remove(&self, photo: &PhotoKey) {
        self.s3.delete_object().bucket(&self.originals).key(photo.original()).send().await.unwrap();
    }

    async fn undelete(&self, photo: &PhotoKey) {
        let list = self.s3.list_object_versions().bucket(&self.originals).prefix(photo.original());
        let listed = list.send().await.unwrap();
        let marker = listed.delete_markers().iter().find(|marker| marker.is_latest() == Some(true)).unwrap();
        self.delete_version(photo, marker.version_id().unwrap()).await;
    }
}

#[tokio::test]
async fn outcomes() {
    contract::outcomes(Emulated::new(stack().await).app.store(), &photo("contract-outcomes")).await;
}

#[tokio::test]
async fn renditions() {
    contract::renditions(Emulated::new(stack().await).app.store(), &photo("contract-renditions")).await;
}

#[tokio::test]
async fn originals() {
    let on = Emulated::new(stack().await);
    contract::originals(on.app.store(), &on, &photo("contract-originals")).await;
}

#[tokio::test]
async fn large_originals() {
    let on = Emulated::new(stack().await);
    contract::large_originals(on.app.store(), &on, &photo("contract-large")).await;
}

/// Two queues of this test alone, which no function reads.
struct Queues {
    sqs: aws_sdk_sqs::Client,
    queue: String,
    dlq: String,
}

impl contract::Queue for Queues {
    async fn send(&self, body: &str) {
        self.sqs.send_message().queue_url(&self.queue).message_body(body).send().await.unwrap();
    }

    async fn receive(&self) -> Option<(Receipt, String)> {
        let received = self.sqs.receive_message().queue_url(&self.queue).send().await.unwrap();
        let message = received.messages.unwrap_or_default().pop()?;
        Some((Receipt(message.receipt_handle.unwrap()), message.body.unwrap()))
    }

    async fn wait(&self, seconds: u32) {
        tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    }

    async fn parked(&self) -> Vec<Parked> {
        let receive = self.sqs.receive_message().queue_url(&self.dlq).message_attribute_names("All");
        let received = receive.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default();
        let text = |value: &MessageAttributeValue| value.string_value().unwrap().to_owned();
        let parked = received.into_iter().map(|message| {
            let attributes = message.message_attributes.unwrap();
            let [reason, error] = ["reason", "error"].map(|name| text(&attributes[name]));
            Parked { body: message.body.unwrap(), reason, error, replayed: attributes.get("replayed").map(text) }
        });
        parked.collect()
    }
}

#[tokio::test]
async fn source_queue() {
    let sqs = aws_sdk_sqs::Client::new(&stack().await.sdk_config());
    let create = |name: &str| {
        let create = sqs.create_queue().queue_name(name).attributes(QueueAttributeName::VisibilityTimeout, "60");
        async { create.send().await.unwrap().queue_url.unwrap() }
    };
    let (queue, dlq) = (create("contract").await, create("contract-dlq").await);
    let uploads = SqsSource::new(sqs.clone(), queue.clone(), dlq.clone());
    contract::source_queue(&uploads, &Queues { sqs, queue, dlq }).await;
}
