//! Seeing every message of a queue: each is received and held, so that it is not handed out again, until all were seen;
//! then all are given back.
//!
//! What is made of them is for who asks. Nothing is deleted or sent here.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;
use std::time::Duration;

use coffeeshop_core::ports::{Clock, Message, MessageId, PortError, QueueUrl, Queues, RECEIVE_MESSAGES_MAX, Receipt};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};

use super::spool::Spool;
use super::stop::Stop;
use crate::failure::Why;

/// For how long a message is hidden. When this process is killed, it is the longest that they stay so.
pub(crate) const HIDDEN: Duration = Duration::from_mins(10);

/// For how long that is counted on: two minutes less.
const COUNTED_ON: SignedDuration = SignedDuration::from_mins(8);

/// Whether what was received then is certainly hidden from others, and will be for a while.
pub(crate) fn is_hidden_long_enough(received_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(received_at) < COUNTED_ON
}

/// How many calls are under way at once.
pub(crate) const CALLS_AT_ONCE: usize = 8;

/// How many messages are given back at once.
const GIVE_BACK_MESSAGES: usize = 10 * CALLS_AT_ONCE;

/// How a sweep ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// How many messages were seen.
    pub(crate) seen: u64,
    /// Whether there may be more: it was as many as can be held, or for as long.
    pub(crate) is_cut: bool,
    /// How many could not be given back, and stay hidden for at most [`HIDDEN`]; or, of archives, could not be shown.
    pub(crate) hidden: u64,
}

impl Swept {
    /// Whether all that could be received was seen, and given back.
    pub(crate) fn is_whole(&self) -> bool {
        !self.is_cut && self.hidden == 0
    }
}

/// Shows each message of the queue to `visit`, once, up to `limit` of them, until it breaks or somebody wants to stop.
/// Whatever happens, what was received is given back.
pub(crate) async fn sweep<Q: Queues, C: Clock>(
    queues: &Q,
    clock: &C,
    queue: &QueueUrl,
    limit: u64,
    stop: &Stop,
    spool: &Spool,
    mut visit: impl FnMut(&Message) -> Result<ControlFlow<()>, Why>,
) -> Result<Swept, Why> {
    let begun = clock.now();
    let receive = || queues.receive(queue, RECEIVE_MESSAGES_MAX, HIDDEN);
    let needed = usize::try_from(limit).unwrap_or(usize::MAX).div_ceil(RECEIVE_MESSAGES_MAX);
    let mut calls: FuturesUnordered<_> = (0..needed.clamp(1, CALLS_AT_ONCE)).map(|_| receive()).collect();
    // A queue may hand a message out twice. Hashes of ids are small, and two of them are equal once in a blue moon.
    let (hasher, mut known) = (RandomState::new(), HashSet::new());
    let (mut swept, mut ended, mut failed) = (Swept::default(), false, None);
    while let Some(received) = calls.next().await {
        let visited = || -> Result<bool, Why> {
            let messages = received?;
            spool.hold(&messages).map_err(Why::Spool)?;
            for message in &messages {
                if !known.insert(hasher.hash_one(&message.id)) {
                    continue;
                }
                if ended {
                    // Beyond as many as can be held there is this one.
                    swept.is_cut |= swept.seen >= limit;
                    continue;
                }
                swept.seen += 1;
                ended = visit(message)?.is_break() || swept.seen >= limit;
            }
            if !ended && !messages.is_empty() && !is_hidden_long_enough(begun, clock.now()) {
                (swept.is_cut, ended) = (true, true);
            }
            Ok(!messages.is_empty())
        };
        match visited() {
            Ok(more) if more && !ended && !stop.is_requested() => calls.push(receive()),
            Ok(_) => (),
            Err(why) => {
                ended = true;
                failed.get_or_insert(why);
            }
        }
    }
    let given_back = give_back(queues, queue, spool, |_| false).await;
    if let Some(why) = failed {
        return Err(why);
    }
    swept.hidden = given_back?;
    Ok(swept)
}

/// Gives back all that the spool holds, but what is `gone`, and forgets it; how many could not be.
pub(crate) async fn give_back(
    queues: &impl Queues,
    queue: &QueueUrl,
    spool: &Spool,
    gone: impl Fn(&MessageId) -> bool,
) -> Result<u64, Why> {
    let mut hidden = 0;
    let mut some: Vec<Receipt> = Vec::new();
    let mut held = spool.held().map_err(Why::Spool)?;
    loop {
        let next = held.next().transpose().map_err(Why::Spool)?;
        let is_last = next.is_none();
        some.extend(next.filter(|(id, _)| !gone(id)).map(|(_, receipt)| receipt));
        if some.len() >= GIVE_BACK_MESSAGES || (is_last && !some.is_empty()) {
            let results: Vec<Result<(), PortError>> = queues.give_back(queue, &some).await;
            hidden += results.iter().filter(|result| result.is_err()).count() as u64;
            some.clear();
        }
        if is_last {
            break;
        }
    }
    spool.clear().map_err(Why::Spool)?;
    Ok(hidden)
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::ports::Content;
    use coffeeshop_core::testing::QueueWorld;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn it_is_cut_only_when_there_are_more() {
        for (limit, is_cut) in [(29, true), (30, false), (31, false)] {
            let world = QueueWorld::default();
            let queue = world.create("queue");
            for i in 0..30 {
                world.put(&queue, Content { body: i.to_string(), ..Content::default() });
            }
            let (stop, spool, mut visited) = (Stop::default(), Spool::anonymous().unwrap(), 0);
            let sweep = sweep(&world, &world, &queue, limit, &stop, &spool, |_| {
                visited += 1;
                Ok(ControlFlow::Continue(()))
            });
            let swept = block_on(sweep).unwrap();
            assert_eq!((swept.seen, swept.is_cut, visited), (limit.min(30), is_cut, limit.min(30)));
            assert_eq!(world.visible(&queue).len(), 30, "all are given back");
        }
    }
}
