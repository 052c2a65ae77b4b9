//! What commands work on, each wired to one implementation: AWS in the program, memory in tests.
//!
//! Which of it a command uses is the command's business.

use std::fmt::{self, Debug};
use std::path::Path;

use coffeeshop_aws::SystemClock;
use coffeeshop_aws::functions::LambdaFunctions;
use coffeeshop_aws::objects::S3Objects;
use coffeeshop_aws::queues::SqsQueues;
use coffeeshop_aws::shop_records::AwsShopRecords;
use coffeeshop_aws::streams::DynamoDbStreams;
use coffeeshop_core::place::Place;
use coffeeshop_core::ports::{Clock, Functions, Objects, Queues, ScoreStore, ShopRecords, Streams};

/// One implementation of each port.
pub trait Wiring {
    /// Queues.
    type Queues: Queues;
    /// Buckets.
    type Objects: Objects;
    /// Functions.
    type Functions: Functions;
    /// Streams of tables.
    type Streams: Streams;
    /// All that there is of each shop, and the scores.
    type Records: ScoreStore + ShopRecords;
    /// Time.
    type Clock: Clock;
}

/// What commands about failures work on.
pub struct Ports<'a, P: Wiring> {
    /// The queues.
    pub queues: &'a P::Queues,
    /// Where batches of streams rest, and where archives and journals may go.
    pub objects: &'a P::Objects,
    /// What does records of streams again.
    pub functions: &'a P::Functions,
    /// Where records are read back from.
    pub streams: &'a P::Streams,
    /// What scores hold of ratings, and the ratings themselves.
    pub records: &'a P::Records,
    /// Time.
    pub clock: &'a P::Clock,
    /// The places of the stack.
    pub places: &'a [Place],
    /// The folder of the journals.
    pub journals: &'a Path,
    /// The command that edits a file, as a shell takes it.
    pub editor: &'a str,
}

impl<P: Wiring> Debug for Ports<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("places", &self.places).field("journals", &self.journals).finish_non_exhaustive()
    }
}

/// Everything on AWS, or on what plays it.
#[derive(Debug, Clone, Copy)]
pub enum OnAws {}

impl Wiring for OnAws {
    type Queues = SqsQueues;
    type Objects = S3Objects;
    type Functions = LambdaFunctions;
    type Streams = DynamoDbStreams;
    type Records = AwsShopRecords;
    type Clock = SystemClock;
}
