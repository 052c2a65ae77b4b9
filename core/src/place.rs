//! Where failures rest, and where each came from.
//!
//! What rests there, and what is done with it, is not known here.

use std::time::Duration;

use crate::ports::QueueUrl;

/// A place of a stack where an operator finds what failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is called, without the stack's name: such as `uploads-dlq`.
    pub name: String,
    /// What puts failures there.
    pub source: Source,
    /// What they rest in.
    pub resting: Resting,
    /// Where a replay would go.
    pub target: Result<Target, NoTarget>,
}

/// What puts failures into a place. With several sources it is the first of them, queues before subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A queue, when a message was received so often.
    Queue {
        /// How often.
        receives_max: u32,
    },
    /// A subscription, what the topic could not put into the subscription's own queue.
    Subscription {
        /// The topic's name, without the stack's.
        topic: String,
    },
    /// A function, records that make no sense.
    Function {
        /// The function's name, without the stack's.
        name: String,
    },
    /// The streams that a function reads, batches that kept failing.
    Streams {
        /// The names of the tables, without the stack's.
        tables: Vec<String>,
    },
}

/// What failures rest in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resting {
    /// A queue that nobody consumes by itself.
    Queue {
        /// The queue.
        queue: QueueUrl,
        /// How long a message stays, from when it was first sent.
        retention: Duration,
    },
    /// A bucket: an object for each batch.
    Archives(Archives),
}

/// The part of a bucket that has the batches of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archives {
    /// The bucket.
    pub bucket: String,
    /// What their keys begin with: one for each stream that the function reads.
    pub prefixes: Vec<String>,
    /// How long an object stays; `None`: for ever.
    pub retention: Option<Duration>,
}

/// What does again what failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The queue that messages would have been consumed from.
    Queue(TargetQueue),
    /// The function that records would have been handled by.
    Function(TargetFunction),
}

/// A queue that messages are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetQueue {
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

/// A function that is invoked with records of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFunction {
    /// Its name, without the stack's: such as `aggregator`.
    pub name: String,
    /// What it is invoked by.
    pub function: String,
    /// What the records are of.
    pub records: Records,
}

/// What the records of a stream are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// Ratings: what scores hold of each can be held against the rating itself.
    Ratings {
        /// The table's name.
        table: String,
    },
    /// Photos, scores and boards: what changed is announced.
    States,
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

impl Target {
    /// What it is called, without the stack's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Queue(queue) => &queue.name,
            Self::Function(function) => &function.name,
        }
    }

    /// What a run writes down, so that whoever goes on with it knows whether it is still the same: a URL, or a name.
    pub fn address(&self) -> &str {
        match self {
            Self::Queue(queue) => &queue.queue.0,
            Self::Function(function) => &function.function,
        }
    }

    /// The function, if it is one.
    pub fn as_function(&self) -> Option<&TargetFunction> {
        match self {
            Self::Function(function) => Some(function),
            Self::Queue(_) => None,
        }
    }

    /// The name of the function that handles what goes there, as far as it is known.
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Queue(queue) => queue.reader.as_ref().map(|reader| reader.function.as_str()),
            Self::Function(function) => Some(&function.name),
        }
    }
}

impl TargetFunction {
    /// Whether its records are of ratings.
    pub fn is_of_ratings(&self) -> bool {
        matches!(self.records, Records::Ratings { .. })
    }
}

impl Resting {
    /// What a run writes down, so that whoever goes on with it knows whether it is still the same: a URL.
    pub fn address(&self) -> String {
        match self {
            Self::Queue { queue, .. } => queue.0.clone(),
            Self::Archives(Archives { bucket, .. }) => format!("s3://{bucket}"),
        }
    }
}

impl Place {
    /// The function that should have handled what rests there, as far as it is known.
    pub fn function(&self) -> Option<&str> {
        self.target.as_ref().ok()?.function()
    }
}
