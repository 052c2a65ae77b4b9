//! Outcomes of photos, written and read back.

use coffeeshop_core::outcome::Outcome;
use parquet::record::Field;
use serde_json::{Value, json};

use super::{file_of, integer, rows_of, schema_of, text, time, watermark};

const SCHEMA: &str = "\
message photos {
  REQUIRED BYTE_ARRAY shop_id (STRING);
  REQUIRED BYTE_ARRAY photo_id (STRING);
  REQUIRED BYTE_ARRAY status (STRING);
  OPTIONAL BYTE_ARRAY reason (STRING);
  OPTIONAL BYTE_ARRAY detected (STRING);
  REQUIRED BYTE_ARRAY cause (STRING);
  REQUIRED INT64 revision;
  REQUIRED BYTE_ARRAY edition (STRING);
  REQUIRED BYTE_ARRAY pipeline (STRING);
  OPTIONAL INT64 source_bytes;
  OPTIONAL BYTE_ARRAY source_format (STRING);
  OPTIONAL INT64 source_width;
  OPTIONAL INT64 source_height;
  REQUIRED INT64 rendition_count;
  REQUIRED INT64 rendition_bytes;
  REQUIRED INT64 processed_at (TIMESTAMP(MICROS,true));
  REQUIRED INT64 snapshot_at (TIMESTAMP(MICROS,true));
}
";

/// An outcome that has what `more` says, too.
fn outcome(more: &Value) -> Outcome {
    let mut item = json!({
        "shop_id": "shop",
        "photo_id": "photo",
        "sequencer": "0055AED6DCD90281E5",
        "revision": 3,
        "edition": "0000000003-0123456789abcdef",
        "user_id": "somebody",
        "cause": "event",
        "pipeline": "0.1.0",
        "processed_at": "2026-11-22T03:00:00.000001999Z",
    });
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(item).unwrap()
}

fn ready(sizes: &[u64]) -> Outcome {
    let rendition = |size: &u64| {
        let key = format!("photos/shop/photo/0000000003-0123456789abcdef/r{size}.jpg");
        json!({ "name": format!("r{size}"), "key": key, "width": 1, "height": 1, "bytes": size })
    };
    let source = json!({ "version_id": "v", "etag": "e", "bytes": 1000, "format": "webp", "width": 30, "height": 40 });
    let renditions: Vec<_> = sizes.iter().map(rendition).collect();
    outcome(&json!({ "status": "ready", "thumbhash": "", "renditions": renditions, "source": source }))
}

/// The row of such an outcome: what is different from one to another is given.
fn row(answer: [Field; 3], source: [Field; 4], renditions: [u64; 2]) -> Vec<Field> {
    let [status, reason, detected] = answer;
    let [bytes, format, width, height] = source;
    let [count, together] = renditions;
    vec![
        text("shop"),
        text("photo"),
        status,
        reason,
        detected,
        text("event"),
        integer(3),
        text("0000000003-0123456789abcdef"),
        text("0.1.0"),
        bytes,
        format,
        width,
        height,
        integer(count),
        integer(together),
        time("2026-11-22T03:00:00.000001Z".parse().unwrap()),
        time(watermark()),
    ]
}

#[test]
fn each_outcome_is_a_row() {
    let none = || [Field::Null, Field::Null, Field::Null, Field::Null];
    let outcomes = [
        ready(&[100, 20, 3]),
        outcome(&json!({
            "status": "rejected", "reason": "unsupported_format", "detected": "video/mp4",
            "source": { "version_id": "v", "etag": "e", "bytes": 0 },
        })),
        outcome(&json!({ "status": "removed" })),
    ];
    let expected = [
        row(
            [text("ready"), Field::Null, Field::Null],
            [integer(1000), text("webp"), integer(30), integer(40)],
            [3, 123],
        ),
        row(
            [text("rejected"), text("unsupported_format"), text("video/mp4")],
            [integer(0), Field::Null, Field::Null, Field::Null],
            [0, 0],
        ),
        row([text("removed"), Field::Null, Field::Null], none(), [0, 0]),
    ];
    let file = file_of(&outcomes);
    assert_eq!(schema_of(&file), SCHEMA);
    assert_eq!(rows_of(&file), expected);
}

#[test]
fn every_column_is_in_an_empty_file() {
    let file = file_of::<Outcome>([]);
    assert_eq!((schema_of(&file).as_str(), rows_of(&file)), (SCHEMA, vec![]));
}

#[test]
fn nobody_is_named() {
    let file = file_of(&[ready(&[1])]);
    let named = |bytes: &[u8]| bytes.windows(8).any(|window| window == b"somebody");
    assert!(named(serde_json::to_string(&ready(&[1])).unwrap().as_bytes()), "the item has it");
    assert!(!format!("{:?}", rows_of(&file)).contains("somebody"));
    assert!(!SCHEMA.contains("user"));
}
