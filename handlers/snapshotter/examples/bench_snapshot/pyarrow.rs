//! `pyarrow` in a process of its own, with the same rows in its memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::Took;

const PROGRAM: &str = include_str!("writer.py");

/// It answers a line with a line.
pub(crate) struct Pyarrow {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pyarrow {
    /// Has it read the file.
    pub(crate) fn start(python: &Path, file: &[u8], group_rows: usize) -> Result<Self> {
        let mut process = Command::new(python)
            .args(["-c", PROGRAM, &file.len().to_string(), &group_rows.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("Python does not start")?;
        let (questions, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(mut questions), Some(answers)) = (questions, answers) else { bail!("Python has no pipes") };
        questions.write_all(file)?;
        Ok(Self { process, questions, answers: BufReader::new(answers) })
    }

    /// Has it write all rows.
    pub(crate) fn write(&mut self, how: &str) -> Result<Took> {
        let answer = self.ask(how)?;
        let (nanoseconds, bytes) = answer.split_once(' ').context("no answer of pyarrow")?;
        Ok(Took { on_the_core: Duration::from_nanos(nanoseconds.parse()?), bytes: bytes.parse()? })
    }

    /// Whether what it wrote last are the rows of the file.
    pub(crate) fn reads_the_same(&mut self) -> Result<bool> {
        Ok(self.ask("same")? == "True")
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        writeln!(self.questions, "{question}")?;
        self.questions.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "pyarrow ended");
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Pyarrow {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
