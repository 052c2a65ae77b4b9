//! The quarantine and time, in memory.
//!
//! Time passes only when somebody sleeps, or a test says so.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::calls::suspend_once;
use super::scores::ScoreWorld;
use crate::ports::{Clock, HALF_SEEN_MAX, PortError, Quarantine, Quarantined};

impl Quarantine for ScoreWorld {
    async fn send(&self, records: &[Quarantined]) -> Vec<Result<(), PortError>> {
        let mut sent = Vec::new();
        for record in records {
            sent.push(match self.calls.enter("quarantine.send").await {
                Ok(reply) => {
                    self.state().quarantine.push(record.clone());
                    reply.leave(())
                }
                Err(error) => Err(error),
            });
        }
        sent
    }
}

impl Clock for ScoreWorld {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep(&self, duration: Duration) {
        let halves: Vec<u64> = self.state().halves.keys().copied().collect();
        suspend_once().await;
        if duration >= HALF_SEEN_MAX {
            for number in halves {
                self.state().finish_half(number);
            }
        }
        self.advance(SignedDuration::try_from(duration).unwrap());
    }
}
