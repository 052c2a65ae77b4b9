//! The journal in a bucket, where others can read it.
//!
//! What is in it is not known here.

use std::cell::Cell;

use coffeeshop_core::ports::{Clock, Objects};
use jiff::{SignedDuration, Timestamp};

use crate::cli::values::RunId;
use crate::failure::Why;
use crate::journal::Journal;

/// How often it is put there while a run goes on.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Where the journals are in the bucket.
const FOLDER: &str = "coffeeshop-dlq";

/// The copy of a run's journal.
pub(crate) struct Audit<'a, O, C> {
    objects: &'a O,
    clock: &'a C,
    bucket: Option<&'a str>,
    key: String,
    put_at: Cell<Option<Timestamp>>,
}

impl<'a, O: Objects, C: Clock> Audit<'a, O, C> {
    pub(crate) fn new(objects: &'a O, clock: &'a C, bucket: Option<&'a str>, run: &RunId) -> Self {
        Self { objects, clock, bucket, key: format!("{FOLDER}/{run}.jsonl"), put_at: Cell::new(None) }
    }

    /// Puts all of the journal there.
    pub(crate) async fn put(&self, journal: &Journal) -> Result<(), Why> {
        if let Some(bucket) = self.bucket {
            let put = self.objects.replace(bucket, &self.key, journal.path()).await;
            put.map_err(|cause| Why::Audit { bucket: bucket.to_owned(), cause })?;
            self.put_at.set(Some(self.clock.now()));
        }
        Ok(())
    }

    /// Puts it there if that was a while ago.
    pub(crate) async fn put_now_and_then(&self, journal: &Journal) -> Result<(), Why> {
        let is_due = |at| self.clock.now().duration_since(at) >= EVERY;
        if self.put_at.get().is_some_and(is_due) { self.put(journal).await } else { Ok(()) }
    }
}
