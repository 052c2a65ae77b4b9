//! Step 1, an event: who hears of it, and in which ways; a message on the queue `deliveries` for each.
//!
//! Nobody is told here. All of it may be done twice: a delivery that is asked for twice is made once, or once more with
//! the same id.

use coffeeshop_aws::sqs_batch::Received;
use coffeeshop_core::delivery::Delivery;
use coffeeshop_core::ports::{Clock, DeliveryQueue, NotificationStore, ParkReason, PortError, SourceQueue};
use coffeeshop_core::subscription::Subscriber;

use crate::batch::{Ending, Work};
use crate::{envelope, report};

impl<S, Q, O, P, C> Work<'_, S, Q, O, P, C>
where
    S: NotificationStore,
    Q: SourceQueue,
    O: DeliveryQueue,
    C: Clock,
{
    /// Asks for the deliveries of an event.
    pub(crate) async fn fan_out(&self, message: &Received) -> Result<Ending, PortError> {
        let event = match envelope::event(&message.body) {
            Ok(event) => event,
            Err(reason) => return self.park_notification(message, &reason).await,
        };
        let Some(subscriber) = Subscriber::of(&event) else {
            report::ignored(message, "nobody is told of such an event");
            return Ok(Ending::Handled);
        };
        let mut nonsense = None;
        let mut after: Option<String> = None;
        loop {
            self.in_time()?;
            let page = self.deps.store.subscriptions(&subscriber, after.as_deref()).await?;
            let mut deliveries = Vec::new();
            for subscription in page.subscriptions {
                match subscription {
                    Ok(subscription) if subscription.enabled => deliveries.push(Delivery {
                        subscriber: subscriber.clone(),
                        channel_id: subscription.channel_id,
                        event: event.clone(),
                    }),
                    Ok(_) => report::disabled_channel(),
                    Err(malformed) => {
                        nonsense.get_or_insert(ParkReason::new("malformed_subscription", &malformed));
                    }
                }
            }
            self.send(&deliveries).await?;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        // Parking comes last, when nothing else brings the message back: else it would be parked again each time.
        match nonsense {
            Some(reason) => self.park_notification(message, &reason).await,
            None => Ok(Ending::Handled),
        }
    }

    async fn send(&self, deliveries: &[Delivery]) -> Result<(), PortError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        self.in_time()?;
        for sent in self.deps.outbox.send(deliveries).await {
            sent?;
        }
        report::fanned_out(deliveries.len());
        Ok(())
    }

    async fn park_notification(&self, message: &Received, reason: &ParkReason) -> Result<Ending, PortError> {
        self.in_time()?;
        self.deps.notifications.park(&message.body, reason, message.replayed.as_deref()).await?;
        report::parked(message, reason);
        Ok(Ending::Handled)
    }
}
