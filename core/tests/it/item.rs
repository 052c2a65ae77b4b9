//! The item of the `photos` table, attribute by attribute.

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::{Answer, Cause, Outcome, Reason};
use coffeeshop_core::sequencer::Sequencer;
use coffeeshop_core::testing::contract::ready;
use serde_json::json;

#[test]
fn every_attribute_has_its_name() {
    let photo = PhotoKey::from_original("uploads/shop-1/photo-1").unwrap();
    let outcome = ready(&photo, 3);
    let edition = outcome.edition.to_string();
    let expected = json!({
        "shop_id": "shop-1",
        "photo_id": "photo-1",
        "status": "ready",
        "sequencer": "0055AED6DCD90281E500000000000000",
        "revision": 3,
        "user_id": "user-1",
        "edition": edition,
        "cause": "event",
        "pipeline": "contract",
        "source": {
            "version_id": "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "bytes": 2_865_278,
            "format": "jpeg",
            "width": 4032,
            "height": 3024,
        },
        "renditions": [{
            "name": "thumb",
            "key": format!("photos/shop-1/photo-1/{edition}/thumb.jpg"),
            "width": 160,
            "height": 90,
            "bytes": 4321,
        }],
        "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        "processed_at": "2026-10-14T17:46:40.123Z",
    });
    assert_eq!(serde_json::to_value(&outcome).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Outcome>(expected).unwrap(), outcome);
}

#[test]
fn absent_attributes_are_left_out() {
    let photo = PhotoKey::from_original("uploads/shop-1/photo-1").unwrap();
    let answer = Answer::Rejected { reason: Reason::TooManyPixels, detected: None };
    let outcome = Outcome { answer, source: None, user_id: None, ..ready(&photo, 1) };
    let item = serde_json::to_value(&outcome).unwrap();
    assert_eq!(item["status"], "rejected");
    assert_eq!(item["reason"], "too_many_pixels");
    for absent in ["detected", "source", "user_id", "renditions", "thumbhash"] {
        assert!(item.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn every_reason_is_written_as_it_is_called() {
    use Reason::{Corrupt, Empty, TooManyBytes, TooManyPixels, UnsupportedFormat};
    assert_eq!(Reason::ALL, [Empty, TooManyBytes, TooManyPixels, UnsupportedFormat, Corrupt]);
    for reason in Reason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        assert_eq!(reason.to_string().parse(), Ok(reason));
    }
}

#[test]
fn what_is_no_reason_is_told_which_there_are() {
    let error = "Corrupt".parse::<Reason>().unwrap_err().to_string();
    let all = "empty, too_many_bytes, too_many_pixels, unsupported_format, corrupt";
    assert_eq!(error, format!("\"Corrupt\" is not a reason: one of {all}"));
}

#[test]
fn a_photo_may_be_reprocessed_before_any_event() {
    let photo = PhotoKey::from_original("uploads/shop-1/photo-1").unwrap();
    let outcome = Outcome { sequencer: Sequencer::none(), cause: Cause::Reprocess, ..ready(&photo, 1) };
    let item = serde_json::to_value(&outcome).unwrap();
    assert_eq!((&item["sequencer"], &item["cause"]), (&json!(""), &json!("reprocess")));
    assert_eq!(serde_json::from_value::<Outcome>(item.clone()).unwrap(), outcome);
    let mut without = item;
    without.as_object_mut().unwrap().remove("sequencer");
    assert!(serde_json::from_value::<Outcome>(without).is_err(), "an item without one is not ours");
}

#[test]
fn the_examples_in_the_contract_are_outcomes() {
    let contract = include_str!("../../../CONTRACT.md");
    let examples = contract.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let mut statuses = Vec::new();
    for example in examples.filter(|example| example.contains("\"sequencer\"")) {
        let outcome: Outcome = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        let value: serde_json::Value = serde_json::from_str(example).unwrap();
        assert_eq!(serde_json::to_value(&outcome).unwrap(), value, "an attribute is not read");
        assert!(contract.contains(&format!("`{}`", outcome.answer.status())));
        statuses.push(outcome.answer.status());
    }
    assert_eq!(statuses, ["ready", "rejected"]);
}

#[test]
fn the_contract_names_every_reason_and_the_limits() {
    let contract = include_str!("../../../CONTRACT.md");
    for reason in Reason::ALL {
        assert!(contract.contains(&format!("| `{}` |", reason.as_str())), "{reason:?}");
    }
    assert_eq!((coffeeshop_core::SOURCE_BYTES_MAX, coffeeshop_core::SOURCE_PIXELS_MAX), (52_428_800, 100_000_000));
    assert!(contract.contains("52,428,800 bytes") && contract.contains("100 million"));
}
