//! The command killed when its journal says so.
//!
//! What is to be done after a kill is the test's business.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::pipeline::Said;

/// How often the journal is read.
const LOOK: Duration = Duration::from_micros(200);

/// How long the command may take.
const RUN_MAX: Duration = Duration::from_mins(2);

/// When to kill: as soon as the journal has the `nth` line of this event that this process wrote.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kill {
    pub(super) event: &'static str,
    pub(super) nth: usize,
}

/// How a process ended.
pub(super) enum End {
    /// By SIGKILL, when this was the last that it had written.
    Killed(String),
    /// Before.
    Through(Said),
}

/// The one journal below a folder, once there is one.
pub(super) fn journal(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.map(|file| file.unwrap().path());
    let mut journals = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let journal = journals.next();
    assert_eq!(journals.next(), None, "one run is one journal");
    journal
}

/// The whole lines of it.
pub(super) fn lines(journal: &Path) -> Vec<Value> {
    let text = fs::read_to_string(journal).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs the command until the journal below `folder` says that it is to be killed, or to its end.
pub(super) async fn run_until(mut command: Command, folder: PathBuf, kill: Kill) -> End {
    let watched = tokio::task::spawn_blocking(move || {
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| folder.with_extension(name));
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let before = journal(&folder).map_or(0, |journal| lines(&journal).len());
        command.stdin(Stdio::null()).stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let mut child = command.spawn().unwrap();
        let (begun, mut length) = (Instant::now(), 0);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                let [stdout, stderr] = [stdout, stderr].map(|path| fs::read_to_string(path).unwrap());
                return End::Through(Said { stdout, stderr, status: status.code() });
            }
            let journal = journal(&folder);
            let now = journal.as_ref().map_or(0, |journal| fs::metadata(journal).unwrap().len());
            if now > length {
                length = now;
                let written = lines(journal.as_ref().unwrap());
                let of_event = written.iter().skip(before).filter(|line| line["event"] == kill.event).count();
                if of_event >= kill.nth {
                    break;
                }
            }
            assert!(begun.elapsed() < RUN_MAX, "it never ends");
            sleep(LOOK);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines(&journal(&folder).unwrap()).pop().unwrap();
        End::Killed(last["event"].as_str().unwrap().to_owned())
    });
    watched.await.unwrap()
}
