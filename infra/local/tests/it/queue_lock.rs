//! The gap `queue_lock`: a message that SQS has accepted is not lost.
//!
//! It is about threads of the emulator, so it is tried inside it, with `queue_lock.py`.

use std::path::Path;
use std::process::Command;

use coffeeshop_local::{python, repo_root};

/// What a script beside this file says that is run where the emulator would be; and what it logs.
pub(crate) fn inside_the_emulator(script: &str) -> (Vec<String>, String) {
    let venv = python::venv(&repo_root(), |_| ()).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(venv.tool("python"))
        .arg(here.join("tests/it").join(script))
        .env_clear()
        .envs([("PYTHONDONTWRITEBYTECODE", "1"), ("MINISTACK_REGION", "eu-central-1")])
        .env("PYTHONPATH", here)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    (said, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn whoever_sends_waits_for_the_lock_and_no_message_is_lost() {
    let (said, log) = inside_the_emulator("queue_lock.py");
    assert_eq!(said, ["3 of 3 wait", "lost 0 of 6000"], "{log}");
}
