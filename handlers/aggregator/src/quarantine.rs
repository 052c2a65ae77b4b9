//! Records are set aside in the quarantine, with everything that is needed to look into them and to replay them.
//!
//! Whether a record belongs there is not decided here.

use coffeeshop_core::ports::{Clock, ParkReason, PortError, Quarantine, Quarantined, is_sendable};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::batch::Deps;
use crate::envelope::Record;
use crate::report;

/// The largest body of a message: SQS takes 1 MiB, its attributes included.
pub(crate) const BODY_BYTES_MAX: usize = (1 << 20) - ATTRIBUTES_BYTES_MAX;

/// What is left for the attributes.
const ATTRIBUTES_BYTES_MAX: usize = 8 << 10;

/// How many records are sent to the quarantine in one call.
const QUARANTINED_AT_ONCE: usize = 10;

#[derive(Serialize)]
struct Alone<T> {
    #[serde(rename = "Records")]
    records: [T; 1],
}

/// The message for a record: a stream event with it alone, word for word. One that is too large goes without its old
/// image, or without both.
pub(crate) fn quarantined(record: &Record<'_>, reason: &ParkReason) -> Quarantined {
    let fits = |body: &String| body.len() <= BODY_BYTES_MAX;
    let whole = sendable(&alone(record.raw));
    let body = Some(whole.clone())
        .filter(fits)
        .or_else(|| without(record.raw, &["OldImage"]).filter(fits))
        .or_else(|| without(record.raw, &["OldImage", "NewImage"]).filter(fits));
    let event_id = record.event_id.clone().filter(|id| !id.is_empty() && id.chars().all(is_sendable));
    // What is still too large is refused by SQS, so it comes again, and is archived whole at last.
    let (body, reason) = (body.unwrap_or(whole), ParkReason::new(reason.code, &reason.error));
    Quarantined { body, event_id, reason, replayed: record.replayed.clone() }
}

/// Sends records to the quarantine, as long as there is time; which of them are there.
pub(crate) async fn set_aside<S, Q: Quarantine, C: Clock>(
    deps: &Deps<'_, S, Q, C>,
    until: Timestamp,
    messages: &[Quarantined],
) -> Vec<bool> {
    let mut there = Vec::new();
    for some in messages.chunks(QUARANTINED_AT_ONCE) {
        let sent = if deps.clock.now() > until {
            some.iter().map(|_| Err(PortError::busy("batch", "no time is left"))).collect()
        } else {
            deps.quarantine.send(some).await
        };
        for (message, sent) in some.iter().zip(&sent) {
            match sent {
                Ok(()) => report::quarantined(message),
                Err(error) => report::not_quarantined(message, error),
            }
        }
        there.extend(sent.iter().map(Result::is_ok));
    }
    there
}

fn alone(raw: &RawValue) -> String {
    serde_json::to_string(&Alone { records: [raw] }).unwrap_or_else(|_| raw.get().to_owned())
}

/// `None` for what is too strange to be taken apart.
fn without(raw: &RawValue, images: &[&str]) -> Option<String> {
    let mut record: Value = serde_json::from_str(raw.get()).ok()?;
    let change = record.get_mut("dynamodb")?.as_object_mut()?;
    for image in images {
        change.remove(*image);
    }
    Some(sendable(&serde_json::to_string(&Alone { records: [record] }).ok()?))
}

/// The two characters that JSON may have in a string, and SQS refuses, as escapes.
fn sendable(json: &str) -> String {
    json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::ports::ERROR_CHARS_MAX;
    use serde_json::json;

    use super::*;

    fn check(comment: &str, old_image: &str, expected: impl Fn(&str) -> bool) {
        let json = format!(
            r#"{{"eventID":"7","dynamodb":{{"SequenceNumber":"1","NewImage":{{"comment":{{"S":"{comment}"}}}}{old_image}}}}}"#
        );
        let raw: Box<RawValue> = serde_json::from_str(&json).unwrap();
        let (event_id, replayed) = (Some("7".to_owned()), Some("2/run".parse().unwrap()));
        let record = Record { id: None, change: None, nonsense: None, event_id, replayed: replayed.clone(), raw: &raw };
        let error = format!("\u{1}{}", "é".repeat(2000));
        let sent = quarantined(&record, &ParkReason { code: "no_stars", error });
        assert!(expected(&sent.body), "{:.200}", sent.body);
        assert_eq!((sent.event_id.as_deref(), sent.replayed), (Some("7"), replayed));
        assert_eq!(sent.reason.error, "é".repeat(ERROR_CHARS_MAX));
        serde_json::from_str::<Value>(&sent.body).unwrap();
    }

    #[test]
    fn a_record_is_sent_word_for_word() {
        check("a  b", "", |body| {
            body == r#"{"Records":[{"eventID":"7","dynamodb":{"SequenceNumber":"1","NewImage":{"comment":{"S":"a  b"}}}}]}"#
        });
        check("\u{FFFF}", "", |body| body.contains(r#"{"S":"\uffff"}"#));
    }

    #[test]
    fn one_that_is_too_large_is_sent_without_its_old_image_or_without_both() {
        // The order of attributes may be another.
        let is = |body: &str, expected: Value| serde_json::from_str::<Value>(body).unwrap() == expected;
        let rest = json!({ "Records": [{ "eventID": "7", "dynamodb": { "SequenceNumber": "1" } }] });
        check(&"x".repeat(BODY_BYTES_MAX), "", |body| is(body, rest.clone()));
        // Each of these three bytes is sent as six.
        check(&"\u{FFFE}".repeat(BODY_BYTES_MAX / 4), "", |body| is(body, rest.clone()));
        let old_image = format!(r#","OldImage":{{"comment":{{"S":"{}"}}}}"#, "x".repeat(BODY_BYTES_MAX));
        let image = json!({ "comment": { "S": "new" } });
        let kept = json!({ "Records": [{ "eventID": "7", "dynamodb": { "SequenceNumber": "1", "NewImage": image } }] });
        check("new", &old_image, |body| is(body, kept.clone()));
    }
}
