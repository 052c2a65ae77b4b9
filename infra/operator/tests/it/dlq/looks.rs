//! `list`, `peek`, `groups` and `archive`: what is seen, and that everything stays.

use std::cell::Cell;
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use coffeeshop_core::ports::{Attribute, AttributeValue, Content};
use coffeeshop_core::testing::{Fault, suspend_once};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use insta::assert_snapshot;

use super::bench::{Bench, parked_upload, upload, url};

/// Uploads that were parked and given up, some of them before, and an event that could not be delivered.
fn bench() -> Bench {
    let bench = Bench::new();
    let put = |place: &str, id: &str, content, age| {
        bench.world.send_as(&url(place), Some(id), content, bench.ago(age));
    };
    put("uploads-dlq", "u-1", parked_upload(1), 3000);
    put("uploads-dlq", "u-2", parked_upload(2), 200);
    let mut again = upload("uploads/kaffeehaus-7/p-1");
    again.attributes.insert("replayed".to_owned(), Attribute::text("2/20261120T080000Z-uploads-dlq-00ff"));
    put("uploads-dlq", "u-3", again, 86_400);
    let binary = Attribute { data_type: "Binary".to_owned(), value: AttributeValue::Binary(b"\xff".as_slice().into()) };
    let odd = Content {
        body: "\u{feff}not\tJSON ☕".to_owned(),
        attributes: [("b".to_owned(), binary)].into(),
        trace_header: None,
    };
    put("uploads-dlq", "u-4", odd, 10);
    let event = r#"{"specversion":"1.0","id":"photo/a/b/1","type":"coffeeshop.photo.ready.v1","data":{"shop_id":"a"}}"#;
    put("notifications-subscription-dlq", "s-1", Content { body: event.to_owned(), ..Content::default() }, 1_100_000);
    bench
}

fn transcripts(bench: &Bench, commands: &[&str]) -> String {
    let texts: Vec<_> = commands.iter().map(|command| bench.types(command).transcript(command, bench)).collect();
    texts.join("\n")
}

#[track_caller]
fn check_everything_stays(bench: &Bench) {
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 4);
    assert_eq!(bench.world.visible(&url("notifications-subscription-dlq")).len(), 1);
}

#[test]
fn places_are_listed() {
    let bench = bench();
    assert_snapshot!(transcripts(&bench, &["list", "list --json"]));
    check_everything_stays(&bench);
}

#[test]
fn an_age_is_marked_when_it_is_of_a_sample() {
    let bench = Bench::with_uploads(0, 230);
    assert_snapshot!(transcripts(&bench, &["list"]));
    let list = bench.types("list --json").objects();
    let place = list.iter().find(|place| place["place"] == "uploads-dlq").unwrap();
    assert_eq!(
        (&place["messages"], &place["sample_messages"], &place["sample_is_all"]),
        (&230.into(), &100.into(), &false.into())
    );
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 230);
}

#[test]
fn messages_are_shown_and_stay() {
    let bench = bench();
    assert_snapshot!(transcripts(&bench, &["peek uploads-dlq", "peek uploads-dlq --json", "peek notifications-dlq"]));
    check_everything_stays(&bench);
    let one = bench.types("peek uploads-dlq --limit 1 --json");
    assert_eq!(one.objects().len(), 1);
}

#[test]
fn failures_are_grouped() {
    let bench = bench();
    assert_snapshot!(transcripts(
        &bench,
        &["groups uploads-dlq", "groups uploads-dlq --json", "groups notifications-dlq"]
    ));
    check_everything_stays(&bench);
}

#[test]
fn what_others_hold_is_said() {
    let bench = bench();
    let killed = (0..10).find(|after| {
        assert!(bench.types_and_is_killed("groups uploads-dlq", *after).is_none(), "it is through");
        bench.world.visible(&url("uploads-dlq")).is_empty()
    });
    assert!(killed.is_some(), "it held them all");
    assert_snapshot!(transcripts(&bench, &["groups uploads-dlq", "list"]));
    bench.world.advance(Duration::from_mins(10));
    assert_eq!(bench.types("groups uploads-dlq --json").objects().len(), 3);
}

#[test]
fn messages_are_archived_and_stay() {
    let bench = bench();
    let file = bench.folder.path().join("archive.jsonl");
    let arguments = format!("archive uploads-dlq --to {}", file.display());
    let first = bench.types(&arguments).transcript(&arguments, &bench);
    let text = fs::read_to_string(&file).unwrap();
    // Nothing is overwritten, and nothing but whole archives is left behind.
    let second = bench.types(&arguments).transcript(&arguments, &bench);
    assert_snapshot!([first, second].join("\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_snapshot!("archive", text);
    check_everything_stays(&bench);
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 1);

    let said = bench.types("archive uploads-dlq --to s3://kept/dlq.jsonl --shop kaffeehaus-7 --json");
    assert_eq!((said.status, said.summary()["messages"].as_u64()), (0, Some(1)), "{said:?}");
    let object = bench.buckets.read("kept", "dlq.jsonl").unwrap();
    assert_eq!(object, text.lines().find(|line| line.contains("u-3")).unwrap().to_owned() + "\n");
    let again = bench.types("archive uploads-dlq --to s3://kept/dlq.jsonl");
    assert!(again.status == 1 && again.errors.contains("is there already"), "{again:?}");
}

#[test]
fn an_archive_that_fails_leaves_none() {
    let bench = Bench::with_uploads(0, 30);
    let file = bench.folder.path().join("archive.jsonl");
    bench.world.fail(3, Fault::Before);
    let said = bench.types(&format!("archive uploads-dlq --to {}", file.display()));
    assert_eq!(said.status, 1, "{said:?}");
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 30);
}

#[test]
fn messages_are_discarded_when_they_are_archived() {
    let bench = bench();
    let dry = transcripts(&bench, &["discard uploads-dlq --shop kaffeehaus-7"]);
    check_everything_stays(&bench);
    let done = transcripts(&bench, &["discard uploads-dlq --shop kaffeehaus-7 --execute"]);
    let archive = fs::read_dir(bench.journals()).unwrap().map(|file| file.unwrap().path());
    let archive = archive.into_iter().find(|path| path.to_str().unwrap().ends_with(".archive.jsonl")).unwrap();
    assert_snapshot!([dry, done].join("\n"));
    let kept = fs::read_to_string(archive).unwrap();
    assert!(kept.lines().count() == 1 && kept.contains("u-3"), "{kept}");
    assert_eq!(bench.world.messages(&url("uploads-dlq")).len(), 3);
    assert_eq!(bench.bodies("uploads").len(), 0);
}

/// Killed anywhere, a discard deletes nothing that is not in the archive, and is resumed.
#[test]
fn a_discard_that_is_killed_has_archived_what_it_deleted() {
    for pace in 0.. {
        let bench = Bench::with_uploads(2, 15);
        let archive = bench.folder.path().join("kept.jsonl");
        let arguments = format!("discard uploads-dlq --to {} --execute --json", archive.display());
        let ended = bench.types_and_is_killed(&arguments, pace);
        let left = bench.world.messages(&url("uploads-dlq")).len();
        let kept = fs::read_to_string(&archive).map_or(0, |text| text.lines().count());
        assert!(left == 17 || kept == 17, "{left} are left, {kept} are kept");
        if ended.is_some() {
            assert_eq!((left, kept), (0, 17));
            break;
        }
        if let Some(run) = bench.runs().pop()
            && bench.journal().iter().any(|line| line["event"] == "ready")
        {
            bench.world.advance(Duration::from_mins(10));
            let said = bench.types(&format!("resume {run} --json"));
            assert_eq!((said.status, bench.bodies("uploads-dlq").len()), (0, 0), "{said:?}");
        }
    }
}

type Presses<'a> = Box<dyn Fn() -> LocalBoxFuture<'a, ()> + 'a>;

/// Presses Ctrl-C once, when the command has received something.
fn pressed_early(bench: &Bench) -> Presses<'_> {
    let pressed = Rc::new(Cell::new(false));
    Box::new(move || {
        let pressed = pressed.clone();
        let press = async move {
            let place = url("uploads-dlq");
            while pressed.get() || bench.world.visible(&place).len() == bench.world.messages(&place).len() {
                suspend_once().await;
            }
            pressed.set(true);
        };
        press.boxed_local()
    })
}

#[test]
fn ctrl_c_is_never_taken_for_an_answer() {
    for command in [
        "peek uploads-dlq --limit 1000",
        "groups uploads-dlq",
        "list",
        "replay uploads-dlq",
        "discard uploads-dlq",
        "edit uploads-dlq nobody",
    ] {
        let bench = Bench::with_uploads(0, 500);
        let said = bench.types_until(command, pressed_early(&bench));
        assert_eq!(said.status, 130, "{command}: {said:?}");
        assert!(!said.lines.contains("would be"), "{command}: {said:?}");
        assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 500, "{command}");
    }
}

#[test]
fn ctrl_c_leaves_no_half_archive_and_no_plan() {
    let bench = Bench::with_uploads(0, 500);
    let file = bench.folder.path().join("archive.jsonl");
    let archive = format!("archive uploads-dlq --to {}", file.display());
    assert_eq!(bench.types_until(&archive, pressed_early(&bench)).status, 130);
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);

    let bench = Bench::with_uploads(0, 500);
    let said = bench.types_until("replay uploads-dlq --execute", pressed_early(&bench));
    assert_eq!((said.status, bench.bodies("uploads").len()), (130, 0), "{said:?}");
    assert!(!said.errors.contains("To go on"), "{said:?}");
    let events: Vec<_> = bench.journal().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    assert!(events.last().unwrap() == "stopped" && !events.contains(&"ready".to_owned()), "{events:?}");
}

#[test]
fn what_cannot_be_given_back_is_said() {
    for command in
        ["groups uploads-dlq", "peek uploads-dlq", "replay uploads-dlq", "archive uploads-dlq --to s3://kept/a"]
    {
        let bench = Bench::with_uploads(0, 5);
        bench.world.fail_entries("queues.give_back", &[1, 3], Fault::Before);
        let said = bench.types(command);
        assert_eq!(said.status, 3, "{command}: {said:?}");
        assert!(said.errors.contains("2 messages could not be given back"), "{command}: {said:?}");
    }
    let bench = Bench::with_uploads(3, 1);
    let group = bench.types("groups uploads-dlq --json").objects().pop().unwrap();
    // The first is of the plan's sweep.
    bench.world.fail_entries("queues.give_back", &[], Fault::Before);
    bench.world.fail_entries("queues.give_back", &[0], Fault::Before);
    let said =
        bench.types(&format!("replay uploads-dlq --group {} --execute --json", group["group"].as_str().unwrap()));
    assert_eq!((said.status, said.summary()["hidden"].as_u64()), (3, Some(1)), "{said:?}");
}

/// Why is said of each.
#[test]
fn what_could_not_be_deleted_is_listed_with_its_reason() {
    let bench = Bench::with_uploads(0, 5);
    for _ in 0..2 {
        bench.world.fail_entries("queues.delete", &[0, 1, 2, 3, 4], Fault::Before);
    }
    let said = bench.types("discard uploads-dlq --execute --json");
    let failed: Vec<_> = said.objects().into_iter().filter(|object| object["kind"] == "failed").collect();
    assert_eq!((said.status, failed.len()), (3, 5), "{said:?}");
    assert_eq!(failed[0]["why"], "not deleted: queues.delete failed: injected: the entry is refused");
    assert_eq!((said.summary()["not_begun"].as_u64(), said.summary()["done"].as_u64()), (Some(5), Some(0)));
}
