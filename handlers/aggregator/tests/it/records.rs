//! What each record of a stream is taken for, one line each.

use std::fmt::Write as _;
use std::path::Path;

use coffeeshop_aggregator::envelope::{Record, parse};
use coffeeshop_core::testing::ScoreWorld;
use futures::executor::block_on;
use serde_json::value::RawValue;

use crate::support::invoke;

fn fixture(name: &str) -> Box<RawValue> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/events/ratings").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn line(record: &Record<'_>) -> String {
    let mut line =
        record.id.as_ref().map_or("(no number)", |id| id.as_str().trim_start_matches("10000000000000000")).to_owned();
    if let Some(change) = &record.change {
        let holds =
            change.held.map_or("nothing".to_owned(), |held| format!("{} in {}", u8::from(held.stars), held.month));
        write!(line, " {}/{} holds {holds}", change.rating.shop_id, change.rating.user_id).unwrap();
    }
    if let Some(reason) = &record.nonsense {
        write!(line, " quarantine {}: {}", reason.code, reason.error).unwrap();
    }
    line
}

#[test]
fn every_record_is_taken_for_what_it_is() {
    let event = fixture("records.json");
    let lines: Vec<_> = parse(&event).unwrap().iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_stream_of_another_kind_is_an_error_of_the_function() {
    for (name, expected) in [
        ("keys-only.json", "must be NEW_AND_OLD_IMAGES"),
        ("not-a-stream.json", "not one of a"),
        ("another-table.json", "table/photos/stream/2026-11-21T10:00:00.000 is not one of ratings"),
    ] {
        let error = parse(&fixture(name)).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        let world = ScoreWorld::default();
        block_on(invoke(&world, &fixture(name), 1)).unwrap_err();
        assert_eq!(world.calls(), 0, "no record is to blame");
    }
}
