//! One message corrected by hand.

use std::fs;

use coffeeshop_core::ports::Attribute;
use insta::assert_snapshot;

use super::bench::{Bench, parked_upload, upload, url};

fn bench() -> Bench {
    let bench = Bench::with_uploads(0, 15);
    bench.world.send_as(&url("uploads-dlq"), Some("m-1"), parked_upload(1), bench.now());
    bench
}

/// The file with this body, and the command that takes it.
fn command(bench: &Bench, body: &str, options: &str) -> String {
    let file = bench.folder.path().join("body");
    fs::write(&file, body).unwrap();
    format!("edit uploads-dlq m-1 --body {}{options}", file.display())
}

#[test]
fn the_difference_is_shown_and_nothing_sent() {
    let bench = bench();
    let arguments = command(&bench, &upload("uploads/cafe/p-1").body, "");
    assert_snapshot!(bench.types(&arguments).transcript(&arguments, &bench));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (0, 16));
    assert!(bench.runs().is_empty());
}

#[test]
fn the_corrected_message_is_replayed_and_the_original_kept() {
    let bench = bench();
    let arguments = command(&bench, &upload("uploads/cafe/p-1").body, " --execute");
    assert_snapshot!(bench.types(&arguments).transcript(&arguments, &bench));
    let [sent] = bench.world.messages(&url("uploads")).try_into().unwrap();
    let run = bench.runs().pop().unwrap();
    let mut expected = upload("uploads/cafe/p-1");
    expected.attributes.insert("replayed".to_owned(), Attribute::text(format!("1/{run}")));
    assert_eq!(sent, expected);
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 15);
    let begun = &bench.journal()[0];
    assert_eq!(begun["original"]["body"].as_str(), Some(parked_upload(1).body.as_str()));
    assert_eq!(begun["original"]["attributes"]["reason"]["StringValue"], "unexpected_key");
}

#[test]
fn a_body_that_the_function_would_not_understand_is_refused() {
    let bench = bench();
    let wrong = upload("uploads/cafe").body;
    let foreign = upload("uploads/cafe/p-1").body.replace("originals", "others");
    let texts = ["{\"Records\":", "", "\u{1}", &wrong, &foreign].map(|body| {
        let arguments = command(&bench, body, " --execute");
        let text = bench.types(&arguments).errors;
        text.replace(bench.folder.path().to_str().unwrap(), "FOLDER")
    });
    assert_snapshot!(texts.join("\n"));
    assert_eq!((bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len()), (0, 16));
}

#[test]
fn an_unchanged_body_is_not_sent() {
    let bench = bench();
    let indented = serde_json::from_str::<serde_json::Value>(&parked_upload(1).body).unwrap();
    let arguments = command(&bench, &serde_json::to_string_pretty(&indented).unwrap(), " --execute");
    let said = bench.types(&arguments);
    assert_eq!((said.status, said.lines.as_str()), (0, "nothing changed, so nothing is sent\n"));
    assert!(bench.runs().is_empty());
}

#[test]
fn a_message_that_is_not_there_is_not_edited() {
    let bench = bench();
    assert_snapshot!(bench.types("edit uploads-dlq m-2").transcript("edit uploads-dlq m-2", &bench));
    assert_eq!(bench.world.visible(&url("uploads-dlq")).len(), 16);
}

/// Killed anywhere, and resumed: the message goes out corrected, and never as it was.
#[test]
fn an_edit_that_is_killed_is_resumed_with_the_new_body() {
    let new = upload("uploads/cafe/p-1").body;
    for after in 0.. {
        let bench = bench();
        let arguments = command(&bench, &new, " --execute --json");
        let ended = bench.types_and_is_killed(&arguments, after).is_some();
        let is_ready = !bench.runs().is_empty() && bench.journal().iter().any(|line| line["event"] == "ready");
        if !ended && is_ready {
            let run = bench.runs().pop().unwrap();
            bench.world.advance(std::time::Duration::from_mins(10));
            let said = bench.types(&format!("resume {run} --json"));
            assert_eq!(said.status, 0, "{said:?}");
        }
        assert!(bench.bodies("uploads").keys().all(|body| *body == new));
        assert_eq!(bench.bodies("uploads").len(), usize::from(is_ready));
        assert_eq!(bench.bodies("uploads-dlq").len(), if is_ready { 15 } else { 16 });
        if ended {
            break;
        }
    }
}
