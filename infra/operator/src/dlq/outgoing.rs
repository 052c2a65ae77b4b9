//! What is sent in a message's stead.
//!
//! Whether it is sent is not decided here.

use coffeeshop_core::ports::{Attribute, Content, MESSAGE_ATTRIBUTES_MAX, MESSAGE_BYTES_MAX};
use coffeeshop_core::replayed::{REPLAYED, Replayed};

use crate::cli::values::RunId;

/// What was said when it was parked, and is not part of it.
const SAID_IN_PARKING: [&str; 2] = ["reason", "error"];

/// A message that cannot be marked as replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CannotCarry {
    #[error(
        "with the attribute `replayed` it would have {0} bytes, and a queue takes {MESSAGE_BYTES_MAX}: shorten it with \
         `dlq edit`, or keep it with `dlq archive`"
    )]
    TooLarge(usize),
    #[error(
        "with the attribute `replayed` it would have {0} attributes, and a queue takes {MESSAGE_ATTRIBUTES_MAX}: keep it \
         with `dlq archive`, and send it by hand"
    )]
    TooManyAttributes(usize),
}

/// How often a message was replayed.
pub(crate) fn times_replayed(content: &Content) -> u32 {
    replayed(content).map_or(0, |replayed| replayed.times)
}

/// The mark of the last replay.
pub(crate) fn replayed(content: &Content) -> Option<Replayed> {
    content.attribute(REPLAYED)?.parse().ok()
}

/// The message as this run sends it: body, attributes and trace header survive, what was said in parking does not, and
/// it is counted. What has no reason was not parked.
pub(crate) fn outgoing(mut content: Content, run: &RunId) -> Result<Content, CannotCarry> {
    let mark = Replayed { times: times_replayed(&content).saturating_add(1), run: run.to_string() };
    if content.attributes.contains_key("reason") {
        content.attributes.retain(|name, _| !SAID_IN_PARKING.contains(&name.as_str()));
    }
    content.attributes.insert(REPLAYED.to_owned(), Attribute::text(mark.to_string()));
    let (attributes, bytes) = (content.attributes.len(), content.bytes());
    if attributes > MESSAGE_ATTRIBUTES_MAX {
        return Err(CannotCarry::TooManyAttributes(attributes));
    }
    if bytes > MESSAGE_BYTES_MAX {
        return Err(CannotCarry::TooLarge(bytes));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::ports::AttributeValue;

    use super::*;

    fn run() -> RunId {
        "run-1".parse().unwrap()
    }

    fn content(attributes: &[(&str, Attribute)]) -> Content {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Content { body: "body".to_owned(), attributes, trace_header: Some("Root=1".to_owned()) }
    }

    #[test]
    fn everything_survives_but_what_was_said_in_parking() {
        let binary = Attribute {
            data_type: "Binary.png".to_owned(),
            value: AttributeValue::Binary(b"\0\xff".as_slice().into()),
        };
        let number = Attribute { data_type: "Number".to_owned(), value: AttributeValue::Text("7".to_owned()) };
        let own = [("city", Attribute::text("Turin")), ("icon", binary), ("n", number)];
        let parked = [("reason", Attribute::text("not_utf8")), ("error", Attribute::text("0xff"))];
        let sent = outgoing(content(&[&own[..], &parked[..]].concat()), &run()).unwrap();
        let expected = content(&[&own[..], &[("replayed", Attribute::text("1/run-1"))]].concat());
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_was_not_parked_keeps_all_that_it_said() {
        let sent = outgoing(content(&[("error", Attribute::text("its own"))]), &run()).unwrap();
        assert_eq!(sent.attribute("error"), Some("its own"));
    }

    #[test]
    fn replays_are_counted() {
        for (before, after) in
            [("1/run-0", "2/run-1"), ("4294967295/run-0", "4294967295/run-1"), ("nonsense", "1/run-1")]
        {
            let sent = outgoing(content(&[("replayed", Attribute::text(before))]), &run()).unwrap();
            assert_eq!(sent.attribute("replayed"), Some(after));
        }
    }

    #[test]
    fn what_cannot_carry_the_count_is_refused_not_cut() {
        let counted = "replayed".len() + "String".len() + "1/run-1".len();
        let of = |bytes: usize| Content { body: "x".repeat(bytes), ..Content::default() };
        assert_eq!(outgoing(of(MESSAGE_BYTES_MAX - counted), &run()).unwrap().bytes(), MESSAGE_BYTES_MAX);
        let too_large = outgoing(of(MESSAGE_BYTES_MAX - counted + 1), &run());
        assert_eq!(too_large, Err(CannotCarry::TooLarge(MESSAGE_BYTES_MAX + 1)));
        let attributes: Vec<(String, Attribute)> = (0..10).map(|i| (i.to_string(), Attribute::text("x"))).collect();
        let mut full =
            Content { body: "x".to_owned(), attributes: attributes.into_iter().collect(), trace_header: None };
        assert_eq!(outgoing(full.clone(), &run()), Err(CannotCarry::TooManyAttributes(11)));
        // Room is made by what was said in parking.
        full.attributes.remove("9");
        full.attributes.insert("reason".to_owned(), Attribute::text("x"));
        assert_eq!(outgoing(full, &run()).unwrap().attributes.len(), 10);
    }
}
