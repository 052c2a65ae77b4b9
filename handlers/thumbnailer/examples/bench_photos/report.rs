//! What was measured, for people: `photos.md`, with `photos.json` for programs.
//!
//! Nothing is computed here but what is shown, and nothing is written by hand into these files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::charts;
use crate::engine::OURS;
use crate::results::{Measured, OfPhoto, OfSize, Results};

/// Said where there are no photos.
pub(crate) const EASIER: &str = "No photos were given, so pictures were made, which are easier than photos: their \
     flat parts take less time to decode, and fewer bytes. Take the numbers for a trial; for real ones, name a folder of photos: \
     `cargo xtask bench photos --photos DIR`.";

const METHOD: &str = "\
Each engine reads a JPEG file, turns it upright, and makes three JPEG files in memory: 1080 and 480 pixels (fit), 160x160 (cover); quality 80, \
4:2:0, optimised Huffman tables, in sRGB, no metadata. One thread each. `usual` is the form that is written everywhere, `best` the fastest that the \
engine's documentation shows; where, each script says (`handlers/thumbnailer/examples/bench_photos/peers`). CPU is user and system time of a \
process, without its start-up; engines take turns, round by round. A photo's number is the median of its rounds, an engine's \
the median of its photos; the range is that of the photos. `x ours` compares means, because the sum is what is paid for. SSIMULACRA2 \
compares with a full decode (of `image`) and direct Lanczos3: 100 is the same, 90 no difference seen, 70 high quality.";

/// Writes both files into a folder.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let json = serde_json::to_string_pretty(results)?;
    fs::write(folder.join("photos.json"), json + "\n").context("photos.json cannot be written")?;
    fs::write(folder.join("photos.md"), page(results)).context("photos.md cannot be written")
}

/// What is printed at the end: engines, goals, and what is missing.
pub(crate) fn summary(results: &Results) -> String {
    format!("\n{}\n\n{}\n\n{}{}", results.machine, engines(results), goals(results), missing(results))
}

fn page(results: &Results) -> String {
    let commit = results.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
    let photos = if results.own_pictures { "" } else { " --photos DIR" };
    let command = format!("cargo xtask bench photos{photos} --rounds {}", results.rounds);
    let set = results.photos.len();
    let charts = charts::NAMES.map(|(name, title)| format!("![{title}]({name})\n")).concat();
    let mut page = format!(
        "# Photos: ours beside others\n\nWritten by `{command}`: change nothing here by hand.\n\n\
         {}, {}{commit}. {set} {}, {} rounds.\n\n{METHOD}\n\n## Engines\n\n{}\n\n## Goals\n\n{}{}\n\n",
        results.machine,
        results.date,
        if results.own_pictures { "made pictures" } else { "photos" },
        results.rounds,
        engines(results),
        goals(results),
        missing(results),
    );
    if results.own_pictures {
        page = page.replacen("\n\n## Engines", &format!("\n\n**{EASIER}**\n\n## Engines"), 1);
    }
    let sections = [
        ("CPU by photo, ms", by_photo(results, |photo| format!("{:.1}", photo.cpu_ms_median))),
        ("SSIMULACRA2 at 1080, by photo", by_photo(results, |photo| score(photo.ssimulacra2_1080))),
        ("Bytes of all renditions, by photo", by_photo(results, |photo| photo.bytes.iter().sum::<u64>().to_string())),
        ("CPU by size, ms", sized(results, |size| format!("{:.1}", size.cpu_ms_median))),
        (
            "Peak RSS by size, MiB (above idle)",
            sized(results, |size| format!("{:.0} ({:.0})", size.rss_peak_mib, size.rss_above_idle_mib)),
        ),
        ("Where our time goes", stages(results)),
        ("Versions", versions(results)),
    ];
    for (title, content) in sections {
        if title.starts_with("CPU by size") {
            _ = write!(page, "## By size\n\n{}\n{charts}\n", of_sizes(results));
        }
        _ = write!(page, "## {title}\n\n{content}\n\n");
    }
    page.trim_end().to_owned() + "\n"
}

fn engines(results: &Results) -> String {
    let ours = results.engines.iter().find(|engine| engine.name == OURS).map(|ours| ours.cpu_ms_mean);
    let row = |engine: &Measured| {
        vec![
            engine.name.to_owned(),
            format!("{:.1} ({:.1} to {:.1})", engine.cpu_ms_median, engine.cpu_ms_lowest, engine.cpu_ms_highest),
            format!("{:.1}", engine.cpu_ms_mean),
            ours.map_or_else(|| "-".to_owned(), |ours| format!("{:.2}", engine.cpu_ms_mean / ours)),
            engine.size("12 MP").map_or_else(|| "-".to_owned(), |size| format!("{:.0}", size.rss_peak_mib)),
            format!("{:.0}", engine.rss_set_peak_mib),
            format!("{:.0}", engine.rss_idle_mib),
            kilobytes(engine.bytes, engine.photos.len()),
            score(engine.ssimulacra2_1080),
            score(engine.ssimulacra2_480),
            format!("{:.0}", engine.start_up_cpu_ms),
        ]
    };
    let head = [
        "engine",
        "CPU ms a photo (range)",
        "mean",
        "x ours",
        "peak RSS MiB, one 12 MP",
        "of the set",
        "idle",
        "kB a photo",
        "SSIMULACRA2 1080",
        "480",
        "start-up CPU ms",
    ];
    table(&head, results.engines.iter().map(row))
}

fn goals(results: &Results) -> String {
    let rows = results.goals.iter().map(|goal| {
        let measured = goal.measured.map_or_else(|| "-".to_owned(), |measured| format!("{measured:.3}"));
        vec![goal.what.clone(), format!("{:.3}", goal.at_most), measured, goal.verdict()]
    });
    table(&["goal", "at most", "measured", ""], rows)
}

/// Nothing if none is.
fn missing(results: &Results) -> String {
    let lines = results.missing.iter().map(|engine| {
        let reason = engine.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("\n\n**Missing: {}**, because it could not be installed or started: {reason}", engine.name)
    });
    lines.collect()
}

/// A row for each photo, a column for each engine.
fn by_photo(results: &Results, cell: impl Fn(&OfPhoto) -> String) -> String {
    columns(results, "photo", |engine| engine.photos.iter().map(|photo| (photo.file.clone(), cell(photo))).collect())
}

fn sized(results: &Results, cell: impl Fn(&OfSize) -> String) -> String {
    columns(results, "picture", |engine| engine.sizes.iter().map(|size| (size.picture.clone(), cell(size))).collect())
}

/// A column for each engine, from what each row is called and holds.
fn columns(results: &Results, head: &str, rows: impl Fn(&Measured) -> Vec<(String, String)>) -> String {
    let names: Vec<&str> = std::iter::once(head).chain(results.engines.iter().map(|engine| engine.name)).collect();
    let mut lines: Vec<Vec<String>> = Vec::new();
    for engine in &results.engines {
        for (at, (name, cell)) in rows(engine).into_iter().enumerate() {
            match lines.get_mut(at) {
                Some(line) => line.push(cell),
                None => lines.push(vec![name, cell]),
            }
        }
    }
    table(&names, lines)
}

fn of_sizes(results: &Results) -> String {
    let sizes = results.engines.first().map(|engine| engine.sizes.as_slice()).unwrap_or_default();
    let files: Vec<String> = sizes.iter().map(|size| format!("{}: {}", size.picture, megabytes(size.bytes))).collect();
    format!(
        "One photo resized and encoded anew (quality 90, 4:2:0) in growing sizes. What is larger than the photo itself is softer than \
         a camera's picture, and has fewer bytes a pixel: {}. Memory is that of a process that does this picture, once. A progressive file has all \
         its coefficients in memory, 2 bytes a sample, whatever the scale.\n",
        files.join("; ")
    )
}

fn stages(results: &Results) -> String {
    let ours = results.engines.iter().find(|engine| engine.name == OURS);
    let rows = ours.map(|ours| ours.stages_ms.as_slice()).unwrap_or_default();
    let rows = rows.iter().map(|(name, time)| vec![name.clone(), format!("{time:.2}")]);
    format!("By the clock, not by CPU; medians of all photos and rounds.\n\n{}", table(&["stage", "ms"], rows))
}

fn versions(results: &Results) -> String {
    let lines = results.engines.iter().map(|engine| format!("- {}: {}", engine.name, engine.version));
    lines.collect::<Vec<_>>().join("\n")
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
fn kilobytes(bytes: u64, photos: usize) -> String {
    format!("{:.1}", bytes as f64 / 1000.0 / photos as f64)
}

#[expect(clippy::cast_precision_loss, reason = "the size of a file")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Markdown, with columns that also line up as text.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head.clone()).chain(rows).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or(0).max(1)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!(" {cell:<width$} |") } else { format!(" {cell:>width$} |") }
        });
        format!("|{}", cells.collect::<String>())
    };
    let rule = widths.iter().enumerate().map(|(column, width)| {
        if column == 0 { format!("{}|", "-".repeat(width + 2)) } else { format!("{}:|", "-".repeat(width + 1)) }
    });
    let rule = format!("|{}", rule.collect::<String>());
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, rule);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SHARP;
    use crate::goals::judged;
    use crate::results::Missing;
    use crate::results::examples::engine;

    fn results() -> Results {
        let engines = vec![engine(OURS, 40.0, 1000, 80.0, 20.0), engine(SHARP[0], 100.0, 1000, 80.0, 80.0)];
        Results {
            machine: "a machine".to_owned(),
            date: "2026-11-22".to_owned(),
            commit: None,
            rounds: 5,
            own_pictures: true,
            photos: Vec::new(),
            goals: judged(&engines),
            missing: vec![Missing { name: "sharp, best", reason: "no npm\n  on the path".to_owned() }],
            engines,
        }
    }

    #[test]
    fn a_table_lines_up() {
        let rows = [vec!["ours".to_owned(), "40.1".to_owned()], vec!["é".to_owned(), "5".to_owned()]];
        assert_eq!(
            table(&["engine", "ms"], rows),
            "| engine |   ms |\n|--------|-----:|\n| ours   | 40.1 |\n| é      |    5 |"
        );
    }

    #[test]
    fn the_page_says_what_is_missing_and_that_made_pictures_are_easier() {
        let page = page(&results());
        assert!(page.contains("**Missing: sharp, best**") && page.contains("no npm on the path"), "{page}");
        assert!(page.contains(EASIER));
        assert!(page.contains("| cup.jpg | 40.0 |        100.0 |"), "{page}");
        let photos = super::page(&Results { own_pictures: false, missing: Vec::new(), ..results() });
        assert!(!photos.contains(EASIER) && !photos.contains("Missing"));
    }

    #[test]
    fn the_json_has_what_others_read_from_it() {
        let json = serde_json::to_value(results()).unwrap();
        assert_eq!(json["engines"][1]["name"], "sharp, usual");
        assert_eq!(json["engines"][1]["cpu_ms_median"], 100.0);
        assert_eq!(json["engines"][0]["sizes"][0]["picture"], "12 MP");
        assert_eq!(json["machine"], "a machine");
        assert_eq!(json["date"], "2026-11-22");
    }
}
