//! A record of a stream as [Lambda hands it to functions][1].
//!
//! Nothing is left out and nothing is looked at. The stream's API has the same under almost the same names; it does not
//! say which stream it is of.
//!
//! [1]: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodbstreams::types::{AttributeValue, Identity, OperationType, Record, StreamRecord, StreamViewType};
use serde::Serialize;
use serde_dynamo::AttributeValue as Value;

/// Why a record is not handed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotHandedOn {
    #[error("the attribute `{0}` is of a type that is not known here")]
    UnknownType(String),
    #[error("it cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "they are Lambda's names")]
struct Event<'a> {
    #[serde(rename = "eventID", skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_version: Option<String>,
    event_source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_region: Option<String>,
    dynamodb: Change<'a>,
    /// Of deletions by time to live alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<User>,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'a> {
    /// In seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    approximate_creation_date_time: Option<i64>,
    keys: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_image: Option<Attributes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_image: Option<Attributes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_view_type: Option<&'a str>,
}

/// [Not as the API has it][1], which begins both names with a capital.
///
/// [1]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    r#type: Option<String>,
    principal_id: Option<String>,
}

type Attributes = BTreeMap<String, Value>;

/// The record as one line of JSON.
pub(super) fn json(record: Record, stream_arn: &str) -> Result<String, NotHandedOn> {
    let Record { event_id, event_name, event_version, aws_region, dynamodb, user_identity, .. } = record;
    let StreamRecord {
        approximate_creation_date_time,
        keys,
        new_image,
        old_image,
        sequence_number,
        size_bytes,
        stream_view_type,
        ..
    } = dynamodb.unwrap_or_else(|| StreamRecord::builder().build());
    let event = Event {
        event_id,
        event_name: event_name.as_ref().map(OperationType::as_str),
        event_version,
        event_source: "aws:dynamodb",
        aws_region,
        dynamodb: Change {
            approximate_creation_date_time: approximate_creation_date_time.map(|time| time.secs()),
            keys: attributes(keys.unwrap_or_default())?,
            new_image: new_image.map(attributes).transpose()?,
            old_image: old_image.map(attributes).transpose()?,
            sequence_number,
            size_bytes,
            stream_view_type: stream_view_type.as_ref().map(StreamViewType::as_str),
        },
        user_identity: user_identity.map(|Identity { principal_id, r#type, .. }| User { r#type, principal_id }),
        event_source_arn: stream_arn,
    };
    Ok(serde_json::to_string(&event)?)
}

fn attributes(image: HashMap<String, AttributeValue>) -> Result<Attributes, NotHandedOn> {
    let attribute = |(name, value): (String, AttributeValue)| {
        if is_known(&value) { Ok((name, value.into())) } else { Err(NotHandedOn::UnknownType(name)) }
    };
    image.into_iter().map(attribute).collect()
}

/// Whether the SDK knows the types of a value and of all that is in it: `serde_dynamo` panics on others.
fn is_known(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::M(values) => values.values().all(is_known),
        AttributeValue::L(values) => values.iter().all(is_known),
        value => !value.is_unknown(),
    }
}
