//! How fast the thumbnailer starts, and how large the functions are: `cargo xtask bench start`.
//!
//! The program that `cargo xtask package` makes is started beside a Runtime API on loopback ([`api`]), again and again, and
//! is ended after its first answer. What Lambda itself does, fetching the code and starting a machine, is not in these
//! times. Prints, and writes the upper part of `infra/bench/start.md`; with `--without` the lower part instead: what each
//! setting of the release build brings ([`without`]). No limit is set here. Linux only.

mod api;
mod machine;
mod without;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use coffeeshop_aws::SystemClock;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_local::package::Binary;
use coffeeshop_local::{package, repo_root};

use crate::api::{Api, First};

const STARTS: usize = 20;
const START_MAX: Duration = Duration::from_secs(10);
/// As `cargo xtask package` zips.
const LEVEL: i64 = 9;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it prints what it measures")]
async fn main() -> Result<()> {
    let root = repo_root();
    let photo = fs::read(root.join("fixtures/images/jpeg/orientation-6.jpg"))?;
    let api = Api::start(photo).await?;
    let path = root.join("infra/bench/start.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let (upper, lower) = before.split_at(before.find(without::HEADING).unwrap_or(before.len()));
    let report = if std::env::args().any(|argument| argument == "--without") {
        println!("building the thumbnailer as it is released, and without each setting; some minutes each");
        let settings = without::table(&api, &without::build(&root)?).await?;
        println!("\n{settings}");
        format!("{upper}{settings}")
    } else {
        println!("building the functions (cargo build --release)");
        let released = released(&api, &package::build(&root, "release")?).await?;
        println!("\n{released}");
        format!("{released}{lower}")
    };
    fs::write(&path, report).with_context(|| format!("{} cannot be written", path.display()))
}

/// How fast the thumbnailer starts, and how large all functions are.
async fn released(api: &Api, functions: &[Binary]) -> Result<String> {
    let mut sizes = String::from("| function | zip, MB | unpacked, MB |\n|---|---|---|\n");
    for Binary { name, path } in functions {
        let content = fs::read(path)?;
        let zipped = package::zip(&content, LEVEL)?;
        let row = format!("| {name} | {} | {} |\n", megabytes(zipped.len()), megabytes(content.len()));
        sizes.push_str(&row);
    }
    let thumbnailer = functions.iter().find(|function| function.name == "thumbnailer").context("no thumbnailer")?;

    let mut times =
        String::from("| from the start of the process to | median, ms | lowest | highest |\n|---|---|---|---|\n");
    let mut next = Vec::new();
    let cases =
        [(First::Nothing, "the answer to S3's test event"), (First::Photo, "the answer to a small photo's event")];
    for (first, name) in cases {
        let mut answered = Vec::new();
        for _ in 0..STARTS {
            let (ready, answer) = start(api, &thumbnailer.path, first).await?;
            next.push(ready);
            answered.push(answer);
        }
        times.push_str(&row(name, answered));
    }
    times.push_str(&row("its first request for an event", next));
    Ok(report(&times, &sizes))
}

/// Starts the function once; from there to its first request for an event, and to its first answer.
async fn start(api: &Api, program: &Path, first: First) -> Result<(Duration, Duration)> {
    api.expect(first);
    let begun = Instant::now();
    let mut child = Command::new(program)
        .env_clear()
        .envs(api.environment())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} could not be started", program.display()))?;
    let answered = tokio::time::timeout(START_MAX, api.answered()).await;
    child.kill()?;
    child.wait()?;
    match answered {
        Ok(seen) => {
            let seen = seen?;
            ensure!(seen.put == first.puts(), "{first:?}: {:?} objects and outcomes were put", seen.put);
            Ok((seen.next.duration_since(begun), seen.answer.duration_since(begun)))
        }
        Err(_) => bail!("{} did not answer within {START_MAX:?}", program.display()),
    }
}

fn row(name: &str, times: Vec<Duration>) -> String {
    let [median, lowest, highest] = median_and_ends(times);
    format!("| {name} | {median:.1} | {lowest:.1} | {highest:.1} |\n")
}

/// In milliseconds.
fn median_and_ends(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort();
    [times.get(times.len() / 2), times.first(), times.last()]
        .map(|time| time.map_or(f64::NAN, Duration::as_secs_f64) * 1e3)
}

fn megabytes(bytes: usize) -> String {
    let kilobytes = bytes / 1000;
    format!("{}.{:02}", kilobytes / 1000, kilobytes % 1000 / 10)
}

fn report(times: &str, sizes: &str) -> String {
    let date = SystemClock.now().strftime("%Y-%m-%d");
    let machine = machine::described();
    format!(
        "# Starting\n\nBy `cargo xtask bench start`, {date}, on {machine}. The thumbnailer built for \
         release, started {STARTS} times for each event beside a Runtime API on loopback, which also stands in for S3 and \
         DynamoDB and answers at once.\n\n{times}\n{sizes}\n\
         MB are millions of bytes; the zips are those of `cargo xtask package`.\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rounded_down_to_hundredths() {
        assert_eq!([999, 5_996_001, 12_000_000].map(megabytes), ["0.00", "5.99", "12.00"]);
    }

    #[test]
    fn a_row_has_the_median_and_both_ends() {
        let times = [30, 10, 20].map(Duration::from_millis).to_vec();
        assert_eq!(row("x", times), "| x | 20.0 | 10.0 | 30.0 |\n");
    }
}
