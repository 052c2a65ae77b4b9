//! The order of work on a batch of either queue: messages side by side, and what is not done comes again.
//!
//! What is done with one is in `fan_out` and `deliver`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use coffeeshop_aws::sqs_batch::{Received, received, response};
use coffeeshop_core::ports::{Clock, DeliveryQueue, NotificationStore, PortError, SourceQueue};
use fastrand::Rng;
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error};

use crate::report;
use crate::webhook::client::Post;
use crate::webhook::target::Allow;

/// The template's batch size, and how many messages are worked on at once.
pub const BATCH_MESSAGES_MAX: usize = 10;

/// How long before the deadline nothing is begun any more, but the calls that conclude what was begun: three at most.
pub const GIVE_BACK: SignedDuration = SignedDuration::from_secs(7);

/// How long a call of AWS may take, all its attempts together.
pub const CALL_MAX: Duration = Duration::from_secs(2);

const _: () = assert!(3 * CALL_MAX.as_millis() < GIVE_BACK.as_millis().unsigned_abs());

/// By how much a lease outlasts the deadline: longer than two clocks differ.
pub const LEASE_BEYOND_DEADLINE: SignedDuration = SignedDuration::from_secs(5);

/// Everything outside.
#[derive(Debug)]
pub struct Deps<'a, S, Q, O, P, C> {
    /// Subscriptions, deliveries, inboxes.
    pub store: &'a S,
    /// Where events come from.
    pub notifications: &'a Q,
    /// What Lambda calls it.
    pub notifications_arn: String,
    /// Where deliveries come from.
    pub deliveries: &'a Q,
    /// What Lambda calls it.
    pub deliveries_arn: String,
    /// Where deliveries are sent.
    pub outbox: &'a O,
    /// What calls webhooks.
    pub webhooks: &'a P,
    /// Which webhooks are exempt from the rules.
    pub allow: Allow,
    /// How often a delivery is received before it goes to the dead-letter queue.
    pub delivery_attempts: u32,
    /// What time it is.
    pub clock: &'a C,
}

/// One invocation.
pub(crate) struct Work<'a, S, Q, O, P, C> {
    pub(crate) deps: &'a Deps<'a, S, Q, O, P, C>,
    /// Nothing is begun after this.
    pub(crate) until: Timestamp,
    /// When the leases that are taken end.
    pub(crate) lease_until: Timestamp,
    request_id: &'a str,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// There is nothing more to do.
    Handled,
    /// It comes again, when the queue was told so.
    Again,
}

/// Works on a batch; the messages in the response come again.
pub async fn handle<S, Q, O, P, C>(
    deps: &Deps<'_, S, Q, O, P, C>,
    event: SqsEvent,
    context: &Context,
) -> Result<SqsBatchResponse, Error>
where
    S: NotificationStore,
    Q: SourceQueue,
    O: DeliveryQueue,
    P: Post,
    C: Clock,
{
    let deadline = Timestamp::from_millisecond(i64::try_from(context.deadline)?)?;
    let (until, lease_until) = (deadline - GIVE_BACK, deadline + LEASE_BEYOND_DEADLINE);
    let work = Work { deps, until, lease_until, request_id: &context.request_id };
    let mut messages = Vec::new();
    for message in event.records {
        let source = message.event_source_arn.clone().unwrap_or_default();
        let is_delivery = source == deps.deliveries_arn;
        if !is_delivery && source != deps.notifications_arn {
            return Err(format!("messages of {source:?} are not for this function").into());
        }
        messages.push((is_delivery, received(message)?));
    }
    let one = async |(is_delivery, message): (bool, Received)| {
        let ending = if is_delivery { work.deliver(&message).await } else { work.fan_out(&message).await };
        let ending = ending.unwrap_or_else(|error| {
            report::given_back(&message, &error);
            Ending::Again
        });
        (ending == Ending::Again).then_some(message.id)
    };
    let again = stream::iter(messages).map(one).buffer_unordered(BATCH_MESSAGES_MAX);
    Ok(response(again.filter_map(async |id| id).collect::<Vec<_>>().await))
}

impl<S, Q, O, P, C: Clock> Work<'_, S, Q, O, P, C> {
    /// To be asked before something is begun.
    pub(crate) fn in_time(&self) -> Result<(), PortError> {
        let late = self.deps.clock.now() > self.until;
        if late { Err(PortError::busy("batch", "no time is left")) } else { Ok(()) }
    }

    /// Who handles this message now: another for each message and invocation.
    pub(crate) fn owner(&self, message: &Received) -> String {
        format!("{}/{}", self.request_id, message.id.as_str())
    }

    /// From 0 to 1, another for each message and invocation.
    pub(crate) fn chance(&self, message: &Received) -> f64 {
        let mut hash = DefaultHasher::new();
        self.owner(message).hash(&mut hash);
        Rng::with_seed(hash.finish()).f64()
    }
}
