//! Where files lie: the top level, and what Markdown links to.
//!
//! Links to other sites, and anchors within a page, are not followed.

use std::collections::BTreeSet;

use super::{File, Finding};

/// Beside these only files whose name begins with a dot.
const TOP_LEVEL: [&str; 16] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRACT.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "core",
    "deny.toml",
    "fixtures",
    "handlers",
    "infra",
    "rustfmt.toml",
];

/// The top level has what a newcomer must see, and nothing else.
pub(super) fn top_level(files: &[File]) -> Vec<Finding> {
    let found: BTreeSet<&str> = files.iter().filter_map(|file| file.path.split('/').next()).collect();
    found
        .into_iter()
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(name))
        .map(|name| Finding::new(name, "move it below core, handlers, infra or fixtures"))
        .collect()
}

/// Every relative link in Markdown leads to a file or folder of the repository.
pub(super) fn links(files: &[File]) -> Vec<Finding> {
    let mut there: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for file in files {
        there.extend(file.path.match_indices('/').filter_map(|(end, _)| file.path.get(..end)));
    }
    let pages = files.iter().filter(|file| file.is("md"));
    pages
        .flat_map(|page| targets(&page.text).into_iter().map(move |(line, target)| (page, line, target)))
        .filter(|(page, _, target)| {
            !resolved(&page.path, target).is_some_and(|path| path.is_empty() || there.contains(path.as_str()))
        })
        .map(|(page, line, target)| {
            Finding::new(format!("{}:{line}", page.path), format!("correct the link to `{target}`: no such file"))
        })
        .collect()
}

/// `](target)` outside code, with its line: neither elsewhere nor within the page, and without anchor and title.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            // Every other part is between backticks, so an opening within one is not a link.
            let is_text = |at: usize| line.get(..at).unwrap_or_default().matches('`').count() % 2 == 0;
            for (at, opening) in line.match_indices("](").filter(|(at, _)| is_text(*at)) {
                let rest = line.get(at + opening.len()..).unwrap_or_default();
                let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
                if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                    found.push((number + 1, target));
                }
            }
        }
    }
    found
}

/// A target as a path from the root; nothing when it leads out of the repository.
fn resolved(page: &str, target: &str) -> Option<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let from = if target.starts_with('/') { "" } else { folder };
    let mut parts = Vec::new();
    for part in from.split('/').chain(target.split('/')) {
        match part {
            "" | "." => (),
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, file};
    use super::*;

    #[test]
    fn the_top_level_is_kept_clear() {
        let files = ["README.md", "notes.md", "core/src/lib.rs", "tools/a.py", "tools/b.py", ".ci/run", ".gitignore"];
        let files = files.map(|path| file(path, ""));
        let remedy = "move it below core, handlers, infra or fixtures";
        check(&top_level(&files), &[&format!("notes.md: {remedy}"), &format!("tools: {remedy}")]);
    }

    #[track_caller]
    fn check_link(line: &str, expected: &[&str]) {
        let files = [file("README.md", ""), file("infra/RUNBOOK.md", line), file("infra/aws/src/lib.rs", "")];
        check(&links(&files), expected);
    }

    #[test]
    fn links_lead_somewhere() {
        for line in [
            "[a](aws/src/lib.rs)",
            "[a](../README.md#try-it \"Title\") and ![b](./aws/)",
            "[a](/infra/aws/src)",
            "[a](..)",
            "[a](#here) [b](https://example.com/none) [c](mailto:nobody@example.com)",
            "`[a](none)`",
            "```md\n[a](none)\n```",
        ] {
            check_link(line, &[]);
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for (line, target) in [
            ("[a](none.md)", "none.md"),
            ("[a](README.md)", "README.md"),
            ("`code` [a](../infra/none#here)", "../infra/none"),
            ("[a](../../outside)", "../../outside"),
            ("[a](aws) [b](none.md)", "none.md"),
        ] {
            check_link(line, &[&format!("infra/RUNBOOK.md:1: correct the link to `{target}`: no such file")]);
        }
        check_link("```\n```\n\n[a](none)", &["infra/RUNBOOK.md:4: correct the link to `none`: no such file"]);
    }
}
