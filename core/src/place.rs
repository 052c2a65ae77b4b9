//! Where failures rest, and where each came from.
//!
//! What rests there, and what is done with it, is not known here.

use std::time::Duration;

use crate::ports::QueueUrl;

/// A place of a stack where an operator finds what failed. With several sources it is what the first of them makes it,
/// queues before subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The dead-letter queue of a queue.
    OfQueue {
        /// What rests there.
        resting: Resting,
        /// After how many receives the queue gives a message up.
        receives_max: u32,
    },
    /// The dead-letter queue of a subscription: what the topic could not put into the subscription's own queue.
    OfSubscription {
        /// What rests there.
        resting: Resting,
        /// The topic's name, without the stack's.
        topic: String,
    },
}

/// A queue that nobody consumes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// The queue's name, without the stack's: such as `uploads-dlq`.
    pub name: String,
    /// The queue.
    pub queue: QueueUrl,
    /// How long a message stays, from when it was first sent.
    pub retention: Duration,
    /// Where a replay would go.
    pub target: Result<Target, NoTarget>,
}

/// The queue that messages would have been consumed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name, without the stack's: such as `uploads`.
    pub name: String,
    /// It.
    pub queue: QueueUrl,
    /// For how long it hides a message that it hands out.
    pub visibility: Duration,
    /// Where it puts what it gives up, and after how many receives; `None`: it gives nothing up, or that cannot be read.
    pub gives_up: Option<(QueueUrl, u32)>,
    /// Who reads it, as far as that is known.
    pub reader: Option<Reader>,
}

/// A function that reads a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The function's name, without the stack's.
    pub function: String,
    /// What it reads there.
    pub reads: Reads,
}

/// What a function reads from a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// S3's notifications of uploads.
    Uploads {
        /// The bucket that they must be about.
        originals_bucket: String,
    },
    /// Events.
    Notifications,
    /// Deliveries of events.
    Deliveries,
}

/// Why nothing can be replayed from a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// A replay would put its messages in another order.
    #[error("a FIFO queue, whose order a replay would change")]
    Fifo,
    /// A message does not say which of them it came from.
    #[error("several queues or subscriptions feed it ({}): which one a message is for is not known", .0.join(", "))]
    Several(Vec<String>),
    /// What feeds it has no queue of its own.
    #[error("{0} puts nothing into a queue: there is nowhere to replay to")]
    NoQueue(String),
}

impl Place {
    /// What rests there.
    pub fn resting(&self) -> &Resting {
        match self {
            Self::OfQueue { resting, .. } | Self::OfSubscription { resting, .. } => resting,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.resting().name
    }
}
