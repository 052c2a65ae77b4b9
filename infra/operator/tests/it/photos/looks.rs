//! What is seen of photos: all of them, some of them, one.

use coffeeshop_core::edition::Edition;
use coffeeshop_core::keys::RenditionKey;
use coffeeshop_core::outcome::{Answer, Cause, Outcome, Reason};
use coffeeshop_core::sequencer::Sequencer;
use coffeeshop_core::testing::contract;
use jiff::SignedDuration;

use super::bench::{Bench, photo, pressed_after, rejected};

#[track_caller]
fn check(name: &str, bench: &Bench, commands: &[&str]) {
    let said = commands.iter().map(|command| bench.types(command).transcript(command, bench));
    insta::assert_snapshot!(name, said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn photos_are_listed() {
    let bench = Bench::with_every_kind();
    check("photos_are_listed", &bench, &["list", "list --shop kaffee --json", "list --shop nobody"]);
}

#[test]
fn each_filter_takes_its_own() {
    let bench = Bench::with_every_kind();
    bench.answered_as("tee/p-3", rejected(Reason::Empty), "of long ago");
    for (arguments, expected) in [
        ("", "kaffee/p-1 kaffee/p-2 kaffee/p-3 kaffee/p-4 tee/p-1 tee/p-2 tee/p-3 kaffee/p-5 tee/p-9"),
        ("--shop tee", "tee/p-1 tee/p-2 tee/p-3 tee/p-9"),
        ("--status ready", "kaffee/p-1 tee/p-2"),
        ("--status rejected", "kaffee/p-2 kaffee/p-3 tee/p-1 tee/p-3"),
        ("--status removed", "kaffee/p-4"),
        ("--status none", "kaffee/p-5 tee/p-9"),
        ("--status none --shop kaffee", "kaffee/p-5"),
        ("--reason corrupt", "kaffee/p-2 tee/p-1"),
        ("--status rejected --reason corrupt --shop tee", "tee/p-1"),
        ("--reason too_many_bytes", ""),
        ("--pipeline-before photo/2", "kaffee/p-1 kaffee/p-2 kaffee/p-4 tee/p-2 tee/p-3"),
        ("--pipeline-before photo/11 --reason corrupt", "kaffee/p-2 tee/p-1"),
        ("--pipeline-before photo/10 --reason corrupt", "kaffee/p-2"),
    ] {
        let said = bench.types(&format!("list --json {arguments}"));
        assert_eq!((said.photos("photo").join(" ").as_str(), said.status), (expected, 0), "{arguments}: {said:?}");
        let is_unknown = arguments.contains("--pipeline-before photo/2");
        let words = "tee/p-3 is taken for older: `of long ago` is no version of the code\n";
        assert_eq!(said.errors, if is_unknown { words } else { "" }, "{arguments}");
    }
}

/// Pages have three photos, or objects.
#[test]
fn pages_are_read_to_the_end() {
    for photos in 0..14 {
        let bench = Bench::new();
        for i in 0..photos {
            bench.answered(&format!("shop-{}/p-{i:02}", i % 2));
            bench.upload(&format!("shop-{}/q-{i:02}", i % 2), 1);
        }
        let said = bench.types("list --json");
        assert_eq!((said.summary()["ready"].as_u64(), said.summary()["none"].as_u64()), (Some(photos), Some(photos)));
        assert_eq!(said.photos("photo").len() as u64, 2 * photos);
        let said = bench.types("list --json --shop shop-1 --status none");
        assert_eq!(said.summary()["none"].as_u64(), Some(photos / 2));
    }
}

#[test]
fn what_is_no_photo_or_no_outcome_holds_up_nobody() {
    let bench = Bench::with_every_kind();
    bench.photos.spoil(&photo("kaffee/p-2"));
    bench.upload("tee/spoilt", 1);
    bench.photos.spoil(&photo("tee/spoilt"));
    for key in ["uploads/", "uploads/stray", "uploads/kaffee/a.jpg", "uploads/kaffee/a/b"] {
        bench.buckets.put("originals", key, "");
    }
    check("what_is_no_photo_or_no_outcome_holds_up_nobody", &bench, &["list", "list --status none --json"]);
}

#[test]
fn a_photo_is_shown() {
    let bench = Bench::with_every_kind();
    let outcome = bench.photos.stored(&photo("kaffee/p-1")).unwrap();
    let left = RenditionKey {
        edition: Edition::new(outcome.revision, "another", "photo/1", &"thumb=1:fit".parse().unwrap()),
        ..contract::ready(&photo("kaffee/p-1"), 1).renditions().remove(0)
    };
    bench.put_rendition(&left);
    check(
        "a_photo_is_shown",
        &bench,
        &["show kaffee p-1", "show kaffee p-1 --json", "show kaffee p-3", "show kaffee p-4"],
    );
}

/// Of an outcome of the contract.
trait Renditions {
    fn renditions(self) -> Vec<RenditionKey>;
}

impl Renditions for Outcome {
    fn renditions(self) -> Vec<RenditionKey> {
        let Answer::Ready { renditions, .. } = self.answer else { panic!("not ready") };
        renditions.into_iter().map(|rendition| rendition.key).collect()
    }
}

#[test]
fn what_is_not_as_the_outcome_says_is_shown() {
    let bench = Bench::with_every_kind();
    for key in bench.photos.stored(&photo("kaffee/p-1")).unwrap().renditions() {
        bench.buckets.remove("renditions", &key.to_string());
    }
    bench.photos.advance(SignedDuration::from_secs(90));
    bench.upload("tee/p-2", 77);
    bench.photos.remove(&photo("kaffee/p-3"));
    bench.photos.spoil(&photo("kaffee/p-2"));
    let commands = [
        "show kaffee p-1",
        "show tee p-2",
        "show tee p-2 --json",
        "show kaffee p-3",
        "show kaffee p-5",
        "show kaffee p-5 --json",
        "show kaffee p-2",
        "show kaffee nobody",
    ];
    check("what_is_not_as_the_outcome_says_is_shown", &bench, &commands);
}

#[test]
fn a_photo_that_was_made_anew_before_any_event_is_shown() {
    let bench = Bench::new();
    let version_id = bench.upload("kaffee/p-1", 5);
    let mut outcome = contract::ready(&photo("kaffee/p-1"), 1);
    (outcome.sequencer, outcome.cause, outcome.user_id) = (Sequencer::none(), Cause::Reprocess, None);
    outcome.source.as_mut().unwrap().version_id = version_id;
    bench.put(&outcome);
    check("a_photo_that_was_made_anew_before_any_event_is_shown", &bench, &["show kaffee p-1"]);
}

/// What is there and what the outcome says are of one moment.
#[test]
fn a_photo_that_is_answered_while_it_is_read_is_read_again() {
    for at in 0..6 {
        let bench = Bench::new();
        bench.answered("kaffee/p-1");
        let (said, _) = bench.types_while("show kaffee p-1 --json", |times| {
            if times == at {
                let before = bench.photos.stored(&photo("kaffee/p-1")).unwrap();
                let answer = contract::ready(&photo("kaffee/p-1"), 2).answer;
                bench.put(&Outcome { answer, revision: before.revision.next(), ..before.clone() });
                for key in before.renditions() {
                    bench.buckets.remove("renditions", &key.to_string());
                }
            }
        });
        let missing = said.objects().into_iter().filter(|object| object["is_there"] == false).count();
        assert_eq!((missing, said.status), (0, 0), "{at}: {said:?}");
    }
}

#[test]
fn ctrl_c_ends_a_list() {
    for times in 1..8 {
        let said = Bench::with_every_kind().types_until("list", pressed_after(times));
        assert_eq!(said.status, 130, "{said:?}");
        assert!(said.errors.ends_with("error: stopped\n"), "{said:?}");
    }
}
