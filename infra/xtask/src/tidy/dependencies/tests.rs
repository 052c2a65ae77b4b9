//! A made-up workspace, made wrong in each way that the checks are for.

use super::super::testing::check;
use super::*;

fn package(name: &str, origin: Origin, needs: &[&str]) -> Package {
    let need = |text: &&str| match text.strip_prefix("dev ") {
        Some(id) => Need { id: id.to_owned(), is_dev: true },
        None => Need { id: (*text).to_owned(), is_dev: false },
    };
    Package {
        id: name.to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        licence: Some("MIT OR Apache-2.0".to_owned()),
        origin,
        needs: needs.iter().map(need).collect(),
    }
}

fn ours(name: &str, folder: &str, needs: &[&str]) -> Package {
    package(name, Origin::Workspace(folder.to_owned()), needs)
}

fn theirs(name: &str, needs: &[&str]) -> Package {
    package(name, Origin::CratesIo, needs)
}

/// `core`, one handler with what is given, another, and some packages from outside.
#[track_caller]
fn check_layers(core: &[&str], handler: &[&str], expected: &[&str]) {
    let packages = [
        ours(CORE, "core", core),
        ours(AWS, "infra/aws", &[CORE, "aws-sdk-s3"]),
        ours("coffeeshop-local", "infra/local", &["tokio", "dev thumbnailer"]),
        ours("helper", "infra/helper", &["thumbnailer"]),
        ours("thumbnailer", "handlers/thumbnailer", &[CORE, AWS, "tokio", "dev coffeeshop-local"]),
        ours("notifier", "handlers/notifier", handler),
        theirs("serde", &["dev tokio"]),
        theirs("store", &["aws-sdk-s3"]),
        theirs("aws-sdk-s3", &["tokio"]),
        theirs("tokio", &[]),
    ];
    check(&layers(&packages), expected);
}

#[test]
fn core_knows_nothing_of_aws() {
    check_layers(&["serde", "dev tokio", "dev aws-sdk-s3"], &[], &[]);
    check_layers(&["tokio"], &[], &["core/Cargo.toml: remove the dependency coffeeshop-core > tokio"]);
    check_layers(
        &["store"],
        &[],
        &[
            "core/Cargo.toml: remove the dependency coffeeshop-core > store > aws-sdk-s3",
            "core/Cargo.toml: remove the dependency coffeeshop-core > store > aws-sdk-s3 > tokio",
        ],
    );
    for name in ["aws-config", "aws-sdk-sqs", "aws_lambda_events", "lambda_runtime", "tokio-util", AWS] {
        assert!(is_foreign_to_core(name), "{name}");
    }
    check(&layers(&[]), &["core/Cargo.toml: call the package coffeeshop-core, so that its layer is checked"]);
}

#[test]
fn a_handler_reaches_no_other() {
    check_layers(&[], &[CORE, AWS, "tokio", "dev coffeeshop-local"], &[]);
    let found = |way: &str| {
        format!("handlers/notifier/Cargo.toml: remove the dependency notifier > {way}: handlers meet in core")
    };
    check_layers(&[], &["thumbnailer"], &[&found("thumbnailer")]);
    check_layers(&[], &["dev thumbnailer"], &[&found("thumbnailer")]);
    check_layers(&[], &["dev helper"], &[&found("helper > thumbnailer")]);
}

#[test]
fn a_handler_is_built_on_core_and_aws() {
    let remedy = "remove the dependency coffeeshop-local: a handler is built on core and infra/aws";
    check_layers(&[], &["coffeeshop-local"], &[&format!("handlers/notifier/Cargo.toml: {remedy}")]);
}

const DENY: &str = "[graph]\ntargets = [\"x86_64-unknown-linux-gnu\"]\n\
                    [licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"ISC\", \"Unicode-3.0\"]\n";

#[test]
fn a_licence_is_one_that_is_allowed() {
    let policy = Policy::parse(DENY).unwrap();
    let with = |licence: Option<&str>| {
        licences(&[Package { licence: licence.map(str::to_owned), ..theirs("a", &[]) }], &policy)
    };
    for licence in [
        "MIT",
        "MIT OR GPL-3.0-only",
        "MIT/Apache-2.0",
        "Apache-2.0 / MIT",
        "Apache-2.0 WITH LLVM-exception OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        check(&with(Some(licence)), &[]);
    }
    for licence in ["GPL-3.0-only", "MIT AND GPL-3.0-or-later", "(MIT OR Apache-2.0) AND IJG", "BSD-3-Clause"] {
        check(&with(Some(licence)), &[&format!("a 1.0.0: replace it, or allow its licence in deny.toml: {licence}")]);
    }
    check(&with(None), &["a 1.0.0: replace it: its manifest has no licence"]);
    assert!(with(Some("As you like"))[0].to_string().contains("cannot be understood"));
}

#[test]
fn a_package_comes_from_crates_io() {
    let from = |origin| origins(&[package("a", origin, &[])]);
    check(&from(Origin::CratesIo), &[]);
    check(&from(Origin::Workspace("core".to_owned())), &[]);
    check(
        &from(Origin::Other("git+https://example.com/a".to_owned())),
        &["a 1.0.0: take it from crates.io, not from git+https://example.com/a"],
    );
}

#[track_caller]
fn check_policy(deny: &str, expected: &str) {
    let error = Policy::parse(deny).err().unwrap();
    assert!(format!("{error:#}").contains(expected), "{error:#}");
}

#[test]
fn a_policy_that_says_nothing_is_an_error() {
    check_policy("", "[licenses] has no list `allow`");
    check_policy("[licenses]\nallow = [1]", "something that is no text");
    check_policy("[licenses]\nallow = [\"MITT\"]", "`MITT` is no licence");
    check_policy("[licenses]\nallow = []", "[graph] has no list `targets`");
    check_policy("[licenses", "TOML");
}
