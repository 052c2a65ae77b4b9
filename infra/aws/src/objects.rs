//! [`Objects`] over S3.
//!
//! What is in the files, and what they are called, is decided elsewhere. A file is put in one piece: S3 takes 5 GB so.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use coffeeshop_core::ports::{Objects, PortError, Put};

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
}
