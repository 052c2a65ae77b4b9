//! What commands work on, each wired to one implementation: AWS in the program, memory in tests.
//!
//! Which of it a command uses is the command's business.

use std::fmt::{self, Debug};
use std::path::Path;

use coffeeshop_aws::SystemClock;
use coffeeshop_aws::functions::LambdaFunctions;
use coffeeshop_aws::objects::S3Objects;
use coffeeshop_aws::photos::AwsPhotoStore;
use coffeeshop_aws::queues::SqsQueues;
use coffeeshop_aws::shop_records::AwsShopRecords;
use coffeeshop_aws::stack::{Stack, StackError};
use coffeeshop_aws::streams::DynamoDbStreams;
use coffeeshop_core::place::Place;
use coffeeshop_core::ports::{
    Clock, Functions, Objects, PhotoRecords, QueueUrl, Queues, ScoreStore, ShopRecords, Streams,
};

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
    /// All that there is of photos.
    type Photos: PhotoRecords;
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

/// What commands about photos work on.
pub struct PhotoPorts<'a, P: Wiring> {
    /// Outcomes, and the versions of originals.
    pub photos: &'a P::Photos,
    /// Where originals and renditions are listed.
    pub objects: &'a P::Objects,
    /// Where requests to make photos anew are sent.
    pub queues: &'a P::Queues,
    /// Time.
    pub clock: &'a P::Clock,
    /// What is where.
    pub places: &'a PhotoPlaces,
    /// The folder of the journals.
    pub journals: &'a Path,
}

/// Where photos come from and go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoPlaces {
    /// The bucket that the app uploads to.
    pub originals_bucket: String,
    /// The bucket that renditions are read from.
    pub renditions_bucket: String,
    /// The queue that the thumbnailer reads.
    pub uploads: QueueUrl,
}

impl PhotoPlaces {
    /// Of this stack.
    pub fn of(stack: &Stack) -> Result<Self, StackError> {
        Ok(Self {
            originals_bucket: stack.output("OriginalsBucket")?.to_owned(),
            renditions_bucket: stack.output("RenditionsBucket")?.to_owned(),
            uploads: QueueUrl(stack.output("UploadsQueueUrl")?.to_owned()),
        })
    }
}

impl<P: Wiring> Debug for PhotoPorts<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhotoPorts")
            .field("places", &self.places)
            .field("journals", &self.journals)
            .finish_non_exhaustive()
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
    type Photos = AwsPhotoStore;
    type Clock = SystemClock;
}
