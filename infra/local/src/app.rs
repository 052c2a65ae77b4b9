//! What the app does with a running stack: it uploads photos and reads their outcomes.
//!
//! As the account's root, without presigning: that is the app's own back end's business, described in `CONTRACT.md`.

use anyhow::{Context as _, Result};
use aws_sdk_s3::primitives::ByteStream;
use coffeeshop_aws::photos::{AwsPhotoStore, PhotoStoreNames, USER_ID_METADATA};
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::PhotoStore as _;

use crate::StackInfo;

/// The app, connected to a stack. Its clients belong to one tokio runtime.
#[derive(Debug)]
pub struct App {
    s3: aws_sdk_s3::Client,
    originals_bucket: String,
    store: AwsPhotoStore,
}

impl App {
    /// The app of this stack.
    pub fn new(stack: &StackInfo) -> Result<Self> {
        let sdk = stack.sdk_config();
        let s3 = coffeeshop_aws::sdk::s3(&sdk);
        let names = PhotoStoreNames {
            originals_bucket: stack.output("OriginalsBucket")?.to_owned(),
            renditions_bucket: stack.output("RenditionsBucket")?.to_owned(),
            photos_table: stack.output("PhotosTable")?.to_owned(),
        };
        let originals_bucket = names.originals_bucket.clone();
        let store = AwsPhotoStore::new(s3.clone(), aws_sdk_dynamodb::Client::new(&sdk), names);
        Ok(Self { s3, originals_bucket, store })
    }

    /// Uploads a photo and returns its version id.
    pub async fn upload(&self, photo: &PhotoKey, bytes: Vec<u8>, user_id: Option<&str>) -> Result<String> {
        let put = self.s3.put_object().bucket(&self.originals_bucket).key(photo.original());
        let put = match user_id {
            Some(user_id) => put.metadata(USER_ID_METADATA, user_id),
            None => put,
        };
        let stored = put.body(ByteStream::from(bytes)).send().await.map_err(aws_sdk_s3::Error::from)?;
        stored.version_id.context("the bucket of originals has no versions")
    }

    /// The photo's outcome, if it has one by now.
    pub async fn outcome(&self, photo: &PhotoKey) -> Result<Option<Outcome>> {
        Ok(self.store.outcome(photo).await?)
    }

    /// The ports that the functions have, over the same stack.
    pub fn store(&self) -> &AwsPhotoStore {
        &self.store
    }
}
