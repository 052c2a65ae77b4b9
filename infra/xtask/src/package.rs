//! `cargo xtask package`: the functions as AWS takes them, one zip each, where infra/template.yaml looks for them.
//!
//! Built on this machine for this machine, so a binary is refused that Lambda could not start: not for `x86_64`, or
//! with needs that the C library of `provided.al2023` does not meet. It does not deploy.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use coffeeshop_local::package::{build, save, zip};
use object::elf;
use object::endian::LittleEndian;
use object::read::elf::{FileHeader as _, VersionTable};
use object::{SymbolIndex, read};

use crate::say;

type Elf = elf::FileHeader64<LittleEndian>;

/// The C library of `provided.al2023`.
const GLIBC_MAX: (u32, u32) = (2, 34);
/// The smallest zip: it is read at each cold start.
const LEVEL: i64 = 9;

pub(crate) fn run() -> Result<()> {
    let root = coffeeshop_local::repo_root();
    say("building the functions (cargo build --release)");
    for binary in build(&root, "release")? {
        let content = fs::read(&binary.path).with_context(|| format!("{} cannot be read", binary.path.display()))?;
        runs_on_lambda(&content).with_context(|| format!("Lambda could not start the function {}", binary.name))?;
        let zipped = zip(&content, LEVEL).with_context(|| format!("{} cannot be zipped", binary.path.display()))?;
        let path = save(&zipped, &root.join("target/lambda"), binary.name)?;
        let path = path.strip_prefix(&root).unwrap_or(&path).display();
        say(&format!("{path}: {} KiB, {} KiB unpacked", zipped.len() / 1024, content.len() / 1024));
    }
    Ok(())
}

fn runs_on_lambda(binary: &[u8]) -> Result<()> {
    let Ok(header) = Elf::parse(binary) else {
        bail!("it is not a program for 64-bit Linux. Build on Linux on x86_64, or in a container of it.");
    };
    ensure!(
        header.e_machine(LittleEndian) == elf::EM_X86_64,
        "it is not for x86_64, which infra/template.yaml says. Build on Linux on x86_64, or in a container of it."
    );
    let needs = version_needs(header, binary).context("its version needs cannot be read")?;
    let found = too_new(&needs);
    let (major, minor) = GLIBC_MAX;
    ensure!(
        found.is_empty(),
        "it needs more than GLIBC_{major}.{minor}, which provided.al2023 has: {}. \
         Build where the C library is that old, such as in a container of Amazon Linux 2023.",
        found.join("; ")
    );
    Ok(())
}

/// A version of a library's interface without which the program does not start, and what it takes from it.
#[derive(Debug, PartialEq)]
struct VersionNeed {
    version: String,
    symbols: Vec<String>,
}

fn version_needs(header: &Elf, binary: &[u8]) -> read::Result<Vec<VersionNeed>> {
    let sections = header.sections(LittleEndian, binary)?;
    let versions = sections.versions(LittleEndian, binary)?.unwrap_or_default();
    let mut needs = Vec::new();
    let Some((mut libraries, strings)) = sections.gnu_verneed(LittleEndian, binary)? else { return Ok(needs) };
    let strings = sections.strings(LittleEndian, binary, strings)?;
    while let Some((_, mut entries)) = libraries.next()? {
        while let Some(entry) = entries.next()? {
            // A weak need is not asked for at the start; the program looks whether it is there.
            if !entry.vna_flags.get(LittleEndian).contains(elf::VER_FLG_WEAK) {
                let version = String::from_utf8_lossy(entry.name(LittleEndian, strings)?).into_owned();
                let symbols = symbols_of(header, binary, &versions, &version)?;
                needs.push(VersionNeed { version, symbols });
            }
        }
    }
    Ok(needs)
}

fn symbols_of(
    header: &Elf,
    binary: &[u8],
    versions: &VersionTable<'_, Elf>,
    wanted: &str,
) -> read::Result<Vec<String>> {
    let sections = header.sections(LittleEndian, binary)?;
    let table = sections.symbols(LittleEndian, binary, elf::SHT_DYNSYM)?;
    let mut names = Vec::new();
    for (index, symbol) in table.enumerate() {
        let version = versions.version(versions.version_index(LittleEndian, SymbolIndex(index.0)).index())?;
        if version.is_some_and(|version| version.name() == wanted.as_bytes()) {
            names.push(String::from_utf8_lossy(table.symbol_name(LittleEndian, symbol)?).into_owned());
        }
    }
    Ok(names)
}

/// A line for each version of the C library that is later than [`GLIBC_MAX`], or is no number at all, such as
/// `GLIBC_ABI_DT_RELR`. Other libraries' versions say nothing of it.
fn too_new(needs: &[VersionNeed]) -> Vec<String> {
    needs
        .iter()
        .filter(|need| {
            let Some(number) = need.version.strip_prefix("GLIBC_") else { return false };
            let mut parts = number.split('.').map(str::parse::<u32>);
            match (parts.next(), parts.next()) {
                (Some(Ok(major)), Some(Ok(minor))) => (major, minor) > GLIBC_MAX,
                _ => true,
            }
        })
        .map(|need| match need.symbols.as_slice() {
            [] => need.version.clone(),
            symbols => format!("{} ({})", need.version, symbols.join(", ")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(version: &str, symbols: &[&str]) -> VersionNeed {
        VersionNeed { version: version.to_owned(), symbols: symbols.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_need_for_a_later_c_library_is_found() {
        let needs = [
            need("GLIBC_2.2.5", &["malloc"]),
            need("GLIBC_2.34", &["dlsym"]),
            need("GLIBC_2.38", &["fmod", "fmodf"]),
            need("GLIBC_3.0", &["future"]),
            need("GLIBC_ABI_DT_RELR", &[]),
            need("GCC_4.2.0", &["_Unwind_Resume"]),
        ];
        assert_eq!(too_new(&needs), ["GLIBC_2.38 (fmod, fmodf)", "GLIBC_3.0 (future)", "GLIBC_ABI_DT_RELR"]);
        assert_eq!(too_new(&needs[..2]), [""; 0]);
    }

    #[test]
    fn what_is_no_program_for_lambda_is_refused() {
        let script = runs_on_lambda(b"#!/bin/sh\necho\n").unwrap_err();
        assert!(script.to_string().contains("not a program for 64-bit Linux"), "{script}");
    }

    /// The reader is tried on this test itself: a program that is linked to the C library.
    #[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
    #[test]
    fn needs_are_read_from_a_program() {
        let program = fs::read("/proc/self/exe").unwrap();
        let needs = version_needs(Elf::parse(program.as_slice()).unwrap(), &program).unwrap();
        let has = |symbol: &str| {
            needs.iter().any(|need| need.version.starts_with("GLIBC_2.") && need.symbols.iter().any(|s| s == symbol))
        };
        assert!(has("malloc") && has("memcpy"), "{needs:?}");
    }
}
