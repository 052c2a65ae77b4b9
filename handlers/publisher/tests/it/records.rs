//! What each record says, one line each; and what is not a record of these streams.

use serde_json::{Value, json};

use crate::topic::{Topic, invoke};
use crate::writer::{Writer, Written};

/// What happened, and the events that were published of it, with their attributes.
fn line(written: &Written) -> String {
    let topic = Topic::default();
    assert_eq!(invoke(&topic, std::slice::from_ref(&written.record)).unwrap(), None);
    let stream = written.record["eventSourceARN"].as_str().unwrap();
    let table = stream.split('/').nth(1).unwrap();
    let mut line = format!("{table} {}:", written.record["eventName"].as_str().unwrap());
    for event in topic.published() {
        let attributes: Vec<_> = event.attributes().iter().map(|(name, value)| format!("{name}={value}")).collect();
        line.extend([format!(" {} at {}, {}", event.id, event.time, attributes.join(" "))]);
    }
    line
}

#[test]
fn every_record_says_what_it_says() {
    let mut writer = Writer::default();
    let mut written = vec![
        writer.photo("p1", "ready"),
        writer.photo("p1", "ready"),
        writer.photo("p1", "rejected"),
        writer.photo("p1", "removed"),
        writer.photo("p1", "removed"),
        writer.photo("p1", "ready"),
        writer.photo("p2", "removed"),
        writer.score("s1", "all", 1),
        writer.score("s1", "all", 0),
        writer.touch_score("s1", "all", 0),
        writer.board("global", &["a"]),
        writer.board("global", &["a"]),
        writer.board("St. Gallen", &["a", "b"]),
    ];
    for n in [6, 9, 12] {
        let removed = writer.remove(&written[n]);
        written.push(removed);
    }
    written.push(writer.export_board("global", &["a"]));
    written.extend([writer.lease("boards"), writer.lease("boards")]);
    written.extend(written.last().cloned().map(|lease| writer.remove(&lease)));
    let lines: Vec<_> = written.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_old_image_that_cannot_be_understood_is_none() {
    let mut writer = Writer::default();
    let first = writer.photo("p1", "removed");
    let silent = writer.photo("p1", "removed");
    assert_eq!((first.says.is_some(), line(&silent).ends_with(':')), (true, true));
    let mut after_garbage = silent.clone();
    after_garbage.record["dynamodb"]["OldImage"]["status"] = json!({ "S": "lost" });
    assert!(line(&after_garbage).contains("photo.removed.v1"));
}

#[test]
fn a_lease_is_known_by_its_key_alone() {
    let says = |table: &str, image: Value| {
        let mut record = Writer::default().lease("boards").record;
        record["eventSourceARN"] = format!("arn:aws:dynamodb:eu-central-1:1:table/stack-{table}/stream/2026").into();
        record["dynamodb"]["NewImage"] = image;
        let topic = Topic::default();
        invoke(&topic, &[record]).map(|back| (back, topic.calls())).map_err(|error| error.to_string())
    };
    let board = Writer::default().board("global", &["a"]).record["dynamodb"]["NewImage"].clone();
    for image in [json!({ "owner": { "N": "7" } }), json!({ "some": { "S": "day more" } }), board.clone()] {
        assert_eq!(says("boards", image), Ok((None, 0)));
    }
    let lease = Writer::default().lease("boards").record["dynamodb"]["NewImage"].clone();
    for table in ["photos", "scores"] {
        assert!(says(table, lease.clone()).unwrap_err().contains("cannot be understood"), "{table} has no leases");
    }
    assert!(says("boards", json!({})).unwrap_err().contains("must be NEW_AND_OLD_IMAGES"), "a stream without images");
    // And nothing but the key makes an item one.
    let mut board_of_a_lease = Writer::default().board("global", &["a"]).record;
    board_of_a_lease["dynamodb"]["NewImage"] = lease;
    assert!(invoke(&Topic::default(), &[board_of_a_lease]).unwrap_err().to_string().contains("cannot be understood"));
}

#[test]
fn leases_among_boards_hold_up_none_of_them() {
    let mut writer = Writer::default();
    let batch = vec![
        writer.lease("boards"),
        writer.board("global", &["a"]),
        writer.lease("scores"),
        writer.board("global", &["b"]),
        writer.export_board("global", &["b"]),
        writer.lease("boards"),
    ];
    let topic = Topic::default();
    assert_eq!(invoke(&topic, &crate::writer::records(&batch)).unwrap(), None);
    assert_eq!(topic.ids(), ["board/global/all/3", "board/global/all/6"]);
}

/// `spoil` makes a good record, the second of a photo, one that fails the batch with this error.
#[track_caller]
fn check(spoil: impl Fn(&mut Value), expected: &str) {
    let mut writer = Writer::default();
    let mut records = [writer.photo("p1", "ready"), writer.photo("p1", "rejected")].map(|written| written.record);
    spoil(&mut records[1]);
    let topic = Topic::default();
    let error = invoke(&topic, &records).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert_eq!(topic.calls(), 0, "nothing of the batch is published");
}

#[test]
fn what_cannot_be_read_fails_the_batch() {
    fn cut(record: &mut Value, attribute: &str) {
        record["dynamodb"].as_object_mut().unwrap().remove(attribute);
    }
    let cannot_be_understood = "the new image of record 100000000000000000002 of arn:";
    check(|record| record["dynamodb"]["NewImage"]["status"] = json!({ "S": "lost" }), cannot_be_understood);
    check(|record| record["dynamodb"]["NewImage"]["revision"] = json!({ "S": "2" }), cannot_be_understood);
    check(|record| cut(record, "NewImage"), "must be NEW_AND_OLD_IMAGES");
    check(|record| cut(record, "OldImage"), "must be NEW_AND_OLD_IMAGES");
    check(|record| cut(record, "SequenceNumber"), "no sequence number");
    check(|record| record["dynamodb"]["SequenceNumber"] = "".into(), "no sequence number");
    check(|record| record["eventName"] = "UPSERT".into(), "the event \"UPSERT\"");
    check(|record| *record = json!({ "Message": "hello" }), "not one of a DynamoDB stream");
    let unknown = "announced are only photos, scores and boards";
    for arn in [
        "arn:aws:dynamodb:eu-central-1:000000000000:table/stack-ratings/stream/2026-11-21T10:00:00.000",
        "arn:aws:dynamodb:eu-central-1:000000000000:table/photos/stream/2026-11-21T10:00:00.000",
        "arn:aws:dynamodb:eu-central-1:000000000000:table/stack-photos",
        "stack-photos",
        "",
    ] {
        check(|record| record["eventSourceARN"] = arn.into(), unknown);
    }
    check(
        |record| record["eventSourceARN"] = "arn:aws:dynamodb:x:1:table/stack-scores/stream/2".into(),
        "cannot be understood",
    );
}
