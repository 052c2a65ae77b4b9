//! [`Objects`] over S3.
//!
//! What is in the files, and what they are called, is decided elsewhere. A file is put in one piece: S3 takes 5 GB so.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use coffeeshop_core::ports::{Object, ObjectPage, Objects, PortError, Put};

use jiff::Timestamp;

use crate::failed;

/// Any bucket that the credentials reach.
#[derive(Debug, Clone)]
pub struct S3Objects {
    client: Client,
}

impl S3Objects {
    /// Nothing is called yet.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn put(
        &self,
        call: &'static str,
        bucket: &str,
        key: &str,
        file: &Path,
    ) -> Result<PutObjectFluentBuilder, PortError> {
        let body = ByteStream::from_path(file).await.map_err(failed(call))?;
        Ok(self.client.put_object().bucket(bucket).key(key).content_type("application/x-ndjson").body(body))
    }
}

impl Objects for S3Objects {
    async fn put_new(&self, bucket: &str, key: &str, file: &Path) -> Result<Put, PortError> {
        const CALL: &str = "objects.put_new";
        match self.put(CALL, bucket, key, file).await?.if_none_match("*").send().await {
            Ok(_) => Ok(Put::Stored),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(Put::LostRace),
            Err(error) => Err(failed(CALL)(error)),
        }
    }

    async fn replace(&self, bucket: &str, key: &str, file: &Path) -> Result<(), PortError> {
        const CALL: &str = "objects.replace";
        self.put(CALL, bucket, key, file).await?.send().await.map_err(failed(CALL))?;
        Ok(())
    }

    async fn list(&self, bucket: &str, prefix: &str, after: Option<&str>) -> Result<ObjectPage, PortError> {
        const CALL: &str = "objects.list";
        let request = self.client.list_objects_v2().bucket(bucket).prefix(prefix);
        let answer = request.set_start_after(after.map(str::to_owned)).send().await.map_err(failed(CALL))?;
        let more = answer.is_truncated == Some(true);
        let objects = answer.contents.unwrap_or_default().into_iter().map(object).collect::<Result<Vec<_>, _>>()?;
        let next = objects.last().filter(|_| more).map(|object| object.key.clone());
        Ok(ObjectPage { objects, next })
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, PortError> {
        const CALL: &str = "objects.get";
        match self.client.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => Ok(Some(object.body.collect().await.map_err(failed(CALL))?.into_bytes())),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(failed(CALL)(error)),
        }
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), PortError> {
        let request = self.client.delete_object().bucket(bucket).key(key);
        request.send().await.map_err(failed("objects.delete"))?;
        Ok(())
    }
}

fn object(object: aws_sdk_s3::types::Object) -> Result<Object, PortError> {
    const CALL: &str = "objects.list";
    let missing = |what| PortError::new(CALL, format!("an object without {what}"));
    let written_at = object.last_modified.ok_or_else(|| missing("a time"))?;
    Ok(Object {
        key: object.key.ok_or_else(|| missing("a key"))?,
        bytes: object.size.unwrap_or_default().try_into().map_err(failed(CALL))?,
        written_at: Timestamp::new(written_at.secs(), 0).map_err(failed(CALL))?,
    })
}
