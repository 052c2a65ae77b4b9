//! Who may depend on whom, and on what from outside: layers, licences and origins, from `cargo metadata`.
//!
//! Looks at what is built for the platforms that deny.toml names. Advisories are for cargo-deny.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};
use spdx::{Expression, Licensee, ParseMode};

use super::Finding;

const CORE: &str = "coffeeshop-core";
const AWS: &str = "coffeeshop-aws";
/// It stands above all handlers, and may use each of them. A handler's tests may use it; nothing else of a handler.
const OPERATOR: &str = "coffeeshop-operator";

/// What deny.toml says.
pub(super) struct Policy {
    licences: Vec<Licensee>,
    platforms: Vec<String>,
}

impl Policy {
    pub(super) fn parse(deny: &str) -> Result<Self> {
        let table: toml::Table = deny.parse()?;
        let list = |section: &str, name: &str| -> Result<Vec<String>> {
            let found = table.get(section).and_then(|section| section.get(name)).and_then(toml::Value::as_array);
            let found = found.with_context(|| format!("[{section}] has no list `{name}`"))?;
            let texts = found.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>();
            texts.with_context(|| format!("`{name}` in [{section}] has something that is no text"))
        };
        let licences = list("licenses", "allow")?
            .iter()
            .map(|name| Licensee::parse(name).with_context(|| format!("`{name}` is no licence that SPDX knows")))
            .collect::<Result<_>>()?;
        Ok(Self { licences, platforms: list("graph", "targets")? })
    }

    /// Whether what a package's manifest says can be met with what is allowed.
    fn allows(&self, licence: &str) -> Result<bool, spdx::ParseError> {
        // Lax, because older packages write MIT/Apache-2.0.
        let expression = Expression::parse_mode(licence, ParseMode::LAX)?;
        Ok(expression.evaluate(|asked| self.licences.iter().any(|allowed| allowed.satisfies(asked))))
    }
}

/// A package of the workspace, or one that it is built with.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Unique, unlike the name.
    id: String,
    name: String,
    version: String,
    licence: Option<String>,
    origin: Origin,
    needs: Vec<Need>,
}

#[derive(Debug, Clone, PartialEq)]
enum Origin {
    /// With its folder, from the root.
    Workspace(String),
    CratesIo,
    Other(String),
}

#[derive(Debug, Clone)]
struct Need {
    id: String,
    /// Only for tests and examples.
    is_dev: bool,
}

impl Package {
    fn is_handler(&self) -> bool {
        matches!(&self.origin, Origin::Workspace(folder) if folder.starts_with("handlers/"))
    }

    fn place(&self) -> String {
        match &self.origin {
            Origin::Workspace(folder) => format!("{folder}/Cargo.toml"),
            Origin::CratesIo | Origin::Other(_) => format!("{} {}", self.name, self.version),
        }
    }
}

/// The workspace with all its features, and all that it needs.
pub(super) fn packages(root: &Path, policy: &Policy) -> Result<Vec<Package>> {
    let mut options = vec!["--locked".to_owned()];
    options.extend(policy.platforms.iter().flat_map(|platform| ["--filter-platform".to_owned(), platform.clone()]));
    let metadata =
        MetadataCommand::new().current_dir(root).features(CargoOpt::AllFeatures).other_options(options).exec()?;
    let resolve = metadata.resolve.context("cargo metadata has no dependencies")?;
    let mut needs: BTreeMap<String, Vec<Need>> = resolve
        .nodes
        .into_iter()
        .map(|node| {
            let needs = node.deps.into_iter().map(|needed| Need {
                is_dev: needed.dep_kinds.iter().all(|kind| kind.kind == DependencyKind::Development),
                id: needed.pkg.repr,
            });
            (node.id.repr, needs.collect())
        })
        .collect();
    let packages = metadata.packages.into_iter().map(|package| Package {
        needs: needs.remove(&package.id.repr).unwrap_or_default(),
        origin: match package.source {
            Some(source) if source.is_crates_io() => Origin::CratesIo,
            Some(source) => Origin::Other(source.repr),
            None => {
                let folder = package.manifest_path.parent().unwrap_or(&package.manifest_path);
                match folder.strip_prefix(root) {
                    Ok(folder) => Origin::Workspace(folder.to_string()),
                    Err(_) => Origin::Other(folder.to_string()),
                }
            }
        },
        id: package.id.repr,
        name: package.name.to_string(),
        version: package.version.to_string(),
        licence: package.license,
    });
    Ok(packages.collect())
}

/// `core` reaches neither AWS nor a runtime; a handler is built on `core` and `infra/aws`, and reaches no other handler, but
/// for what its tests reach by the operator's command.
pub(super) fn layers(packages: &[Package]) -> Vec<Finding> {
    let graph: BTreeMap<&str, &Package> = packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let Some(core) = packages.iter().find(|package| package.name == CORE) else {
        return vec![Finding::new("core/Cargo.toml", format!("call the package {CORE}, so that its layer is checked"))];
    };
    let mut findings = Vec::new();
    for way in ways(core, &graph, false) {
        if way.last().is_some_and(|reached| is_foreign_to_core(&reached.name)) {
            findings.push(Finding::new(core.place(), format!("remove the dependency {}", spelled(&way))));
        }
    }
    for handler in packages.iter().filter(|package| package.is_handler()) {
        for way in ways(handler, &graph, true) {
            let by_operator = way.iter().any(|package| package.name == OPERATOR);
            if !by_operator && way.last().is_some_and(|reached| reached.is_handler()) {
                let remedy = format!("remove the dependency {}: handlers meet in core", spelled(&way));
                findings.push(Finding::new(handler.place(), remedy));
            }
        }
        let needed = handler.needs.iter().filter(|need| !need.is_dev).filter_map(|need| graph.get(need.id.as_str()));
        for package in needed {
            let is_ours = matches!(package.origin, Origin::Workspace(_)) && !package.is_handler();
            if is_ours && ![CORE, AWS].contains(&package.name.as_str()) {
                let remedy =
                    format!("remove the dependency {}: a handler is built on core and infra/aws", package.name);
                findings.push(Finding::new(handler.place(), remedy));
            }
        }
    }
    findings
}

fn is_foreign_to_core(name: &str) -> bool {
    ["aws-", "aws_", "lambda_", "tokio-"].iter().any(|start| name.starts_with(start)) || name == "tokio" || name == AWS
}

/// The shortest way to each package that is reached from one. `with_dev`: also by its own dev-dependencies.
fn ways<'a>(from: &'a Package, graph: &BTreeMap<&str, &'a Package>, with_dev: bool) -> Vec<Vec<&'a Package>> {
    let mut seen = BTreeSet::from([from.id.as_str()]);
    let mut next = VecDeque::from([vec![from]]);
    let mut found = Vec::new();
    while let Some(way) = next.pop_front() {
        let Some(package) = way.last() else { continue };
        for need in package.needs.iter().filter(|need| !need.is_dev || (with_dev && way.len() == 1)) {
            if let Some(reached) = graph.get(need.id.as_str()).filter(|_| seen.insert(&need.id)) {
                let longer = [way.as_slice(), &[*reached]].concat();
                found.push(longer.clone());
                next.push_back(longer);
            }
        }
    }
    found
}

fn spelled(way: &[&Package]) -> String {
    way.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(" > ")
}

/// Every package may be used under a licence that deny.toml allows.
pub(super) fn licences(packages: &[Package], policy: &Policy) -> Vec<Finding> {
    packages
        .iter()
        .filter_map(|package| {
            let remedy = match package.licence.as_deref().map(|licence| (licence, policy.allows(licence))) {
                Some((_, Ok(true))) => return None,
                Some((licence, Ok(false))) => {
                    format!("replace it, or allow its licence in deny.toml: {licence}")
                }
                Some((licence, Err(error))) => {
                    format!("replace it: its licence cannot be understood: {licence} ({})", error.reason)
                }
                None => "replace it: its manifest has no licence".to_owned(),
            };
            Some(Finding::new(package.place(), remedy))
        })
        .collect()
}

/// Every package comes from crates.io or lies in the repository.
pub(super) fn origins(packages: &[Package]) -> Vec<Finding> {
    packages
        .iter()
        .filter_map(|package| match &package.origin {
            Origin::Workspace(_) | Origin::CratesIo => None,
            Origin::Other(from) => {
                Some(Finding::new(package.place(), format!("take it from crates.io, not from {from}")))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
