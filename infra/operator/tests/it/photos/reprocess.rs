//! Photos sent to be made anew: which, how often, how fast.

use std::collections::BTreeMap;

use coffeeshop_core::outcome::{Answer, Reason};
use coffeeshop_core::ports::Clock as _;

use super::bench::{Bench, photo, rejected};

fn once(photos: &[&str]) -> BTreeMap<String, usize> {
    photos.iter().map(|photo| ((*photo).to_owned(), 1)).collect()
}

#[test]
fn a_dry_run_only_says_what_would_be_done() {
    let bench = Bench::with_every_kind();
    let mut text = String::new();
    for arguments in [
        "reprocess --rate 2/s --dry-run",
        "reprocess --rate 2/s --dry-run --reason corrupt --pipeline-before photo/2 --max 7",
        "reprocess --rate 2/s --dry-run --status removed --json",
        "reprocess --rate 2/s --dry-run --shop nobody",
    ] {
        text.push_str(&bench.types(arguments).transcript(arguments, &bench));
        text.push('\n');
    }
    insta::assert_snapshot!(text);
    assert!(bench.asked().is_empty() && bench.runs().is_empty());
}

#[test]
fn of_many_a_dry_run_shows_some() {
    let bench = Bench::new();
    for i in 0..25 {
        bench.upload(&format!("kaffee/p-{i:02}"), 1);
    }
    let lines = bench.types("reprocess --rate 2/s --dry-run").lines;
    assert!(lines.contains("kaffee/p-19 ") && !lines.contains("kaffee/p-20"), "{lines}");
    assert!(lines.contains("and 5 more\n\n25 photos would be sent, in about 13s: 25 without an outcome\n"), "{lines}");
}

#[test]
fn everything_is_asked_for_once() {
    let bench = Bench::with_every_kind();
    let arguments = "reprocess --rate 50/s";
    let said = bench.types(arguments);
    insta::assert_snapshot!(said.transcript(arguments, &bench));
    let all = ["kaffee/p-1", "kaffee/p-2", "kaffee/p-3", "kaffee/p-4", "kaffee/p-5", "tee/p-1", "tee/p-2", "tee/p-9"];
    assert_eq!(bench.asked(), once(&all));
}

#[test]
fn the_journal_is_always_ahead() {
    let bench = Bench::with_every_kind();
    bench.types("reprocess --rate 3/s --status rejected --max 2");
    let lines = bench.journal().into_iter().map(|mut line| {
        let object = line.as_object_mut().unwrap();
        object.shift_remove("at").unwrap();
        object.entry("run").and_modify(|run| *run = "RUN".into());
        line.to_string()
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn only_what_is_meant_is_asked_for() {
    for (arguments, expected) in [
        ("--status none", ["kaffee/p-5", "tee/p-9"].as_slice()),
        ("--reason corrupt --pipeline-before photo/2", &["kaffee/p-2"]),
        ("--status rejected --shop kaffee", &["kaffee/p-2", "kaffee/p-3"]),
        ("--max 1", &["kaffee/p-1"]),
        ("--max 7", &["kaffee/p-1", "kaffee/p-2", "kaffee/p-3", "kaffee/p-4", "kaffee/p-5", "tee/p-1", "tee/p-2"]),
        ("--shop nobody", &[]),
    ] {
        let bench = Bench::with_every_kind();
        let said = bench.types(&format!("reprocess --rate 10/s {arguments}"));
        assert_eq!((bench.asked(), said.status), (once(expected), 0), "{arguments}");
    }
}

#[test]
fn no_more_are_sent_than_the_rate_lets_through() {
    for (rate, photos, least, most) in
        [(1, 5, 4, 5), (7, 35, 4, 5), (10, 60, 5, 6), (50, 500, 9, 10), (400, 2000, 4, 5)]
    {
        let bench = Bench::new();
        for i in 0..photos {
            bench.upload(&format!("kaffee/p-{i:04}"), 1);
        }
        let begun = bench.world.now();
        let said = bench.types(&format!("reprocess --rate {rate}/s"));
        let seconds = bench.world.now().duration_since(begun).as_secs();
        assert!((least..=most).contains(&seconds), "{rate}/s: {photos} in {seconds} s");
        assert_eq!((said.status, bench.asked().len()), (0, photos));
    }
}

/// Whenever it happens: the plan is whole before the first is sent, and an answer makes no photo of it come twice.
#[test]
fn what_it_brings_about_is_not_asked_for_again() {
    let keys = ["kaffee/p-1", "kaffee/p-2", "kaffee/p-3", "kaffee/p-4", "kaffee/p-5", "tee/p-1", "tee/p-2", "tee/p-9"];
    let (_, suspensions) = Bench::with_every_kind().types_while("reprocess --rate 2/s", |_| ());
    for at in 0..suspensions {
        let bench = Bench::with_every_kind();
        let (said, _) = bench.types_while("reprocess --rate 2/s --json", |times| {
            if times == at {
                for key in keys {
                    bench.answers_again(key);
                }
                bench.upload("zzz/later", 1);
                bench.upload("kaffee/p-1", 7);
            }
        });
        assert_eq!(said.status, 0, "{said:?}");
        let mut asked = bench.asked();
        // It came while originals were listed.
        asked.remove("zzz/later");
        // What was answered between the two lists is on neither, and need not be made anew.
        let unanswered = ["kaffee/p-5", "tee/p-9"];
        assert!(keys.iter().all(|key| asked.contains_key(*key) || unanswered.contains(key)), "{at}: {asked:?}");
        assert!(asked.values().all(|times| *times == 1) && asked.len() <= keys.len(), "{at}: {asked:?}");
    }
}

#[test]
fn an_outcome_that_cannot_be_understood_is_named_and_left_alone() {
    let bench = Bench::with_every_kind();
    bench.photos.spoil(&photo("kaffee/p-2"));
    let said = bench.types("reprocess --rate 50/s --json");
    assert_eq!(
        (said.status, said.summary()["unreadable"].as_u64(), said.summary()["sent"].as_u64()),
        (3, Some(1), Some(7))
    );
    assert!(!bench.asked().contains_key("kaffee/p-2"));
    let run = bench.runs().pop().unwrap();
    assert_eq!(bench.types(&format!("resume {run}")).status, 3, "it is remembered");
}

#[test]
fn a_status_that_nobody_has_is_no_error() {
    let bench = Bench::new();
    bench.answered_as("kaffee/p-1", rejected(Reason::Corrupt), "photo/1");
    let said = bench.types("reprocess --rate 1/s --status removed");
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.lines.starts_with("0 of 0 photos sent"), "{said:?}");
    bench.answered_as("kaffee/p-2", Answer::Removed, "photo/1");
    assert_eq!(bench.types("reprocess --rate 1/s --status removed --json").summary()["sent"], 1);
}
