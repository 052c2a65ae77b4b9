//! What the app, the operator and the tests do on the emulator.

use std::path::Path;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use coffeeshop_core::edition::Revision;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_local::app::App;
use coffeeshop_local::{StackInfo, repo_root};

/// A photo of this test alone.
pub(crate) fn photo(id: &str) -> PhotoKey {
    PhotoKey::from_original(&format!("uploads/shop-e2e/{id}")).unwrap()
}

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(&repo_root()).join("fixtures/images").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Clients of the emulator, and what is where.
pub(crate) struct Emulated {
    pub(crate) stack: StackInfo,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) app: App,
    pub(crate) originals: String,
    pub(crate) renditions: String,
    pub(crate) table: String,
    pub(crate) queue: String,
    pub(crate) dlq: String,
}

impl Emulated {
    pub(crate) fn new(stack: StackInfo) -> Self {
        let sdk = stack.sdk_config();
        let [originals, renditions, table, queue, dlq] =
            ["OriginalsBucket", "RenditionsBucket", "PhotosTable", "UploadsQueueUrl", "UploadsDlqUrl"]
                .map(|name| stack.output(name).unwrap().to_owned());
        let (s3, dynamodb) = (aws_sdk_s3::Client::new(&sdk), aws_sdk_dynamodb::Client::new(&sdk));
        let app = App::new(&stack).unwrap();
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        Self { stack, s3, dynamodb, sqs, app, originals, renditions, table, queue, dlq }
    }

    /// Uploads as the app would; returns the version id.
    pub(crate) async fn upload(&self, photo: &PhotoKey, body: Vec<u8>, user_id: Option<&str>) -> String {
        self.app.upload(photo, body, user_id).await.unwrap()
    }

    pub(crate) async fn delete_version(&self, photo: &PhotoKey, version: &str) {
        let delete = self.s3.delete_object().bucket(&self.originals).key(photo.original()).version_id(version);
        delete.send().await.unwrap();
    }

    /// Waits for the outcome of this revision, or a later one.
    pub(crate) async fn answered(&self, photo: &PhotoKey, revision: Revision) -> Outcome {
        for _ in 0..1200 {
            match self.app.outcome(photo).await {
                Ok(Some(outcome)) if outcome.revision >= revision => return outcome,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("{photo} has no outcome of revision {revision}; the log is below target/emulator");
    }

    /// What lies in the dead-letter queue; it stays there.
    pub(crate) async fn dlq(&self) -> Vec<Message> {
        let receive = self.sqs.receive_message().queue_url(&self.dlq).max_number_of_messages(10).visibility_timeout(0);
        let receive = receive
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    /// What the runbook tells an operator to do when the cause is gone.
    pub(crate) async fn redrive_all(&self) {
        let arn = async |url: &str| {
            let get = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
            let attributes = get.send().await.unwrap().attributes.unwrap();
            attributes.get(&QueueAttributeName::QueueArn).unwrap().clone()
        };
        let (from, to) = (arn(&self.dlq).await, arn(&self.queue).await);
        self.sqs.start_message_move_task().source_arn(from).destination_arn(to).send().await.unwrap();
    }
}
