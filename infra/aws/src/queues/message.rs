//! A message as SQS has it.
//!
//! Nothing here looks at what it says.

use std::collections::HashMap;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message as SqsMessage, MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use bytes::Bytes;
use coffeeshop_core::ports::{Attribute, AttributeValue, Content, Message, MessageId, Receipt};
use jiff::Timestamp;

/// A message that is not what SQS hands out.
#[derive(Debug, thiserror::Error)]
#[error("a message has no {0} that can be understood")]
pub(super) struct Malformed(&'static str);

/// A received message.
pub(super) fn received(message: SqsMessage) -> Result<Message, Malformed> {
    let system = message.attributes.unwrap_or_default();
    let number = |name| system.get(&name).and_then(|number: &String| number.parse::<i64>().ok());
    let sent_at = number(MessageSystemAttributeName::SentTimestamp);
    let sent_at = sent_at.and_then(|sent_at| Timestamp::from_millisecond(sent_at).ok());
    let receive_count = number(MessageSystemAttributeName::ApproximateReceiveCount);
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    let attributes = attributes.map(|(name, value)| Some((name, attribute(value)?)));
    Ok(Message {
        id: MessageId(message.message_id.ok_or(Malformed("id"))?.into()),
        receipt: Receipt(message.receipt_handle.ok_or(Malformed("receipt handle"))?),
        content: Content {
            body: message.body.ok_or(Malformed("body"))?,
            attributes: attributes.collect::<Option<_>>().ok_or(Malformed("attribute"))?,
            trace_header: system.get(&MessageSystemAttributeName::AwsTraceHeader).cloned(),
        },
        sent_at: sent_at.ok_or(Malformed("SentTimestamp"))?,
        receive_count: receive_count.and_then(|count| count.try_into().ok()).ok_or(Malformed("receive count"))?,
    })
}

fn attribute(value: MessageAttributeValue) -> Option<Attribute> {
    let said = match (value.string_value, value.binary_value) {
        (Some(text), _) => AttributeValue::Text(text),
        (None, Some(bytes)) => AttributeValue::Binary(Bytes::from(bytes.into_inner())),
        (None, None) => return None,
    };
    Some(Attribute { data_type: value.data_type, value: said })
}

/// A message of a call, which gives it its id.
pub(super) fn entry(content: &Content) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let value = |(name, attribute): (&String, &Attribute)| {
        let value = MessageAttributeValue::builder().data_type(&attribute.data_type);
        let value = match &attribute.value {
            AttributeValue::Text(text) => value.string_value(text),
            AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes.as_ref())),
        };
        Ok((name.clone(), value.build()?))
    };
    let attributes = content.attributes.iter().map(value).collect::<Result<HashMap<_, _>, BuildError>>()?;
    let mut entry = SendMessageBatchRequestEntry::builder().id("0").message_body(&content.body);
    if !attributes.is_empty() {
        entry = entry.set_message_attributes(Some(attributes));
    }
    if let Some(trace) = &content.trace_header {
        let trace = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build()?;
        entry = entry.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace);
    }
    entry.build()
}
