//! The gap `queue_lock`: a message that SQS has accepted is not lost.
//!
//! It is about threads of the emulator, so it is tried inside it, with `queue_lock.py`.

use std::path::Path;
use std::process::Command;

use coffeeshop_local::{python, repo_root};

#[test]
fn whoever_sends_waits_for_the_lock_and_no_message_is_lost() {
    let venv = python::venv(&repo_root(), |_| ()).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(venv.tool("python"))
        .arg(here.join("tests/it/queue_lock.py"))
        .env_clear()
        .envs([("PYTHONDONTWRITEBYTECODE", "1"), ("MINISTACK_REGION", "eu-central-1")])
        .env("PYTHONPATH", here)
        .output()
        .unwrap();
    let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["3 of 3 wait", "lost 0 of 6000"], "{log}");
}
