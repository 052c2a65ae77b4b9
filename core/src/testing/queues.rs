//! Queues as an operator works on them, in memory: visibility timeouts, receipts and refused entries as SQS has them.
//!
//! No message is lost by age, none is handed out twice unless a test wants that, and they come in the order in
//! which they were sent: a queue on AWS promises none of that.

mod state;

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::state::{EntryFaults, Queued, State};
use super::calls::{Calls, Fault, suspend_once};
use crate::ports::{
    Clock, Content, Depth, Message, MessageId, NotDeleted, NotSent, PortError, QueueUrl, Queues, Receipt,
};

const RECEIVE: &str = "queues.receive";
const GIVE_BACK: &str = "queues.give_back";
const SEND: &str = "queues.send";
const DELETE: &str = "queues.delete";
const DEPTH: &str = "queues.depth";

/// Queues and time in memory.
///
/// Every call of the port is suspended once before its effect and once after it, and is one call however many entries it has: `queues.receive`,
/// `queues.give_back`, `queues.send`, `queues.delete` or `queues.depth`. Time passes when somebody sleeps, or a test says
/// so.
#[derive(Debug, Default)]
pub struct QueueWorld {
    calls: Calls,
    state: Mutex<State>,
}

impl QueueWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes a queue, if there is none yet.
    pub fn create(&self, url: impl Into<String>) -> QueueUrl {
        let queue = QueueUrl(url.into());
        self.state().queues.entry(queue.clone()).or_default();
        queue
    }

    /// Removes a queue with all that is in it: every call about it fails.
    pub fn remove_queue(&self, queue: &QueueUrl) {
        self.state().queues.remove(queue);
    }

    /// Puts a message into a queue, which is made if there is none, without a port call.
    pub fn put(&self, queue: &QueueUrl, content: Content) -> MessageId {
        let now = self.now();
        self.send_as(queue, None, content, now)
    }

    /// Puts a message into a queue, which is made if there is none, as one that was first sent then; `None`: with an id
    /// that no other has.
    pub fn send_as(&self, queue: &QueueUrl, id: Option<&str>, content: Content, sent_at: Timestamp) -> MessageId {
        let mut state = self.state();
        let id = id.map(|id| MessageId(id.into()));
        let queued = state.queued(id, content, sent_at);
        let id = queued.id.clone();
        state.queues.entry(queue.clone()).or_default().push(queued);
        id
    }

    /// What is in a queue, hidden messages too, in the order in which it was sent; nothing if there is no such queue.
    pub fn messages(&self, queue: &QueueUrl) -> Vec<Content> {
        self.those(queue, |_, _| true)
    }

    /// What can be received from a queue.
    pub fn visible(&self, queue: &QueueUrl) -> Vec<Content> {
        self.those(queue, Queued::is_visible)
    }

    fn those(&self, queue: &QueueUrl, which: impl Fn(&Queued, Timestamp) -> bool) -> Vec<Content> {
        let state = self.state();
        let queued = state.queues.get(queue).into_iter().flatten().filter(|queued| which(queued, state.now));
        queued.map(|queued| queued.content.clone()).collect()
    }

    /// Lets all receipts of a queue count no more, and all its messages be received again.
    pub fn expire_receipts(&self, queue: &QueueUrl) {
        let mut state = self.state();
        let now = state.now;
        for queued in state.queues.get_mut(queue).into_iter().flatten() {
            queued.receipt = None;
            queued.visible_at = queued.visible_at.min(now);
        }
    }

    /// Makes the `call`-th port call from now on (the first is 0) go wrong; the others work.
    ///
    /// A send whose reply is lost, or that fails before its effect, is not certain not to have happened; one that was too
    /// much at once is.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.calls.fail(call, fault);
    }

    /// Makes one of `one_in` calls go wrong; with 0, none.
    pub fn fail_at_random(&self, seed: u64, one_in: u32) {
        self.calls.fail_at_random(seed, one_in);
    }

    /// Makes every call go wrong, or none.
    pub fn fail_always(&self, fault: Option<Fault>) {
        self.calls.fail_always(fault);
    }

    /// Makes entries (the first is 0) of the next call of this name go wrong, such as `queues.delete`; said again, those of
    /// the one after it too.
    ///
    /// `Before` and `Busy`: the queue refuses the entry and says so, which is certain. `After`: it has had its effect, and
    /// nothing is said about it.
    pub fn fail_entries(&self, call: &'static str, entries: &[usize], fault: Fault) {
        self.state().entry_faults.push(EntryFaults { call, entries: entries.to_vec(), fault });
    }

    /// Has each message that is there handed out once more right after the next time, as a standard queue may. The first of
    /// these receipts then deletes nothing, and says that it did, as SQS does.
    pub fn hand_out_twice(&self) {
        for queued in self.state().queues.values_mut().flatten() {
            queued.once_more = true;
        }
    }

    /// How many port calls there have been.
    pub fn calls(&self) -> usize {
        self.calls.count()
    }

    /// The names of the calls since this was last asked for, in order.
    pub fn take_log(&self) -> Vec<&'static str> {
        self.calls.take_log()
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        self.state().now += SignedDuration::try_from(duration).unwrap();
    }

    async fn call<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let reply = self.calls.enter(call).await?;
        let result = effect(&mut self.state());
        suspend_once().await;
        reply.leave(result?)
    }

    /// A call about several entries, of which each can fail alone: what becomes of each, in their order.
    async fn each<E, T, X>(
        &self,
        call: &'static str,
        queue: &QueueUrl,
        entries: &[E],
        effect: impl Fn(&mut State, &E) -> Result<T, X>,
        failed: impl Fn(PortError, Said) -> X,
    ) -> Vec<Result<T, X>> {
        if entries.is_empty() {
            return Vec::new();
        }
        let all = |error: &PortError, said| entries.iter().map(|_| Err(failed(error.again(), said))).collect();
        let reply = match self.calls.enter(call).await {
            Ok(reply) => reply,
            Err(error) => return all(&error, if error.busy { Said::Refused } else { Said::Nothing }),
        };
        let results = self.effects(call, queue, entries, effect, &failed);
        suspend_once().await;
        match results.and_then(|results| reply.leave(results).map_err(|error| (error, Said::Nothing))) {
            Ok(results) => results,
            Err((error, said)) => all(&error, said),
        }
    }

    fn effects<E, T, X>(
        &self,
        call: &'static str,
        queue: &QueueUrl,
        entries: &[E],
        effect: impl Fn(&mut State, &E) -> Result<T, X>,
        failed: impl Fn(PortError, Said) -> X,
    ) -> Result<Vec<Result<T, X>>, (PortError, Said)> {
        let mut state = self.state();
        state.queue(call, queue).map_err(|error| (error, Said::Refused))?;
        let faults = state.take_entry_faults(call);
        let one = |(i, entry): (usize, &E)| match faults.as_ref().filter(|faults| faults.entries.contains(&i)) {
            None => effect(&mut state, entry),
            Some(EntryFaults { fault: Fault::Before, .. }) => {
                Err(failed(PortError::new(call, "injected: the entry is refused"), Said::Refused))
            }
            Some(EntryFaults { fault: Fault::Busy, .. }) => {
                Err(failed(PortError::busy(call, "injected: the entry is too much at once"), Said::Refused))
            }
            Some(EntryFaults { fault: Fault::After, .. }) => {
                drop(effect(&mut state, entry));
                Err(failed(PortError::new(call, "injected: nothing is said about the entry"), Said::Nothing))
            }
        };
        Ok(entries.iter().enumerate().map(one).collect())
    }
}

/// What the queue has said about an entry that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// That it was refused.
    Refused,
    /// Nothing, so that it may have had its effect.
    Nothing,
}

impl Queues for QueueWorld {
    async fn receive(&self, queue: &QueueUrl, max: usize, hidden: Duration) -> Result<Vec<Message>, PortError> {
        self.call(RECEIVE, |state| state.receive(queue, max, hidden)).await
    }

    async fn give_back(&self, queue: &QueueUrl, receipts: &[Receipt]) -> Vec<Result<(), PortError>> {
        let give_back = |state: &mut State, receipt: &Receipt| {
            let now = state.now;
            for queued in state.queue(GIVE_BACK, queue)?.iter_mut() {
                if queued.receipt.as_ref() == Some(receipt) {
                    queued.visible_at = queued.visible_at.min(now);
                }
            }
            Ok(())
        };
        self.each(GIVE_BACK, queue, receipts, give_back, |error, _| error).await
    }

    async fn send(&self, queue: &QueueUrl, contents: &[Content]) -> Vec<Result<MessageId, NotSent>> {
        let failed = |error, said| NotSent { certain: said == Said::Refused, error };
        self.each(SEND, queue, contents, |state, content| state.send(queue, content), failed).await
    }

    async fn delete(&self, queue: &QueueUrl, receipts: &[Receipt]) -> Vec<Result<(), NotDeleted>> {
        let delete = |state: &mut State, receipt: &Receipt| state.delete(queue, receipt);
        self.each(DELETE, queue, receipts, delete, |error, _| NotDeleted::Failed(error)).await
    }

    async fn depth(&self, queue: &QueueUrl) -> Result<Depth, PortError> {
        self.call(DEPTH, |state| {
            let now = state.now;
            let queued = state.queue(DEPTH, queue)?;
            let visible = queued.iter().filter(|queued| queued.is_visible(now)).count() as u64;
            Ok(Depth { visible, hidden: queued.len() as u64 - visible, delayed: 0 })
        })
        .await
    }
}

impl Clock for QueueWorld {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        suspend_once().await;
        self.advance(duration);
    }
}
