//! A message as a line of JSON: in archives, in a journal, and for programs.
//!
//! What is written can be read again and sent; nothing of a receipt is in it.

use std::collections::BTreeMap;

use coffeeshop_core::ports::{Attribute, AttributeValue, Content, Message, MessageId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: MessageId,
    /// When it was first sent.
    pub(crate) sent_at: Timestamp,
    #[serde(flatten)]
    pub(crate) content: RecordedContent,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedContent {
    /// As text: it need not be JSON.
    body: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, RecordedAttribute>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_header: Option<String>,
}

/// As the `aws` command line has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedAttribute {
    #[serde(rename = "DataType")]
    data_type: String,
    #[serde(flatten)]
    value: RecordedValue,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum RecordedValue {
    #[serde(rename = "StringValue")]
    Text(String),
    /// base64.
    #[serde(rename = "BinaryValue", with = "base64_text")]
    Binary(Vec<u8>),
}

impl From<&Message> for Record {
    fn from(message: &Message) -> Self {
        Self { id: message.id.clone(), sent_at: message.sent_at, content: (&message.content).into() }
    }
}

impl From<&Content> for RecordedContent {
    fn from(Content { body, attributes, trace_header }: &Content) -> Self {
        let attributes = attributes.iter().map(|(name, Attribute { data_type, value })| {
            let value = match value {
                AttributeValue::Text(text) => RecordedValue::Text(text.clone()),
                AttributeValue::Binary(bytes) => RecordedValue::Binary(bytes.to_vec()),
            };
            (name.clone(), RecordedAttribute { data_type: data_type.clone(), value })
        });
        Self { body: body.clone(), attributes: attributes.collect(), trace_header: trace_header.clone() }
    }
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::ports::Receipt;

    use super::*;

    #[test]
    fn a_line_has_all_that_can_be_sent_again() {
        let attributes = [
            ("city", Attribute::text("Zürich")),
            (
                "icon",
                Attribute {
                    data_type: "Binary.png".to_owned(),
                    value: AttributeValue::Binary(b"\0\xff".as_slice().into()),
                },
            ),
        ];
        let message = Message {
            id: MessageId("m-1".into()),
            receipt: Receipt("secret".to_owned()),
            content: Content {
                body: "{not JSON\n".to_owned(),
                attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
                trace_header: Some("Root=1".to_owned()),
            },
            sent_at: "2026-11-20T08:00:00Z".parse().unwrap(),
            receive_count: 5,
        };
        let record = Record::from(&message);
        let line = serde_json::to_string(&record).unwrap();
        let expected = r#"{"id":"m-1","sent_at":"2026-11-20T08:00:00Z","body":"{not JSON\n","attributes":{"city":{"DataType":"String","StringValue":"Zürich"},"icon":{"DataType":"Binary.png","BinaryValue":"AP8="}},"trace_header":"Root=1"}"#;
        assert_eq!(line, expected);
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}
