//! Where it comes to rest what a broken function was to do, and waiting until all of it is there.
//!
//! What it was to do is counted by whoever fed it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use coffeeshop_local::app::App;

use crate::say;

/// How long to wait until everything rests. Hundreds of archives take a minute or two.
const RESTS_MAX: Duration = Duration::from_mins(5);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);

/// Where it rests.
pub(super) enum Place<'a> {
    /// A dead-letter queue.
    Dlq {
        /// The URL of the queue before it.
        queue: &'a str,
        /// Its own.
        dlq: &'a str,
        /// What rests there beside that which was fed.
        others: &'static str,
    },
    /// The archives of a mapping.
    Archives {
        /// What the operator's command calls them.
        name: &'static str,
        /// The mapping's id.
        mapping: &'a str,
    },
}

impl Place<'_> {
    /// What the operator's command calls it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Dlq { dlq, .. } => {
                // As the template does, without the stack's name.
                let dlq = queue_name(dlq);
                dlq.split_once('-').map_or(dlq, |(_, short)| short)
            }
            Self::Archives { name, .. } => name,
        }
    }

    /// Waits until so much rests there; says so.
    pub(super) async fn rests(&self, app: &App, expected: usize) -> Result<String> {
        match self {
            Self::Dlq { queue, dlq, others } => in_dlq(app, [queue, dlq], others, expected).await,
            Self::Archives { name, mapping } => in_archives(app, name, mapping, expected).await,
        }
    }
}

/// Waits until so many messages are in the DLQ and none before it.
async fn in_dlq(app: &App, [queue, dlq]: [&str; 2], others: &str, expected: usize) -> Result<String> {
    let (queue_name, dlq_name) = (queue_name(queue), queue_name(dlq));
    say(&format!("waiting until {expected} messages rest in {dlq_name}"));
    let began = Instant::now();
    loop {
        // In this order: what moves in between is counted twice, never not at all.
        let (waiting, resting) = (app.messages_in(queue).await?, app.messages_in(dlq).await?);
        if waiting == 0 && resting >= expected {
            let seconds = began.elapsed().as_secs();
            let others = match resting - expected {
                0 => String::new(),
                count => format!(", and {count} others, {others}"),
            };
            return Ok(format!("{queue_name}: nothing\n{dlq_name}: {expected} messages{others}; after {seconds} s\n"));
        }
        if began.elapsed() > RESTS_MAX {
            bail!("{resting} of {expected} messages rest in {dlq_name}, {waiting} are in {queue_name}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until so many records are in archives.
async fn in_archives(app: &App, name: &str, mapping: &str, expected: usize) -> Result<String> {
    say(&format!("waiting until {expected} records rest in {name}"));
    let (began, mut archives) = (Instant::now(), BTreeMap::new());
    loop {
        app.note_archives(mapping, &mut archives).await?;
        let resting: usize = archives.values().sum();
        if resting >= expected {
            let (count, seconds) = (archives.len(), began.elapsed().as_secs());
            return Ok(format!("{name}: {resting} records in {count} archives; after {seconds} s\n"));
        }
        if began.elapsed() > RESTS_MAX {
            bail!("{resting} of {expected} records rest in {name}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A queue's name, from its URL.
fn queue_name(queue_url: &str) -> &str {
    queue_url.rsplit('/').next().unwrap_or(queue_url)
}
