//! What an operator sees of archives: how many records are in them. Why they are there, and replaying them, is the command's.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::App;

#[derive(Deserialize)]
struct Archive {
    /// JSON.
    payload: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<serde::de::IgnoredAny>,
}

impl App {
    /// Notes how many records each archive of a mapping has, by key, of those that are not known yet; nothing is forgotten
    /// when an archive goes.
    pub async fn note_archives(&self, mapping: &str, known: &mut BTreeMap<String, usize>) -> Result<()> {
        let list = self.s3.list_objects_v2().bucket(&self.failures_bucket).prefix(format!("aws/lambda/{mapping}/"));
        let mut pages = list.into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.map_err(aws_sdk_s3::Error::from)?.contents() {
                let key = object.key().unwrap_or_default();
                if !known.contains_key(key) {
                    known.insert(key.to_owned(), self.records_in(key).await?);
                }
            }
        }
        Ok(())
    }

    async fn records_in(&self, key: &str) -> Result<usize> {
        let got = self.s3.get_object().bucket(&self.failures_bucket).key(key).send().await;
        let body = got.map_err(aws_sdk_s3::Error::from)?.body.collect().await?.into_bytes();
        let no_archive = || format!("{key} is not what Lambda archives");
        let archive: Archive = serde_json::from_slice(&body).with_context(no_archive)?;
        let event: Event = serde_json::from_str(&archive.payload).with_context(no_archive)?;
        Ok(event.records.len())
    }
}
