//! Every fixture is described in `fixtures/README.md`, and what is described there exists.
//!
//! A description is a file's name in backticks: below a heading that names a folder, such as "JPEG: `images/jpeg/`", the
//! name in that folder, elsewhere the path from `fixtures/`. What the description says is not checked.

use std::collections::BTreeSet;

use super::{File, Finding};

const README: &str = "fixtures/README.md";

pub(super) fn described(files: &[File]) -> Vec<Finding> {
    let there: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let Some(readme) = files.iter().find(|file| file.path == README) else {
        return vec![Finding::new(README, "write it: it describes every fixture")];
    };
    let named = names(&readme.text);
    let paths: BTreeSet<String> = named.iter().map(Named::path).collect();

    let missing = named
        .iter()
        .filter(|name| {
            let elsewhere = name.text.contains('/') && there.contains(name.text);
            !there.contains(name.path().as_str()) && !elsewhere
        })
        .map(|name| {
            let remedy = format!("remove `{}`, or add the file: there is no {}", name.text, name.path());
            Finding::new(format!("{README}:{}", name.line), remedy)
        });
    let undescribed = there
        .iter()
        .filter(|path| path.starts_with("fixtures/") && **path != README && !paths.contains(**path))
        .map(|path| Finding::new(*path, format!("describe it in {README}")));
    missing.chain(undescribed).collect()
}

/// A file's name in the text.
struct Named<'a> {
    line: usize,
    /// Of the heading that it stands below; empty when that names none.
    folder: &'a str,
    text: &'a str,
}

impl Named<'_> {
    fn path(&self) -> String {
        let folder = if self.text.contains('/') { "" } else { self.folder };
        format!("fixtures/{folder}{}", self.text)
    }
}

fn names(readme: &str) -> Vec<Named<'_>> {
    let mut folder = "";
    let mut found = Vec::new();
    for (number, line) in readme.lines().enumerate() {
        let in_backticks = line.split('`').skip(1).step_by(2);
        if line.starts_with('#') {
            folder = in_backticks.clone().find(|text| text.ends_with('/')).unwrap_or_default();
        }
        let names = in_backticks.filter(|text| is_name(text));
        found.extend(names.map(|text| Named { line: number + 1, folder, text }));
    }
    found
}

/// With an extension, and no sign that a fixture's name would not have.
fn is_name(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or_default();
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "._-/".contains(sign);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && (1..=5).contains(&extension.len()) && extension.starts_with(|it: char| it.is_alphabetic())
    }) && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, file};
    use super::*;

    #[track_caller]
    fn check_readme(readme: &str, fixtures: &[&str], expected: &[&str]) {
        let mut files = vec![file(README, readme), file("core/src/lib.rs", "")];
        files.extend(fixtures.iter().map(|path| file(path, "")));
        check(&described(&files), expected);
    }

    const TABLE: &str = "`images/expected.json` and `core/src/lib.rs`, `eTag`, `image/jpeg`, version `2.1`, `a b.jpg`\n\
                         ## JPEG: `images/jpeg/`\n| `one.jpg` | one |\n## PNG: `images/png/`\n| `one.png` | two |\n";

    #[test]
    fn every_file_has_its_line() {
        let all = ["fixtures/images/expected.json", "fixtures/images/jpeg/one.jpg", "fixtures/images/png/one.png"];
        check_readme(TABLE, &all, &[]);
        check_readme(
            TABLE,
            &all[..2],
            &["fixtures/README.md:5: remove `one.png`, or add the file: there is no fixtures/images/png/one.png"],
        );
        let more = [&all[..], &["fixtures/images/jpeg/two.jpg"]].concat();
        check_readme(TABLE, &more, &["fixtures/images/jpeg/two.jpg: describe it in fixtures/README.md"]);
    }

    #[test]
    fn a_name_stands_for_the_folder_of_its_heading() {
        let here = ["fixtures/images/jpeg/one.jpg"];
        check_readme("# `images/jpeg/`\n`one.jpg`", &here, &[]);
        check_readme(
            "# `images/jpeg/`\n# Other\n`one.jpg`",
            &here,
            &[
                "fixtures/README.md:3: remove `one.jpg`, or add the file: there is no fixtures/one.jpg",
                "fixtures/images/jpeg/one.jpg: describe it in fixtures/README.md",
            ],
        );
    }

    #[test]
    fn the_description_itself_must_be_there() {
        check(&described(&[]), &["fixtures/README.md: write it: it describes every fixture"]);
    }
}
