//! From a photo's upload to its outcome, by stage, on the emulator: `cargo xtask bench outcome`.
//!
//! The functions are built for release. Photos are put one after the other, each when the one before is answered, so what
//! is measured is a photo's way and no throughput. Prints, and writes `infra/bench/outcome.{md,json}`. No limit is set here. The
//! emulator takes part of each call's time, and the machine may have others to serve: times are no promise about AWS.

#[path = "../bench_start/machine.rs"]
mod machine;
mod stages;

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use coffeeshop_aws::SystemClock;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_local::app::App;
use coffeeshop_local::{Options, Stack, repo_root};

use crate::stages::{Way, answered, beyond_pixels_median, table};

/// How many photos are measured.
const PHOTOS: usize = 60;
/// How many are put before: the function is started, connections are made.
const WARM_UP: usize = 5;
const ANSWER_MAX: Duration = Duration::from_secs(30);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it prints what it measures")]
async fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let (whence, folder) = match folder {
        Some(folder) => ("photos of a folder that was named", folder),
        None => ("the fixtures in `fixtures/images/jpeg`, which are small", repo_root().join("fixtures/images/jpeg")),
    };
    let photos = read(&folder)?;
    let options = Options {
        stack_name: "outcome".to_owned(),
        profile: "release",
        progress: |line| println!("{line}"),
        ..Options::new()
    };
    let stack = Stack::start(&options).await?;
    let measured = measure(&stack, &photos).await;
    let measured = measured.with_context(|| format!("the log is {}", stack.log_path().display()));
    stack.stop().await?;
    let (first, ways) = measured?;

    let report = report(whence, photos.len(), &first, &ways);
    println!("\n{report}");
    // What `cargo xtask bench cost` reads.
    let median = format!("{{ \"beyond_pixels_ms_median\": {:.2} }}\n", beyond_pixels_median(&ways));
    for (file, content) in [("outcome.md", report), ("outcome.json", median)] {
        let path = repo_root().join("infra/bench").join(file);
        fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// All JPEGs of a folder, by name.
fn read(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let files = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths = files.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    paths.sort();
    ensure!(!paths.is_empty(), "no photos in {}", folder.display());
    paths.iter().map(|path| Ok(fs::read(path)?)).collect()
}

/// The way of the very first photo, and those of the photos after the warm-up.
async fn measure(stack: &Stack, photos: &[Vec<u8>]) -> Result<(Way, Vec<Way>)> {
    let app = App::new(stack.info())?;
    let mut log = Log { path: stack.log_path().to_owned(), read: 0 };
    let mut ways = Vec::new();
    for (i, bytes) in photos.iter().cycle().take(WARM_UP + PHOTOS).enumerate() {
        let photo = PhotoKey::from_original(&format!("uploads/bench/outcome-{i}"))?;
        let bytes = bytes.clone();
        let begun = SystemClock.now();
        app.upload(&photo, bytes, None).await?;
        let put = SystemClock.now();
        let line = log.until_answered(&photo).await?;
        ensure!(app.outcome(&photo).await?.is_some(), "{photo} is said to be answered and has no outcome");
        ways.push(Way::new(begun, put, &line)?);
    }
    let measured = ways.split_off(WARM_UP);
    Ok((ways.swap_remove(0), measured))
}

/// What the emulator and the functions log.
struct Log {
    path: PathBuf,
    read: u64,
}

impl Log {
    async fn until_answered(&mut self, photo: &PhotoKey) -> Result<serde_json::Value> {
        let begun = Instant::now();
        while begun.elapsed() < ANSWER_MAX {
            for line in self.news()?.lines() {
                if let Some(line) = answered(line, photo.photo_id.as_str()) {
                    return Ok(line);
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!("{photo} was not answered within {ANSWER_MAX:?}")
    }

    /// The whole lines that came since this was last asked for.
    fn news(&mut self) -> Result<String> {
        let mut file = fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes.truncate(whole);
        self.read += whole as u64;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn report(whence: &str, photos: usize, first: &Way, ways: &[Way]) -> String {
    let date = SystemClock.now().strftime("%Y-%m-%d");
    let machine = machine::described();
    format!(
        "# From put to outcome\n\n\
         By `cargo xtask bench outcome`, {date}, on {machine}. {n} photos, one after the other, of \
         {photos} files: {whence}. Functions built for release, on the emulator, which takes part of each call's time. \
         Milliseconds.\n\n{table}\n\
         *Beyond pixels* is all that the function does for a photo but `inspect` and what follows it up to `put`. Between \
         the put and the function are S3's notification, the queue, its poll and the invocation: the emulator's. \
         The very first photo, with the start of the function and its first connections: {cold:.0} ms beyond pixels.\n",
        n = ways.len(),
        table = table(ways),
        cold = first.beyond_pixels(),
    )
}
