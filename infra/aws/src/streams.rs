//! [`Streams`] over DynamoDB Streams.
//!
//! Which part of a stream is read, and what becomes of its records, is not known here.

mod record;

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsOutput;
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use coffeeshop_core::ports::{NotReadBack, PortError, StreamRange, Streams};

/// How many pages without a record are read, one after the other, before it is said that nothing more comes.
///
/// A shard that is still written to has always another page, and [may have records again after empty ones][1].
///
/// [1]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
const EMPTY_PAGES_MAX: u32 = 20;

/// How long is waited after a page without a record: who asks for more at once is throttled.
const EMPTY_PAGE_PAUSE: Duration = Duration::from_millis(250);

const ITERATOR: &str = "streams.iterator";
const RECORDS: &str = "streams.records";

/// The streams of an account and a region.
#[derive(Debug, Clone)]
pub struct DynamoDbStreams {
    client: Client,
}

impl DynamoDbStreams {
    /// All that the client may use. Nothing is called yet.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Where the first record of the range is.
    async fn start(&self, range: &StreamRange) -> Result<String, NotReadBack> {
        let get = self.client.get_shard_iterator().stream_arn(&range.stream_arn).shard_id(&range.shard_id);
        let get = get.shard_iterator_type(ShardIteratorType::AtSequenceNumber).sequence_number(&range.first);
        let answer = get.send().await.map_err(|error| not_read(ITERATOR, error))?;
        answer.shard_iterator.ok_or_else(|| failed(ITERATOR, "no iterator was returned".to_owned()))
    }

    async fn page(&self, iterator: String) -> Result<GetRecordsOutput, NotReadBack> {
        self.client.get_records().shard_iterator(iterator).send().await.map_err(|error| not_read(RECORDS, error))
    }
}

impl Streams for DynamoDbStreams {
    async fn read(&self, range: &StreamRange) -> Result<Vec<String>, NotReadBack> {
        let (first, last) = (place(&range.first), place(&range.last));
        if first > last {
            return Err(failed(ITERATOR, format!("{} is not before {}", range.first, range.last)));
        }
        let mut iterator = Some(self.start(range).await?);
        let (mut records, mut empty_pages) = (Vec::new(), 0);
        while let Some(at) = iterator {
            let page = self.page(at).await?;
            iterator = page.next_shard_iterator;
            let found = page.records.unwrap_or_default();
            empty_pages = if found.is_empty() { empty_pages + 1 } else { 0 };
            for found in found {
                let number = sequence_number(&found)?.to_owned();
                let place = place(&number);
                if records.is_empty() && place > first {
                    return Err(NotReadBack::Trimmed);
                }
                if place > last {
                    return Ok(records);
                }
                records.push(record::json(found, &range.stream_arn).map_err(|error| failed(RECORDS, error))?);
                if place == last {
                    return Ok(records);
                }
            }
            if empty_pages == EMPTY_PAGES_MAX {
                break;
            }
            if empty_pages > 0 {
                tokio::time::sleep(EMPTY_PAGE_PAUSE).await;
            }
        }
        // Part of the range is never handed out as if it were all of it.
        let (found, StreamRange { shard_id, last, .. }) = (records.len(), range);
        Err(failed(RECORDS, format!("{shard_id} ends before {last}, after {found} records")))
    }
}

fn sequence_number(record: &Record) -> Result<&str, NotReadBack> {
    let number = record.dynamodb.as_ref().and_then(|change| change.sequence_number.as_deref());
    number.ok_or_else(|| failed(RECORDS, "a record has no sequence number".to_owned()))
}

/// Orders sequence numbers, [21 to 40 digits][1] as text, as the numbers that they are.
///
/// [1]: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
fn place(sequence_number: &str) -> String {
    format!("{sequence_number:0>40}")
}

fn failed(call: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> NotReadBack {
    NotReadBack::Failed(PortError::new(call, cause))
}

/// What an error says about the records. A stream whose table is gone, and a shard that is, have none any more.
fn not_read<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(
    call: &'static str,
    error: SdkError<E>,
) -> NotReadBack {
    match error.code() {
        Some("ResourceNotFoundException" | "TrimmedDataAccessException") => NotReadBack::Trimmed,
        // The SDK has tried it more than once.
        Some(
            "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException",
        ) => NotReadBack::Failed(PortError::busy(call, error)),
        _ => NotReadBack::Failed(PortError::new(call, error)),
    }
}
