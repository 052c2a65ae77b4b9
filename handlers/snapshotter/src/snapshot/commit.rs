//! The last steps of a snapshot: from files that nobody sees to one that all may read.

use std::collections::BTreeSet;

use bytes::Bytes;
use coffeeshop_aws::tracing_json::with_cause;
use coffeeshop_core::ports::{PortError, Served, Uploads};
use futures::future::join_all;
use serde::Serialize;

use super::file::Written;
use super::folder::{folder_of, is_manifest};
use super::{Folder, Latest, Manifest, SnapshotError};

/// What may be replaced at any time.
const SERVED: Served = Served { content_type: "application/json", cache_control: "no-cache" };

pub(super) struct Snapshot<'a, U> {
    pub(super) uploads: &'a U,
    pub(super) folder: &'a Folder,
    pub(super) manifest: &'a Manifest,
}

impl<U: Uploads> Snapshot<'_, U> {
    /// Makes the files a snapshot.
    pub(super) async fn commit(&self, files: &[Written]) -> Result<(), SnapshotError> {
        let key = self.folder.manifest();
        if self.uploads.read(&key).await?.is_some() {
            self.point_elsewhere(&key).await?;
            self.uploads.remove(&key).await?;
        }
        // All of them to their ends: one that is still under way must not replace a file of the next run.
        let completed = join_all(files.iter().map(|file| self.uploads.complete(&file.upload, &file.parts))).await;
        completed.into_iter().collect::<Result<(), PortError>>()?;
        self.put(&key, self.manifest).await?;
        self.point_to(Latest { manifest: key, watermark: self.manifest.watermark }).await
    }

    async fn put(&self, key: &str, object: &impl Serialize) -> Result<(), SnapshotError> {
        // In one line, so that readers of JSON Lines take it too.
        let text = serde_json::to_vec(object);
        let text = text.map_err(|cause| SnapshotError::Json { key: key.to_owned(), cause })?;
        Ok(self.uploads.put(key, Bytes::from(text), SERVED).await?)
    }

    async fn point_to(&self, latest: Latest) -> Result<(), SnapshotError> {
        self.put(&self.folder.latest(), &latest).await
    }

    /// `latest.json` may not point to a manifest that is about to go.
    async fn point_elsewhere(&self, going: &str) -> Result<(), SnapshotError> {
        let mut keys = self.uploads.keys(&self.folder.all()).await?;
        keys.retain(|key| is_manifest(key) && key != going);
        while let Some(key) = keys.pop() {
            let text = self.uploads.read(&key).await?.unwrap_or_default();
            match serde_json::from_slice(&text) {
                Ok(Manifest { watermark, .. }) => return self.point_to(Latest { manifest: key, watermark }).await,
                // It names no snapshot that anybody could read.
                Err(error) => tracing::warn!(key, error = with_cause(&error), "manifest passed over"),
            }
        }
        Ok(self.uploads.remove(&self.folder.latest()).await?)
    }

    /// Deletes what runs of this day and of the day before left that did not end: files without a manifest, and in this
    /// folder what the manifest does not name.
    pub(super) async fn sweep(&self) -> Result<(), SnapshotError> {
        let mine = self.folder.manifest();
        let named: BTreeSet<&str> =
            self.manifest.files.iter().map(|file| file.key.as_str()).chain([mine.as_str()]).collect();
        for prefix in self.folder.recent() {
            let keys = self.uploads.keys(&prefix).await?;
            let whole: BTreeSet<&str> =
                keys.iter().filter(|key| is_manifest(key)).map(|key| folder_of(key).0).collect();
            let is_left_over = |key: &str| match folder_of(key).0 {
                folder if folder == folder_of(&mine).0 => !named.contains(key),
                folder => !whole.contains(folder),
            };
            for key in keys.iter().filter(|key| is_left_over(key)) {
                self.uploads.remove(key).await?;
            }
        }
        Ok(())
    }
}
