//! [`Uploads`] over S3.
//!
//! What is in the objects, and what they are called, is decided elsewhere.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use coffeeshop_core::ports::{Objects as _, PortError, Served, Upload, UploadedPart, Uploads};

use crate::failed;
use crate::objects::S3Objects;

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3Uploads {
    client: Client,
    bucket: String,
}

impl S3Uploads {
    /// Nothing is called yet.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    fn objects(&self) -> S3Objects {
        S3Objects::new(self.client.clone())
    }
}

/// S3 counts parts in `i32`, up to 10,000.
fn part_number(call: &'static str, number: u32) -> Result<i32, PortError> {
    i32::try_from(number).map_err(failed(call))
}

impl Uploads for S3Uploads {
    async fn begin(&self, key: &str, served: Served) -> Result<Upload, PortError> {
        const CALL: &str = "uploads.begin";
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(key);
        let request = request.content_type(served.content_type).cache_control(served.cache_control);
        // What each part is checked by; S3 wants it said before.
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let id = request.send().await.map_err(failed(CALL))?.upload_id;
        let id = id.ok_or_else(|| PortError::new(CALL, "an upload without an id"))?;
        Ok(Upload { key: key.to_owned(), id })
    }

    async fn put_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<UploadedPart, PortError> {
        const CALL: &str = "uploads.put_part";
        let request = self.client.upload_part().bucket(&self.bucket).key(&upload.key).upload_id(&upload.id);
        let request = request
            .part_number(part_number(CALL, number)?)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(body.into());
        let answer = request.send().await.map_err(failed(CALL))?;
        let etag = answer.e_tag.ok_or_else(|| PortError::new(CALL, "a part without an ETag"))?;
        Ok(UploadedPart { number, etag, checksum: answer.checksum_crc32 })
    }

    async fn complete(&self, upload: &Upload, parts: &[UploadedPart]) -> Result<(), PortError> {
        const CALL: &str = "uploads.complete";
        let part = |part: &UploadedPart| {
            let number = part_number(CALL, part.number)?;
            let checksum = part.checksum.clone();
            Ok(CompletedPart::builder().part_number(number).e_tag(&part.etag).set_checksum_crc32(checksum).build())
        };
        let parts = parts.iter().map(part).collect::<Result<Vec<_>, PortError>>()?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(&upload.key);
        request.upload_id(&upload.id).multipart_upload(parts).send().await.map_err(failed(CALL))?;
        Ok(())
    }

    async fn abort(&self, upload: &Upload) -> Result<(), PortError> {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(&upload.key);
        match request.upload_id(&upload.id).send().await {
            Err(error) if error.code() != Some("NoSuchUpload") => Err(failed("uploads.abort")(error)),
            _ => Ok(()),
        }
    }

    async fn put(&self, key: &str, body: Bytes, served: Served) -> Result<(), PortError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).body(body.into());
        let request = request.content_type(served.content_type).cache_control(served.cache_control);
        request.send().await.map_err(failed("uploads.put"))?;
        Ok(())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        let (objects, mut keys) = (self.objects(), Vec::new());
        loop {
            let page = objects.list(&self.bucket, prefix, keys.last().map(String::as_str)).await?;
            keys.extend(page.objects.into_iter().map(|object| object.key));
            if page.next.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>, PortError> {
        self.objects().get(&self.bucket, key).await
    }

    async fn remove(&self, key: &str) -> Result<(), PortError> {
        self.objects().delete(&self.bucket, key).await
    }
}
