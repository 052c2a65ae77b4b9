//! What `export` writes, where, and what is there when it does not get to its end.

use std::cell::RefCell;
use std::fs;
use std::future::{Future, pending, poll_fn};
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;

use coffeeshop_core::histogram::Histogram;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::{Fault, ScoreWorld};
use coffeeshop_operator::cli::Typed;
use coffeeshop_operator::progress::Teller;
use coffeeshop_operator::run::{ExportPorts, run_export};
use futures::executor::block_on;
use indicatif::ProgressBar;
use insta::assert_snapshot;
use jiff::SignedDuration;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tempfile::tempdir;

use crate::transcript::Closed;

/// What a command said on standard error, and its exit status.
type Said = (String, u8);

#[derive(Clone, Default)]
struct Errors(Rc<RefCell<Vec<u8>>>);

impl Write for Errors {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn export(
    world: &ScoreWorld,
    arguments: &[&str],
    stdout: impl Write,
    is_terminal: bool,
    interrupt: impl Future<Output = ()>,
) -> Said {
    let typed = ["coffeeshop", "scores", "export", "--stack", "prod"].iter().chain(arguments);
    let Typed::Export(invocation) = Typed::parse(typed).unwrap() else { panic!("no export") };
    let (errors, ports) = (Errors::default(), ExportPorts { scores: world, clock: world });
    let teller = Teller::new(ProgressBar::hidden(), Some(Box::new(errors.clone())));
    let ended = block_on(run_export(&invocation, ports, stdout, is_terminal, teller, interrupt));
    let said = String::from_utf8(errors.0.take()).unwrap();
    match ended {
        Ok(verdict) => (said, verdict.status()),
        Err(failure) => (said + &failure.text(), failure.status()),
    }
}

/// To standard output.
fn exported(world: &ScoreWorld, format: &str) -> (Vec<u8>, Said) {
    let mut stdout = Vec::new();
    let said = export(world, &["--format", format, "--out", "-"], &mut stdout, false, pending());
    (stdout, said)
}

fn text(world: &ScoreWorld, format: &str) -> String {
    let (stdout, (errors, status)) = exported(world, format);
    format!("{}stderr| {errors}[exit status {status}]\n", String::from_utf8(stdout).unwrap())
}

fn key(shop: &str, period: &str) -> ScoreKey {
    ScoreKey { shop_id: shop.parse().unwrap(), period: period.parse().unwrap() }
}

/// Scores with everything that a format could get wrong.
fn world() -> ScoreWorld {
    let world = ScoreWorld::default();
    world.advance(SignedDuration::from_millis(1_795_255_200_125));
    for (shop, city, period, counts) in [
        ("kaffeehaus-7", "Eastmere", "all", [1, 0, 50, 1000, 98_949]),
        ("kaffeehaus-7", "Eastmere", "2026-11", [0, 0, 0, 0, 0]),
        ("no-city", "", "all", [7, 0, 0, 0, 0]),
        ("quotes", "St. \"John's\", North\\South", "all", [0, 0, 0, 0, 3_000_000]),
        ("tokyo_1", "東京 – 🗼", "all", [0, 0, 1, 0, 9]),
    ] {
        let now = world.now() - SignedDuration::from_nanos(1);
        let counts = Histogram::try_from(counts).unwrap();
        world.put_score(Score::new(key(shop, period), counts, 13, city.parse().ok(), now));
    }
    world
}

#[test]
fn csv_has_a_header_and_a_line_each() {
    assert_snapshot!(text(&world(), "csv"));
}

#[test]
fn json_lines_have_every_column() {
    assert_snapshot!(text(&world(), "jsonl"));
}

/// The numbers of the columns of a row of text, by name.
fn csv_rows(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn all_formats_say_the_same() {
    let world = world();
    let ((csv, _), (json, _), (parquet, said)) =
        (exported(&world, "csv"), exported(&world, "jsonl"), exported(&world, "parquet"));
    assert_eq!(said, ("5 scores written to standard output\n".to_owned(), 0));
    let csv = csv_rows(&csv);
    let (names, csv) = csv.split_first().unwrap();
    let json: Vec<serde_json::Value> =
        String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let from_json = json.iter().map(|line| {
        let object = line.as_object().unwrap();
        assert_eq!(object.keys().collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
        let plain = |value: &serde_json::Value| match value {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        object.values().map(plain).collect::<Vec<_>>()
    });
    let numbers = |text: &str| text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string());
    let alike = |row: &[String]| row.iter().map(|cell| numbers(cell)).collect::<Vec<_>>();
    let from_csv: Vec<_> = csv.iter().map(|row| alike(row)).collect();
    assert_eq!(from_json.map(|row| alike(&row)).collect::<Vec<_>>(), from_csv);

    let reader = SerializedFileReader::new(bytes::Bytes::from(parquet)).unwrap();
    let schema = reader.metadata().file_metadata().schema().get_fields();
    assert_eq!(schema.iter().map(|field| field.name()).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    let shops = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap().into_columns();
        row.iter().take(2).map(|(_, field)| field.to_string().replace('"', "")).collect::<Vec<_>>()
    });
    assert_eq!(shops.collect::<Vec<_>>(), csv.iter().map(|row| row[..2].to_vec()).collect::<Vec<_>>());
}

#[test]
fn nothing_makes_whole_files() {
    let world = ScoreWorld::default();
    assert_eq!(exported(&world, "jsonl").0, b"");
    assert_eq!(csv_rows(&exported(&world, "csv").0).len(), 1, "the header");
    let (parquet, said) = exported(&world, "parquet");
    assert_eq!(SerializedFileReader::new(bytes::Bytes::from(parquet)).unwrap().metadata().num_row_groups(), 0);
    assert_eq!(said, ("0 scores written to standard output\n".to_owned(), 0));
}

#[test]
fn what_cannot_be_understood_is_left_out_and_said() {
    for format in ["parquet", "csv", "jsonl"] {
        let world = world();
        world.spoil(Some(key("no-city", "all")));
        let mut impossible = world.stored_scores()[&key("tokyo_1", "all")].clone();
        impossible.score_micros = 10_000_000;
        world.put_score(impossible);
        let (stdout, said) = exported(&world, format);
        let expected = "left out: spoilt\n\
                        left out: tokyo_1/all: 10000000 is too great for score, which holds at most 9999999\n\
                        3 scores written to standard output; 2 items left out, see above\n";
        assert_eq!(said, (expected.to_owned(), 3), "{format}");
        if format != "parquet" {
            assert!(!String::from_utf8(stdout).unwrap().contains("tokyo"), "{format}: no half of it");
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn to_file(world: &ScoreWorld, path: &Path, interrupt: impl Future<Output = ()>) -> Said {
    let mut stdout = Vec::new();
    let arguments = ["--format", "csv", "--out", path.to_str().unwrap()];
    let said = export(world, &arguments, &mut stdout, true, interrupt);
    assert_eq!(stdout, b"");
    said
}

/// Ctrl-C when the command has waited so often.
fn after_polls(mut polls: usize) -> impl Future<Output = ()> {
    poll_fn(move |context| {
        let Some(left) = polls.checked_sub(1) else { return Poll::Ready(()) };
        polls = left;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn a_file_is_there_when_it_is_whole() {
    let (world, folder) = (world(), tempdir().unwrap());
    let path = folder.path().join("scores.csv");
    // Each call of the table may fail, and the command may be stopped in each.
    let calls = 2;
    for before in [None, Some("what was there before")] {
        if let Some(before) = before {
            fs::write(&path, before).unwrap();
        }
        let unchanged = || assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
        for call in 0..calls {
            for fault in [Fault::Before, Fault::After] {
                world.fail(call, fault);
                let (errors, status) = to_file(&world, &path, pending());
                assert!(errors.starts_with("error: "), "{errors}");
                assert_eq!((status, names(folder.path()).len()), (1, usize::from(before.is_some())));
                unchanged();
            }
        }
        for polls in 0..=calls {
            let (errors, status) = to_file(&world, &path, after_polls(polls));
            assert_eq!((errors.as_str(), status), ("error: stopped\n", 130), "{polls}");
            assert_eq!(names(folder.path()).len(), usize::from(before.is_some()));
            unchanged();
        }
    }
    let begun = world.calls();
    let (errors, status) = to_file(&world, &path, pending());
    assert_eq!((world.calls() - begun, status), (calls, 0), "{errors}");
    assert_eq!(names(folder.path()), ["scores.csv"]);
    assert_eq!(fs::read(&path).unwrap(), exported(&world, "csv").0);
    assert_eq!(errors, format!("5 scores written to {}\n", path.display()));
}

/// As a file that an editor makes: for whom the process lets, not for its owner alone.
#[test]
fn a_file_may_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let (world, folder) = (world(), tempdir().unwrap());
    let (path, usual) = (folder.path().join("scores.csv"), folder.path().join("usual"));
    fs::write(&usual, "").unwrap();
    to_file(&world, &path, pending());
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&usual));
}

#[test]
fn a_link_is_followed_and_what_is_no_file_is_refused() {
    let (world, folder) = (world(), tempdir().unwrap());
    let (path, link) = (folder.path().join("scores.csv"), folder.path().join("link"));
    fs::write(&path, "").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(to_file(&world, &link, pending()).1, 0);
    assert!(link.is_symlink() && !fs::read(&path).unwrap().is_empty());
    for (place, why) in [
        (folder.path(), "it is there, and is not a file"),
        (Path::new("/dev/null"), "it is there, and is not a file"),
        (&folder.path().join("missing/scores.csv"), "No such file or directory"),
    ] {
        let begun = world.calls();
        let (errors, status) = to_file(&world, place, pending());
        assert_eq!((status, world.calls()), (1, begun), "{errors}");
        assert!(errors.contains(&format!("{} cannot be used", place.display())) && errors.contains(why), "{errors}");
    }
}

#[test]
fn parquet_is_not_for_terminals() {
    let (world, mut stdout) = (world(), Vec::new());
    let said = export(&world, &["--format", "parquet", "--out", "-"], &mut stdout, true, pending());
    let sentence = "error: Parquet is not for terminals: name a file with --out, or send standard output elsewhere\n";
    assert_eq!((said, stdout.len(), world.calls()), ((sentence.to_owned(), 1), 0, 0));
    let (_, status) = export(&world, &["--format", "csv", "--out", "-"], &mut stdout, true, pending());
    assert_eq!(status, 0);
}

#[test]
fn nobody_reads_any_more() {
    for format in ["parquet", "csv", "jsonl"] {
        let said = export(&world(), &["--format", format, "--out", "-"], Closed(0), false, pending());
        assert_eq!(said, (String::new(), 1), "{format}");
    }
}
