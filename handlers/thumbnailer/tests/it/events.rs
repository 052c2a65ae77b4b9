//! Every event fixture: what each record of each message is taken for, and that a batch of it is worked on to its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aws_lambda_events::sqs::SqsEvent;
use coffeeshop_core::photo::Request;
use coffeeshop_core::ports::{Clock, ParkReason};
use coffeeshop_core::testing::World;
use coffeeshop_thumbnailer::batch;
use coffeeshop_thumbnailer::envelope::{Inbound, check, parse};
use futures::executor::block_on;

use crate::support::{Copier, TIMEOUT, deps};

const BUCKET: &str = "coffeeshop-originals-000000000000-eu-central-1";

fn events() -> BTreeMap<String, SqsEvent> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/events/uploads");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| {
        let event = serde_json::from_slice(&fs::read(path).unwrap());
        event.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.map(|path| (name(&path), read(&path))).collect()
}

#[test]
fn every_record_is_taken_for_what_it_is() {
    let mut lines = String::new();
    for (name, event) in events() {
        writeln!(lines, "{name}").unwrap();
        for message in event.records {
            let message = parse(message, BUCKET).unwrap();
            writeln!(lines, "  message, receive {}", message.receive_count).unwrap();
            for record in message.records {
                writeln!(lines, "    {}", line(&record)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(lines);
}

fn line(record: &Inbound) -> String {
    match record {
        Inbound::Photo { request: Request::Changed(event), sent_at } => {
            format!("look at {} {}, said {sent_at}", event.photo, event.sequencer)
        }
        Inbound::Photo { request: Request::Reprocess(photo), .. } => format!("reprocess {photo}"),
        Inbound::Ignored(why) => format!("ignored: {why}"),
        Inbound::Unusable { reason: ParkReason { code, error }, .. } => format!("parked as {code}: {error}"),
    }
}

#[test]
fn a_request_is_refused_as_it_was_sent() {
    let events = events();
    for name in ["reprocess-bad-key", "reprocess-and-more", "reprocess-and-records"] {
        for message in &events[name].records {
            let [record] = parse(message.clone(), BUCKET).unwrap().records.try_into().unwrap();
            let Inbound::Unusable { body, reason } = record else { panic!("{name}: {record:?}") };
            assert_eq!((Some(body), reason.code), (message.body.clone(), "bad_reprocess"), "{name}");
        }
    }
    let request = events["reprocess"].records[0].body.as_deref().unwrap();
    assert_eq!(check(request, BUCKET), Ok(()));
}

#[test]
fn no_fixture_comes_again() {
    for (name, event) in events() {
        let world = World::default();
        let renderer = Copier::default();
        let deps = deps(&world, &renderer);
        let deadline = u64::try_from((world.now() + TIMEOUT).as_millisecond()).unwrap();
        let response = block_on(batch::handle(&deps, event, deadline)).unwrap();
        assert_eq!(response.batch_item_failures.len(), 0, "{name}");
    }
}

#[test]
fn what_is_parked_can_be_replayed_and_is_parked_again_with_the_same_reason() {
    let mut parked = 0;
    for (name, event) in events() {
        for message in event.records {
            for record in parse(message, BUCKET).unwrap().records {
                let Inbound::Unusable { body, reason } = record else { continue };
                assert_eq!(check(&body, BUCKET), Err(reason.clone()), "{name}");
                let again = serde_json::json!({ "Records": [{ "messageId": "m", "receiptHandle": "r" }] });
                let mut again: SqsEvent = serde_json::from_value(again).unwrap();
                again.records[0].body = Some(body.clone());
                let records = parse(again.records.remove(0), BUCKET).unwrap().records;
                assert_eq!(records, [Inbound::Unusable { body, reason }], "{name}");
                parked += 1;
            }
        }
    }
    assert!(parked > 10, "{parked}");
}
