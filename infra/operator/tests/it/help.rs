//! The help text of every command.

use coffeeshop_operator::cli::Typed;

#[track_caller]
fn check(name: &str, arguments: &[&str]) {
    let help = Typed::parse(["coffeeshop"].iter().chain(arguments).chain(&["--help"])).unwrap_err();
    assert_eq!(help.exit_code(), 0);
    insta::assert_snapshot!(format!("help_{name}"), help);
}

#[test]
fn of_the_program() {
    check("coffeeshop", &[]);
}

#[test]
fn of_scores() {
    check("scores", &["scores"]);
}

#[test]
fn of_top() {
    check("top", &["scores", "top"]);
}

#[test]
fn of_show() {
    check("show", &["scores", "show"]);
}

#[test]
fn of_verify() {
    check("verify", &["scores", "verify"]);
}

#[test]
fn of_rebuild() {
    check("rebuild", &["scores", "rebuild"]);
}

#[test]
fn of_export() {
    check("export", &["scores", "export"]);
}

#[test]
fn of_dlq() {
    check("dlq", &["dlq"]);
}

#[test]
fn of_photos() {
    check("photos", &["photos"]);
    for verb in ["show", "list", "reprocess", "resume"] {
        check(&format!("photos_{verb}"), &["photos", verb]);
    }
}

#[test]
fn of_every_verb_of_dlq() {
    for verb in ["list", "peek", "groups", "replay", "resume", "edit", "archive", "discard"] {
        check(&format!("dlq_{verb}"), &["dlq", verb]);
    }
}
