//! What Rust files may say: the layers' names, the environment; and how they begin and how long they are.
//!
//! Reads tokens, so that comments and texts count for nothing. It does not resolve names: an alias
//! (`use std::env as e`) is for clippy's `disallowed_methods`.

use proc_macro2::{TokenStream, TokenTree};

use super::{File, Finding};

const LINES_MAX: usize = 400;
const SDK: &str = "aws_sdk_";
const READS: [&str; 4] = ["var", "var_os", "vars", "vars_os"];

/// Only `infra/aws`, `infra/local` and the `main.rs` of a handler name the AWS SDK.
pub(super) fn layers(files: &[File]) -> Vec<Finding> {
    let may = |path: &str| {
        path.starts_with("infra/aws/")
            || path.starts_with("infra/local/")
            || (path.starts_with("handlers/") && path.ends_with("/src/main.rs"))
    };
    let mut findings = Vec::new();
    for file in of_src(files).filter(|file| !may(&file.path)) {
        match words(&file.text) {
            Ok(words) => findings.extend(words.iter().find(|word| word.starts_with(SDK)).map(|word| {
                Finding::new(&file.path, format!("move what needs `{word}` to infra/aws, behind a port of core"))
            })),
            Err(reason) => findings.push(Finding::new(&file.path, format!("make it Rust: {reason}"))),
        }
    }
    findings
}

/// Only `config.rs` reads the environment, and nothing in `core` does.
pub(super) fn environment(files: &[File]) -> Vec<Finding> {
    let may = |path: &str| path.ends_with("/config.rs") && !path.starts_with("core/");
    of_src(files)
        .filter(|file| !may(&file.path))
        .filter(|file| words(&file.text).is_ok_and(|words| reads_environment(&words)))
        .map(|file| {
            let remedy = if file.path.starts_with("core/") {
                "take it as an argument: core reads no environment"
            } else {
                "read it in the crate's config.rs, and hand the value on"
            };
            Finding::new(&file.path, remedy)
        })
        .collect()
}

/// Every module says what it is for.
pub(super) fn documentation(files: &[File]) -> Vec<Finding> {
    of_src(files)
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| Finding::new(&file.path, "begin with `//!` and a sentence on what it is for"))
        .collect()
}

/// No module is longer than a person reads.
pub(super) fn length(files: &[File]) -> Vec<Finding> {
    of_src(files)
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| Finding::new(&file.path, format!("split it by stage: {lines} lines, limit {LINES_MAX}")))
        .collect()
}

fn of_src(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is("rs") && file.path.split('/').any(|part| part == "src"))
}

/// `env::var`, and `use std::env::{.., var}`. The macro `env!` is another thing: it is read when compiled.
fn reads_environment(words: &[String]) -> bool {
    let is_read = |word: &String| READS.contains(&word.as_str());
    words.iter().enumerate().filter(|(_, word)| *word == "env").any(|(at, _)| {
        let mut after = words.iter().skip(at + 1);
        if after.next().is_none_or(|word| word != ":") || after.next().is_none_or(|word| word != ":") {
            return false;
        }
        match after.next() {
            Some(open) if open == "{" => after.take_while(|word| *word != "}").any(is_read),
            Some(word) => is_read(word),
            None => false,
        }
    })
}

/// Names, signs and braces, in order, without comments and literals.
fn words(text: &str) -> Result<Vec<String>, String> {
    let stream: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| error.to_string())?;
    let mut found = Vec::new();
    collect(stream, &mut found);
    Ok(found)
}

fn collect(stream: TokenStream, found: &mut Vec<String>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(name) => found.push(name.to_string()),
            TokenTree::Punct(sign) => found.push(sign.as_char().to_string()),
            TokenTree::Literal(_) => (),
            TokenTree::Group(group) => {
                found.push("{".to_owned());
                collect(group.stream(), found);
                found.push("}".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, file};
    use super::*;

    #[test]
    fn the_sdk_is_named_only_where_it_may_be() {
        let text = "//! Doc.\nuse aws_sdk_s3::Client;";
        let remedy = "move what needs `aws_sdk_s3` to infra/aws, behind a port of core";
        for path in ["core/src/ports.rs", "handlers/thumbnailer/src/photo.rs", "infra/operator/src/main.rs"] {
            check(&layers(&[file(path, text)]), &[&format!("{path}: {remedy}")]);
        }
        for path in ["infra/aws/src/photos.rs", "infra/local/src/deploy.rs", "handlers/thumbnailer/src/main.rs"] {
            check(&layers(&[file(path, text)]), &[]);
        }
        check(&layers(&[file("core/tests/it/main.rs", text)]), &[]);
        check(
            &layers(&[file("core/src/lib.rs", "//! aws_sdk_s3\nconst A: &str = \"aws_sdk_s3\"; // aws_sdk_s3")]),
            &[],
        );
        assert_eq!(layers(&[file("core/src/lib.rs", "fn main() { made!(a, aws_sdk_sqs::Client) }")]).len(), 1);
        assert_eq!(layers(&[file("core/src/lib.rs", "fn main( {")]).len(), 1);
    }

    #[test]
    fn the_environment_is_read_only_in_config() {
        let at = |path: &str, text: &str| environment(&[file(path, text)]).len();
        for text in [
            "fn a() { std::env::var(\"A\"); }",
            "fn a() { env::var_os(\"A\"); }",
            "fn a() { for (name, value) in env::vars() {} }",
            "fn a() { env::vars_os().map(|it| it) }",
            "use std::env::var;",
            "use std::env::{self, var_os as v};",
            "use std::{env::{args, var}, fs};",
        ] {
            assert_eq!(at("infra/aws/src/boot.rs", text), 1, "{text}");
            assert_eq!(at("infra/aws/src/config.rs", text), 0, "{text}");
            assert_eq!(at("infra/aws/tests/it/main.rs", text), 0, "{text}");
            assert_eq!(at("core/src/config.rs", text), 1, "{text}");
        }
        for text in [
            "const HERE: &str = env!(\"CARGO_MANIFEST_DIR\");",
            "fn a() { std::env::temp_dir(); std::env::args(); var(1); }",
            "// std::env::var\nconst A: &str = \"std::env::var\";",
            "fn env(env: Env) { env.var(); }",
        ] {
            assert_eq!(at("infra/aws/src/boot.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn a_module_begins_with_what_it_is_for() {
        let files = [
            file("core/src/a.rs", "//! A.\n"),
            file("core/src/b.rs", "use std::fs;\n//! Late."),
            file("core/tests/it/c.rs", "use std::fs;"),
        ];
        check(&documentation(&files), &["core/src/b.rs: begin with `//!` and a sentence on what it is for"]);
    }

    #[test]
    fn a_module_is_not_too_long() {
        let files = [file("core/src/a.rs", &"a\n".repeat(400)), file("core/src/b.rs", &"b\n".repeat(401))];
        check(&length(&files), &["core/src/b.rs: split it by stage: 401 lines, limit 400"]);
    }
}
