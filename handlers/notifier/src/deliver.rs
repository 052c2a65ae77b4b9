//! Step 2, a delivery: one item in an inbox, or one call of a webhook.
//!
//! An inbox is told once, because the item's key is user and event. A webhook is told at least once, always with the same
//! id: whoever makes the call has a lease, which outlasts the invocation, so that no other worker makes it meanwhile. What
//! an answer means is decided in `verdict`.

use std::time::Duration;

use coffeeshop_aws::sqs_batch::Received;
use coffeeshop_core::delivery::{Delivery, DeliveryKey, retry_pause};
use coffeeshop_core::event::Event;
use coffeeshop_core::ids::UserId;
use coffeeshop_core::ports::{
    Clock, DeliveryResult, Lease, NotificationStore, ParkReason, PortError, Put, SourceQueue,
};
use coffeeshop_core::subscription::{Channel, Secret, Subscription};

use crate::batch::{Ending, Work};
use crate::sentence::inbox_item;
use crate::verdict::{Verdict, verdict};
use crate::webhook::client::{Message, Post};
use crate::webhook::signature::{SigningKey, signature};
use crate::webhook::target::Target;
use crate::{envelope, report};

/// The shortest time that a call is worth beginning for.
const CALL_MIN: Duration = Duration::from_secs(1);

impl<S, Q, O, P, C> Work<'_, S, Q, O, P, C>
where
    S: NotificationStore,
    Q: SourceQueue,
    P: Post,
    C: Clock,
{
    /// Tells one subscriber of one event, in one way.
    pub(crate) async fn deliver(&self, message: &Received) -> Result<Ending, PortError> {
        self.in_time()?;
        let delivery = match envelope::delivery(&message.body) {
            Ok(delivery) => delivery,
            Err(reason) => return self.park_delivery(message, &reason).await,
        };
        // As it is now: a channel that was switched off, or has another secret, since the event went out.
        let found = self.deps.store.subscription(&delivery.subscriber, &delivery.channel_id).await?;
        let channel = match found {
            Some(Ok(Subscription { enabled: true, channel, .. })) => channel,
            Some(Ok(_)) => return Ok(ignored(message, "the channel is disabled")),
            None => return Ok(ignored(message, "the channel is gone")),
            Some(Err(malformed)) => {
                return self.park_delivery(message, &ParkReason::new("malformed_subscription", &malformed)).await;
            }
        };
        match channel {
            Channel::Inbox { user_id } => self.put_inbox(message, &delivery.event, &user_id).await,
            Channel::Webhook { url, secrets } => self.call_webhook(message, &delivery, &url, &secrets).await,
        }
    }

    async fn put_inbox(&self, message: &Received, event: &Event, user_id: &UserId) -> Result<Ending, PortError> {
        let Some(item) = inbox_item(event, user_id, self.deps.clock.now()) else {
            return Ok(ignored(message, "there is nothing to read in such an event"));
        };
        self.in_time()?;
        report::inbox(self.deps.store.put_inbox(&item).await?);
        Ok(Ending::Handled)
    }

    async fn call_webhook(
        &self,
        message: &Received,
        delivery: &Delivery,
        url: &Secret,
        secrets: &[Secret],
    ) -> Result<Ending, PortError> {
        let (target, keys) = match self.target(url, secrets) {
            Ok(usable) => usable,
            Err(reason) => return self.park_delivery(message, &reason).await,
        };
        let key = delivery.key();
        self.in_time()?;
        let (owner, now) = (self.owner(message), self.deps.clock.now());
        match self.deps.store.lease(&key, &owner, now, self.lease_until).await? {
            Lease::Ours => {}
            Lease::Delivered => return Ok(ignored(message, "it was delivered before")),
            Lease::Others { .. } if self.is_last(message) => {
                let reason = ParkReason::new("leased_by_another", &"another worker was at it, or died at it");
                return self.park_delivery(message, &reason).await;
            }
            Lease::Others { until } => {
                // It may have died; when its lease ends, this message is there.
                let seconds = until.duration_since(now).as_secs().saturating_add(1);
                report::leased_by_another(message);
                return self.again_after(message, seconds.unsigned_abs()).await;
            }
        }
        let left = self.until.duration_since(self.deps.clock.now());
        let within = Duration::try_from(left).unwrap_or_default();
        if within < CALL_MIN {
            return Err(PortError::busy("webhook", "no time is left"));
        }
        let call = self.signed(&delivery.event, &keys)?;
        let answer = self.deps.webhooks.post(&target, &call, within).await;
        self.conclude(message, &key, url, verdict(&target, answer, self.deps.clock.now())).await
    }

    /// What a webhook's item says, if it can be used.
    fn target(&self, url: &Secret, secrets: &[Secret]) -> Result<(Target, Vec<SigningKey>), ParkReason> {
        let target = Target::parse(url.reveal(), &self.deps.allow)
            .map_err(|refused| ParkReason::new(refused.code(), &refused))?;
        let keys = secrets.iter().map(|secret| secret.reveal().parse()).collect::<Result<Vec<SigningKey>, _>>();
        let keys = keys.map_err(|error| ParkReason::new("bad_secret", &error))?;
        if keys.is_empty() {
            return Err(ParkReason::new("no_secret", &"the webhook has no secret to sign with"));
        }
        Ok((target, keys))
    }

    fn signed(&self, event: &Event, keys: &[SigningKey]) -> Result<Message, PortError> {
        let body = serde_json::to_string(event).map_err(|error| PortError::new("webhook", error))?;
        let (id, timestamp) = (event.id.to_string(), self.deps.clock.now().as_second());
        Ok(Message { signature: signature(keys, &id, timestamp, &body), id, timestamp, body })
    }

    async fn conclude(
        &self,
        message: &Received,
        key: &DeliveryKey,
        url: &Secret,
        verdict: Verdict,
    ) -> Result<Ending, PortError> {
        report::called(&verdict);
        let (result, ending) = match verdict {
            Verdict::Delivered { status } => (DeliveryResult::Delivered { status }, Ending::Handled),
            Verdict::Gone => match self.deps.store.disable(&key.subscriber, &key.channel_id, url).await? {
                Put::Stored => {
                    report::disabled(key);
                    (failed("gone"), Ending::Handled)
                }
                // It has another URL by now, which was not called yet.
                Put::LostRace => (failed("gone"), self.again_after(message, 1).await?),
            },
            Verdict::Refused(reason) => (failed(reason.code), self.park_delivery(message, &reason).await?),
            // SQS would take it to the same place without a reason.
            Verdict::Retry { reason, .. } if self.is_last(message) => {
                (failed(reason.code), self.park_delivery(message, &reason).await?)
            }
            Verdict::Retry { reason, after } => {
                let pause = retry_pause(message.receive_count, self.chance(message), after).as_secs();
                report::retried(message, &reason, pause);
                (failed(reason.code), self.again_after(message, pause).await?)
            }
        };
        let (owner, now) = (self.owner(message), self.deps.clock.now());
        if let Err(error) = self.deps.store.finish(key, &owner, now, &result).await {
            // What was to be done is done. Who comes again waits for the end of the lease, and may call once more.
            report::not_noted(message, &error);
        }
        Ok(ending)
    }

    /// Whether SQS gives it up after this receipt.
    fn is_last(&self, message: &Received) -> bool {
        message.receive_count >= self.deps.delivery_attempts
    }

    async fn again_after(&self, message: &Received, seconds: u64) -> Result<Ending, PortError> {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.deps.deliveries.postpone(&message.receipt, seconds).await?;
        Ok(Ending::Again)
    }

    async fn park_delivery(&self, message: &Received, reason: &ParkReason) -> Result<Ending, PortError> {
        self.deps.deliveries.park(&message.body, reason, message.replayed.as_deref()).await?;
        report::parked(message, reason);
        Ok(Ending::Handled)
    }
}

fn ignored(message: &Received, why: &'static str) -> Ending {
    report::ignored(message, why);
    Ending::Handled
}

fn failed(code: &'static str) -> DeliveryResult {
    DeliveryResult::Failed { code }
}
