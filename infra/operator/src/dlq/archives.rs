//! The batches of a function that were given up, in their bucket: seen one after the other, and replayed.
//!
//! What is made of them when they are seen is for who asks.

use std::ops::ControlFlow;

use coffeeshop_core::place::Archives;
use coffeeshop_core::ports::Attribute;
use coffeeshop_core::ports::{Content, Message, MessageId, Object, ObjectPage, Objects, PortError, Receipt};
use coffeeshop_core::replayed::REPLAYED;
use futures::stream::{self, StreamExt as _};

use super::batch::Batch;
use super::stop::Stop;
use super::sweep::Swept;
use crate::failure::Why;

/// How many objects are read at once, of up to some 12 MB each.
const READS_AT_ONCE: usize = 4;

/// Calls `hear` with each archive, by name, until it breaks or somebody wants to stop.
pub(crate) async fn list<O: Objects>(
    objects: &O,
    Archives { bucket, prefixes, .. }: &Archives,
    stop: &Stop,
    mut hear: impl FnMut(Object) -> ControlFlow<()>,
) -> Result<(), Why> {
    for prefix in prefixes {
        let mut after: Option<String> = None;
        loop {
            let ObjectPage { objects, next } = objects.list(bucket, prefix, after.as_deref()).await?;
            for object in objects {
                if hear(object).is_break() {
                    return Ok(());
                }
            }
            after = next;
            if after.is_none() || stop.is_requested() {
                break;
            }
        }
    }
    Ok(())
}

/// Shows each archive to `visit`, as a message whose body is all of it, up to `limit` of them, until it breaks or somebody
/// wants to stop. `begin` hears how many there are, `foreign` of what is no text.
pub(crate) async fn look_through<O: Objects>(
    objects: &O,
    archives: &Archives,
    limit: u64,
    stop: &Stop,
    begin: impl FnOnce(u64),
    mut visit: impl FnMut(&Message) -> Result<ControlFlow<()>, Why>,
    mut foreign: impl FnMut(&str),
) -> Result<Swept, Why> {
    let (mut found, mut swept) = (Vec::new(), Swept::default());
    let hear = |object: Object| {
        // Beyond as many as are looked at there is this one.
        swept.is_cut = found.len() as u64 >= limit;
        if !swept.is_cut {
            found.push(object);
        }
        if swept.is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    list(objects, archives, stop, hear).await?;
    begin(found.len() as u64);
    let reads = stream::iter(found).map(async |object| (read(objects, &archives.bucket, &object.key).await, object));
    let mut reads = std::pin::pin!(reads.buffered(READS_AT_ONCE));
    while let Some((read, object)) = reads.next().await {
        match read? {
            Read::Text(text) => {
                swept.seen += 1;
                if visit(&message(object, text))?.is_break() {
                    break;
                }
            }
            Read::NoText => {
                foreign(&object.key);
                swept.hidden += 1;
            }
            Read::Nothing => (),
        }
        if stop.is_requested() {
            break;
        }
    }
    Ok(swept)
}

/// What an object is.
pub(super) enum Read {
    /// Text.
    Text(String),
    /// Bytes that are no text.
    NoText,
    /// It is not there.
    Nothing,
}

/// Reads an object.
pub(super) async fn read(objects: &impl Objects, bucket: &str, key: &str) -> Result<Read, PortError> {
    let Some(bytes) = objects.get(bucket, key).await? else { return Ok(Read::Nothing) };
    Ok(String::from_utf8(bytes.into()).map_or(Read::NoText, Read::Text))
}

/// An archive, as the messages of queues are.
fn message(Object { key, written_at, .. }: Object, body: String) -> Message {
    let batch = Batch::parse(&body).ok();
    let receive_count = batch.as_ref().map_or(0, Batch::invocations);
    let replayed = batch.and_then(|batch| batch.replayed);
    let attributes = replayed.map(|replayed| (REPLAYED.to_owned(), Attribute::text(replayed)));
    Message {
        id: MessageId(key.into()),
        receipt: Receipt(String::new()),
        content: Content { body, attributes: attributes.into_iter().collect(), trace_header: None },
        sent_at: written_at,
        receive_count,
    }
}
