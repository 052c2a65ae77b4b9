//! One file of a snapshot: a segment of the table, uploaded in parts while it is read.

use std::error::Error;

use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::ports::{PART_BYTES_MIN, Scan, Segment, Served, Upload, UploadedPart, Uploads};
use jiff::Timestamp;

use super::{ManifestFile, SnapshotError};
use crate::dataset::{ParquetWriter, Record, WriteError};
use crate::report;

/// A second run gives its files the same names.
const SERVED: Served = Served { content_type: "application/vnd.apache.parquet", cache_control: "no-cache" };

/// How many bytes are sent at once. With the most parts that S3 takes, a file may have 80 GB.
const PART_BYTES: usize = 8 << 20;

const _: () = assert!(PART_BYTES >= PART_BYTES_MIN, "S3 takes no smaller parts");

/// A file whose parts are all there, and which nobody can see yet.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) upload: Upload,
    pub(super) parts: Vec<UploadedPart>,
    pub(super) entry: ManifestFile,
    /// How many items of the segment could not be understood.
    pub(super) left_out: u64,
}

/// Uploads a segment. When that fails, nothing of it stays.
pub(super) async fn write<R: Record>(
    scan: &impl Scan<R>,
    uploads: &impl Uploads,
    key: String,
    segment: Segment,
    watermark: Timestamp,
) -> Result<Written, SnapshotError> {
    let upload = uploads.begin(&key, SERVED).await?;
    let file = File { uploads, upload: &upload, parts: Vec::new(), bytes: 0 };
    match file.fill(scan, segment, watermark).await {
        Ok((parts, entry, left_out)) => Ok(Written { upload, parts, entry, left_out }),
        Err(error) => {
            abort(uploads, &upload).await;
            Err(error)
        }
    }
}

/// Gives an upload up. When that fails, the bucket's lifecycle does it.
pub(super) async fn abort(uploads: &impl Uploads, upload: &Upload) {
    if let Err(error) = uploads.abort(upload).await {
        tracing::warn!(key = upload.key, error = with_cause(&error), "upload not given up");
    }
}

struct File<'a, U> {
    uploads: &'a U,
    upload: &'a Upload,
    parts: Vec<UploadedPart>,
    bytes: u64,
}

impl<U: Uploads> File<'_, U> {
    async fn fill<R: Record>(
        mut self,
        scan: &impl Scan<R>,
        segment: Segment,
        watermark: Timestamp,
    ) -> Result<(Vec<UploadedPart>, ManifestFile, u64), SnapshotError> {
        let (mut writer, mut left_out, mut after) = (ParquetWriter::new(watermark)?, 0, None);
        loop {
            let page = scan.page(segment, after.as_ref()).await?;
            for item in page.items {
                match item.map(|record| writer.push(&record)) {
                    Ok(Ok(())) => {}
                    // The row, not the file.
                    Ok(Err(error @ WriteError::Row { .. })) => leave_out::<R>(&mut left_out, &error),
                    Ok(Err(error)) => return Err(error.into()),
                    Err(error) => leave_out::<R>(&mut left_out, &error),
                }
            }
            if writer.ready() >= PART_BYTES {
                self.send(writer.take()).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (rest, rows) = writer.finish()?;
        // Never empty: a file ends with its footer.
        self.send(rest).await?;
        let entry = ManifestFile { key: self.upload.key.clone(), rows, bytes: self.bytes };
        Ok((self.parts, entry, left_out))
    }

    async fn send(&mut self, bytes: bytes::Bytes) -> Result<(), SnapshotError> {
        self.bytes += bytes.len() as u64;
        let number = u32::try_from(self.parts.len() + 1).unwrap_or(u32::MAX);
        self.parts.push(self.uploads.put_part(self.upload, number, bytes).await?);
        Ok(())
    }
}

fn leave_out<R: Record>(left_out: &mut u64, error: &(dyn Error + 'static)) {
    report::left_out(R::DATASET, error);
    *left_out += 1;
}
