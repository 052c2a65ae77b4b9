//! Command lines: which are understood, and what is said of the others.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use coffeeshop_operator::cli::{self, Target, Typed, Which};

fn parse(arguments: &str) -> Result<Typed, clap::Error> {
    Typed::parse(["coffeeshop"].into_iter().chain(arguments.split_whitespace()))
}

#[test]
fn a_wrong_command_line_is_told_what_is_wrong() {
    let mut said = String::new();
    for arguments in [
        "",
        "scores",
        "scores top",
        "scores top --local --stack prod",
        "--local scores top --stack prod",
        "scores top --stack",
        "scores top --local --limit 0",
        "scores top --local --limit 100001",
        "scores top --local --period yesterday",
        "scores top --local --period 2026-1",
        "scores top --local --city=",
        "scores show --local",
        "scores show --local a/b",
        "scores verify --local",
        "scores verify --local --shop a --all",
        "scores verify --local --shop a --after b",
        "scores verify --local --after b",
        "scores verify --all",
        "scores rebuild --local",
        "scores rebuild --all --local --dry-run --after a.b",
        "scores rebuild --all",
        "scores forget --local",
        "dlq",
        "dlq list",
        "dlq list --local --stack prod",
        "dlq peek --local",
        "dlq peek uploads-dlq --local --limit 0",
        "dlq replay --local",
        "dlq replay uploads-dlq --execute",
        "dlq replay uploads-dlq --local --rate 0/s",
        "dlq replay uploads-dlq --local --rate fast",
        "dlq replay uploads-dlq --local --canary 0",
        "dlq replay uploads-dlq --local --max 100001",
        "dlq replay uploads-dlq --local --max-replays 0",
        "dlq replay uploads-dlq --local --since yesterday",
        "dlq resume --local",
        "dlq resume ../../etc/passwd --local",
        "dlq edit uploads-dlq --local",
        "dlq archive uploads-dlq --local",
        "dlq archive uploads-dlq --local --to s3://bucket",
        "dlq discard uploads-dlq --local --to=",
        "dlq forget --local",
        "photos",
        "photos show --local",
        "photos show a --local",
        "photos show a b.jpg --local",
        "photos show a b",
        "photos list --local --status lost",
        "photos list --local --reason blurred",
        "photos list --local --status ready --reason corrupt",
        "photos list --local --status none --pipeline-before photo/2",
        "photos list --local --pipeline-before 2",
        "photos reprocess --local",
        "photos reprocess --dry-run --local",
        "photos reprocess --rate 5/s",
        "photos reprocess --rate 0/s --local",
        "photos reprocess --rate 5/s --max 0 --local",
        "photos reprocess --rate 5/s --status removed --reason corrupt --local",
        "photos resume --local",
        "photos forget --local",
    ] {
        let error = parse(arguments).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{arguments}");
        writeln!(said, "$ coffeeshop {arguments}\n{error}\n").unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn the_target_may_stand_anywhere() {
    for arguments in ["--local scores top", "scores --local top", "scores top --local"] {
        assert_eq!(parse(arguments).unwrap().target(), &Target::Local, "{arguments}");
    }
    assert_eq!(parse("scores top --stack prod").unwrap().target(), &Target::Stack("prod".to_owned()));
}

#[test]
fn all_goes_on_after_a_shop() {
    let Typed::Scores(invocation) = parse("scores verify --all --after b --local").unwrap() else {
        panic!("not about scores")
    };
    let cli::Command::Verify(which) = invocation.command else { panic!("not verify") };
    assert_eq!(which, Which::All { after: Some("b".parse().unwrap()) });
}

#[test]
fn the_local_stack_is_found_from_below() {
    let root = std::env::temp_dir().join(format!("coffeeshop-operator-{}", std::process::id()));
    let (below, file) = (root.join("infra/operator"), root.join("target/local/stack.json"));
    fs::create_dir_all(&below).unwrap();
    assert_eq!(cli::local_stack(&below), None);
    fs::create_dir_all(root.join("target/local")).unwrap();
    fs::write(&file, "{}").unwrap();
    assert_eq!(cli::local_stack(&below).as_ref(), Some(&file));
    assert_eq!(cli::local_stack(&root).as_ref(), Some(&file));
    fs::remove_dir_all(&root).unwrap();
}

/// The program itself: standard output, standard error and the exit status.
fn program(arguments: &[&str], region: bool) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coffeeshop"));
    // Nothing of whoever runs the tests, and no way to AWS.
    command.env_clear().env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true").current_dir("/");
    if region {
        command.env("AWS_REGION", "eu-central-1").env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    }
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// Which words follow is `coffeeshop-aws`'s; there is one sentence, and nothing else.
#[test]
fn the_program_says_what_to_do() {
    for (arguments, region, expected) in [
        (["scores", "top", "--local"].as_slice(), false, "error: no local stack is running: "),
        (&["scores", "verify", "--all", "--stack", "prod"], false, "error: no AWS region is configured: "),
        (&["scores", "show", "kaffeehaus-7", "--stack", "prod"], true, "error: no AWS credentials were found: "),
    ] {
        let (stdout, stderr, status) = program(arguments, region);
        assert_eq!((stdout.as_str(), stderr.lines().count(), status), ("", 1, Some(1)), "{stderr}");
        assert!(stderr.starts_with(expected), "{stderr}");
    }
}

#[test]
fn the_program_knows_usage_from_failure() {
    let (stdout, _, status) = program(&["scores", "top", "--help"], false);
    assert!(stdout.contains("Usage: coffeeshop scores top"), "{stdout}");
    assert_eq!(status, Some(0));
    let (stdout, stderr, status) = program(&["scores", "top"], false);
    assert!(stderr.contains("--stack NAME"), "{stderr}");
    assert_eq!((stdout.as_str(), status), ("", Some(2)));
}
