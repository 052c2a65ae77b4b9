//! [`PhotoStore`] over S3 and DynamoDB.
//!
//! The role needs `s3:ListBucket` on both buckets: without it S3 answers 403 for an original that is gone.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_s3::Client as S3;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;
use coffeeshop_core::SOURCE_BYTES_MAX;
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{Original, PhotoStore, PortError, Put};

use crate::{dynamo, failed};

/// The object metadata in which the app names the uploader.
pub const USER_ID_METADATA: &str = "user-id";

/// How a rendition may be cached: for ever, since its key names its content.
pub const RENDITION_CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// The most keys that S3 deletes in one call.
const DELETE_KEYS_MAX: usize = 1000;

/// Two buckets and a table.
#[derive(Debug, Clone)]
pub struct AwsPhotoStore {
    s3: S3,
    dynamodb: DynamoDb,
    names: PhotoStoreNames,
}

/// What the buckets and the table are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoStoreNames {
    /// The bucket that the app uploads to.
    pub originals_bucket: String,
    /// The bucket that renditions are read from.
    pub renditions_bucket: String,
    /// The table of outcomes.
    pub photos_table: String,
}

impl AwsPhotoStore {
    /// A store of these names. Nothing is called yet.
    pub fn new(s3: S3, dynamodb: DynamoDb, names: PhotoStoreNames) -> Self {
        Self { s3, dynamodb, names }
    }

    #[cfg(feature = "stack")]
    pub(crate) fn s3(&self) -> &S3 {
        &self.s3
    }

    #[cfg(feature = "stack")]
    pub(crate) fn dynamodb(&self) -> &DynamoDb {
        &self.dynamodb
    }

    #[cfg(feature = "stack")]
    pub(crate) fn names(&self) -> &PhotoStoreNames {
        &self.names
    }
}

impl PhotoStore for AwsPhotoStore {
    async fn outcome(&self, photo: &PhotoKey) -> Result<Option<Outcome>, PortError> {
        dynamo::get(&self.dynamodb, &self.names.photos_table, photo).await
    }

    async fn put_outcome(&self, outcome: &Outcome) -> Result<Put, PortError> {
        dynamo::put(&self.dynamodb, &self.names.photos_table, outcome).await
    }

    async fn renditions(&self, photo: &PhotoKey) -> Result<Vec<RenditionKey>, PortError> {
        const CALL: &str = "renditions.list";
        let request = self.s3.list_objects_v2().bucket(&self.names.renditions_bucket).prefix(photo.renditions_prefix());
        let mut pages = request.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(CALL))?;
            keys.extend(page.contents().iter().filter_map(|object| RenditionKey::parse(object.key()?).ok()));
        }
        Ok(keys)
    }

    async fn put_rendition(&self, key: &RenditionKey, jpeg: Bytes) -> Result<(), PortError> {
        self.s3
            .put_object()
            .bucket(&self.names.renditions_bucket)
            .key(key.to_string())
            .content_type("image/jpeg")
            .cache_control(RENDITION_CACHE_CONTROL)
            .body(jpeg.into())
            .send()
            .await
            .map_err(failed("renditions.put"))?;
        Ok(())
    }

    async fn delete_renditions(&self, keys: &[RenditionKey]) -> Result<(), PortError> {
        const CALL: &str = "renditions.delete";
        for some in keys.chunks(DELETE_KEYS_MAX) {
            let identifiers = some
                .iter()
                .map(|key| ObjectIdentifier::builder().key(key.to_string()).build())
                .collect::<Result<Vec<_>, _>>()
                .map_err(failed(CALL))?;
            let delete = Delete::builder().set_objects(Some(identifiers)).quiet(true).build().map_err(failed(CALL))?;
            let request = self.s3.delete_objects().bucket(&self.names.renditions_bucket).delete(delete);
            let answer = request.send().await.map_err(failed(CALL))?;
            if let [first, ..] = answer.errors() {
                return Err(PortError::new(CALL, format!("{} keys remain: {first:?}", answer.errors().len())));
            }
        }
        Ok(())
    }

    async fn original(&self, photo: &PhotoKey) -> Result<Option<Original>, PortError> {
        let request = self.s3.get_object().bucket(&self.names.originals_bucket).key(photo.original());
        match request.send().await {
            Ok(object) => read(object).await.map(Some),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(aws_sdk_s3::operation::get_object::GetObjectError::is_no_such_key) =>
            {
                Ok(None)
            }
            Err(error) => Err(PortError::new("originals.get", error)),
        }
    }
}

async fn read(object: GetObjectOutput) -> Result<Original, PortError> {
    const CALL: &str = "originals.get";
    let length = object.content_length().ok_or("no content length");
    let bytes = length.map_err(|missing| PortError::new(CALL, missing))?;
    let bytes = u64::try_from(bytes).map_err(failed(CALL))?;
    let etag = object.e_tag().unwrap_or_default().trim_matches('"').to_owned();
    let version_id = object.version_id().unwrap_or("null").to_owned();
    let user_id = object.metadata().and_then(|metadata| metadata.get(USER_ID_METADATA)).cloned();
    let body = if bytes > SOURCE_BYTES_MAX { None } else { Some(whole(object.body).await?) };
    Ok(Original { version_id, etag, bytes, user_id, body })
}

async fn whole(body: ByteStream) -> Result<Bytes, PortError> {
    body.collect().await.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes).map_err(failed("originals.get"))
}
