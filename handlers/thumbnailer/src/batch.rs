//! The order of work on a batch: every record of every message, the suspicious last and alone, nothing begun that
//! there is no time for.
//!
//! What is done for one photo is decided in [`photo`](crate::photo).

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use coffeeshop_aws::sqs_batch::{MalformedBatch, response};
use coffeeshop_core::photo::Delivery;
use coffeeshop_core::ports::{Clock, PhotoStore, PortError, Receipt, SourceQueue};
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::envelope::{Inbound, Message, parse};
use crate::photo::{Renderer, answer};
use crate::report;

/// The template's batch size, and how many messages are worked on at once.
pub const BATCH_MESSAGES_MAX: usize = 5;

/// From how many receives on a message is suspected to have ended the function before.
pub const SUSPECT_RECEIVES: u32 = 3;

/// The queue's `maxReceiveCount`: a message that is given back at this receive goes to the dead-letter queue.
pub const RECEIVES_MAX: u32 = 5;

/// By how much later than the one before each further suspect comes again, in seconds.
pub const POSTPONE_STEP_SECONDS: u32 = 3;

/// Everything outside.
#[derive(Debug)]
pub struct Deps<'a, S, Q, C, R> {
    /// Originals, renditions, outcomes.
    pub store: &'a S,
    /// Where the messages come from.
    pub queue: &'a Q,
    /// What time it is.
    pub clock: &'a C,
    /// What works on pixels.
    pub renderer: &'a R,
    /// The bucket that notifications must be about.
    pub originals_bucket: String,
    /// For how long a message stays hidden that nobody deletes or postpones.
    pub visibility_timeout: SignedDuration,
}

/// Works on a batch until `deadline`; the messages in the response come again.
pub async fn handle<S: PhotoStore, Q: SourceQueue, C: Clock, R: Renderer>(
    deps: &Deps<'_, S, Q, C, R>,
    event: SqsEvent,
    deadline: u64,
) -> Result<SqsBatchResponse, lambda_runtime::Error> {
    let deadline = Timestamp::from_millisecond(i64::try_from(deadline)?)?;
    let read = |message| parse(message, &deps.originals_bucket);
    let messages = event.records.into_iter().map(read).collect::<Result<Vec<_>, MalformedBatch>>()?;
    let work = Work { deps, last_start: last_start(deps.clock.now(), deadline) };
    Ok(response(work.batch(messages).await.into_iter().map(|message| message.id)))
}

/// When the last photo may be begun: the timeout fits a worst-case batch, so one message's share of it must be left.
fn last_start(now: Timestamp, deadline: Timestamp) -> Timestamp {
    let milliseconds = deadline.duration_since(now).as_millis() / BATCH_MESSAGES_MAX as i128;
    deadline - SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(0))
}

struct Work<'a, S, Q, C, R> {
    deps: &'a Deps<'a, S, Q, C, R>,
    last_start: Timestamp,
}

impl<S: PhotoStore, Q: SourceQueue, C: Clock, R: Renderer> Work<'_, S, Q, C, R> {
    /// Returns the messages that are to come again.
    async fn batch(&self, messages: Vec<Message>) -> Vec<Message> {
        let (mut suspects, fresh): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| message.receive_count >= SUSPECT_RECEIVES);
        // The one that has the fewest receives left is worked on; the others come again, each at another time. But
        // nothing goes to the dead-letter queue untried: on their last receive they are worked on one by one.
        suspects.sort_by_key(|message| std::cmp::Reverse(message.receive_count));
        let last = suspects.iter().filter(|message| message.receive_count >= RECEIVES_MAX).count();
        let mut again = suspects.split_off(last.max(1).min(suspects.len()));
        self.spread(&again).await;

        let worked = stream::iter(fresh).map(|message| self.message(message)).buffer_unordered(BATCH_MESSAGES_MAX);
        let (done, failed): (Vec<_>, Vec<_>) =
            worked.collect::<Vec<_>>().await.into_iter().partition(|(_, done)| *done);
        again.extend(failed.into_iter().map(|(message, _)| message));

        let mut finished: Vec<Receipt> = done.into_iter().map(|(message, _)| message.receipt).collect();
        for suspect in suspects {
            match self.deps.queue.delete(&finished).await {
                Ok(()) => match self.message(suspect).await {
                    (suspect, true) => finished = vec![suspect.receipt],
                    (suspect, false) => again.push(suspect),
                },
                Err(error) => {
                    // Were it begun now and ended the function, what is done would come again with it.
                    report::given_back(&suspect, &error);
                    again.push(suspect);
                }
            }
        }
        again
    }

    /// Lets each of these come again apart from the others.
    async fn spread(&self, messages: &[Message]) {
        for (message, step) in messages.iter().zip(1..) {
            if let Err(error) = self.deps.queue.postpone(&message.receipt, step * POSTPONE_STEP_SECONDS).await {
                // It comes again all the same, after the queue's own visibility timeout.
                report::given_back(message, &error);
            }
        }
    }

    /// Works on every record of a message; whether all of it is done.
    async fn message(&self, message: Message) -> (Message, bool) {
        let mut done = true;
        for record in &message.records {
            if let Inbound::Photo { request, sent_at } = record {
                let now = self.deps.clock.now();
                if now > self.last_start {
                    report::no_time(&message);
                    return (message, false);
                }
                let Deps { store, clock, renderer, visibility_timeout, .. } = *self.deps;
                let started = Instant::now();
                let delivery = Delivery::new(message.receive_count, *sent_at, now, visibility_timeout);
                let answered = Box::pin(answer(store, renderer, clock, request, delivery));
                let answered = AssertUnwindSafe(answered).catch_unwind().await;
                // A panic is a bug, of ours or the SDK's: this photo comes again, and its companions are not touched.
                match answered.unwrap_or_else(|_| Err(PortError::new("photo", "panicked"))) {
                    Ok(Some(answered)) => report::answered(request.cause(), &answered, started.elapsed()),
                    Ok(None) => report::nothing_there(request.photo()),
                    Err(error) => {
                        report::failed(request, &error);
                        done = false;
                    }
                }
            }
        }
        // Parking comes last, when nothing else brings the message back: else it would be parked again each time.
        if done && let Err(error) = self.park(&message).await {
            report::given_back(&message, &error);
            done = false;
        }
        (message, done)
    }

    async fn park(&self, message: &Message) -> Result<(), PortError> {
        for record in &message.records {
            match record {
                Inbound::Unusable { body, reason } => {
                    self.deps.queue.park(body, reason, message.replayed.as_deref()).await?;
                    report::parked(reason);
                }
                Inbound::Ignored(why) => report::ignored(why),
                Inbound::Photo { .. } => {}
            }
        }
        Ok(())
    }
}
