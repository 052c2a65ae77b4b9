//! What a run did, a line of JSON each, on disk before it goes on: who comes after a kill knows what there is to do.
//!
//! What the lines say, and what follows from it, is for who writes them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cli::values::RunId;

/// How often it is tried to lock a journal: a process that is just being started may have a copy of it for a moment.
const LOCK_TRIES: u32 = 20;

const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line<E> {
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) entry: E,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is none of that name.
    #[error("there is no run `{run}` on this machine: its journal would be {}", path.display())]
    NoRun {
        /// The run.
        run: RunId,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process works on it.
    #[error("run `{0}` is under way, in another process")]
    UnderWay(RunId),
    /// A line makes no sense.
    #[error("line {line} of the journal of `{run}` makes no sense")]
    Malformed {
        /// The run.
        run: RunId,
        /// Which line, the first being 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// The file.
    #[error("the journal {} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// The journal of a run, which only one process has at a time.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// A new one.
    pub(crate) fn create(folder: &Path, run: &RunId) -> Result<Self, JournalError> {
        let path = path(folder, run);
        let failed = |cause| JournalError::File { path: path.clone(), cause };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = private(OpenOptions::new().read(true).append(true).create_new(true)).open(&path).map_err(failed)?;
        Self::claimed(file, path, run)
    }

    /// The one of an earlier process.
    pub(crate) fn open(folder: &Path, run: &RunId) -> Result<Self, JournalError> {
        let path = path(folder, run);
        match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => Self::claimed(file, path, run),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(JournalError::NoRun { run: run.clone(), path })
            }
            Err(cause) => Err(JournalError::File { path, cause }),
        }
    }

    fn claimed(file: File, path: PathBuf, run: &RunId) -> Result<Self, JournalError> {
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                // Where files cannot be locked, nobody is kept from anything.
                Err(TryLockError::Error(_)) | Ok(()) => return Ok(Self { file, path }),
            }
        }
        Err(JournalError::UnderWay(run.clone()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes lines, in one write; a kill of this process does not undo it.
    pub(crate) fn write(
        &self,
        at: Timestamp,
        entries: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<(), JournalError> {
        let failed = |path: &Path, cause| JournalError::File { path: path.to_owned(), cause };
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &Line { at, entry }).map_err(|error| failed(&self.path, error.into()))?;
            lines.push(b'\n');
        }
        let length = self.file.metadata().map_err(|cause| failed(&self.path, cause))?.len();
        (&self.file).write_all(&lines).map_err(|cause| {
            // A half line would spoil whatever is written behind it. Where even that does not work, `read` cuts it off.
            drop(self.file.set_len(length));
            failed(&self.path, cause)
        })
    }

    /// The same, and neither does a loss of power.
    pub(crate) fn flush(
        &self,
        at: Timestamp,
        entries: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<(), JournalError> {
        self.write(at, entries)?;
        self.file.sync_data().map_err(|cause| JournalError::File { path: self.path.clone(), cause })
    }

    /// Its lines so far, one after the other, on a handle of its own: it can be written to meanwhile.
    pub(crate) fn lines<E: DeserializeOwned>(&self, run: &RunId) -> Result<Lines<E>, JournalError> {
        let file = File::open(&self.path).map_err(|cause| JournalError::File { path: self.path.clone(), cause })?;
        Ok(Lines {
            reader: BufReader::new(file),
            path: self.path.clone(),
            run: run.clone(),
            line: 0,
            entry: PhantomData,
        })
    }

    /// Calls `hear` with each line. A last line that is not whole is of a process that died while it wrote: it is cut off,
    /// or what comes next would be written behind it.
    pub(crate) fn read<E: DeserializeOwned>(
        &self,
        run: &RunId,
        mut hear: impl FnMut(Line<E>),
    ) -> Result<(), JournalError> {
        let failed = |cause| JournalError::File { path: self.path.clone(), cause };
        let mut file = &self.file;
        file.rewind().map_err(failed)?;
        let (mut reader, mut text, mut whole) = (BufReader::new(file), Vec::new(), 0);
        for line in 1.. {
            text.clear();
            let length = reader.read_until(b'\n', &mut text).map_err(failed)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            whole += length as u64;
            let malformed = |cause| JournalError::Malformed { run: run.clone(), line, cause };
            hear(serde_json::from_slice(&text).map_err(malformed)?);
        }
        self.file.set_len(whole).map_err(failed)
    }
}

/// The lines of a journal.
pub(crate) struct Lines<E> {
    reader: BufReader<File>,
    path: PathBuf,
    run: RunId,
    line: usize,
    entry: PhantomData<E>,
}

/// Without the last line, where that is not whole.
impl<E: DeserializeOwned> Iterator for Lines<E> {
    type Item = Result<E, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut text, run, line) = (Vec::new(), &self.run, self.line + 1);
        self.line = line;
        match self.reader.read_until(b'\n', &mut text) {
            Err(cause) => Some(Err(JournalError::File { path: self.path.clone(), cause })),
            Ok(_) if text.last() != Some(&b'\n') => None,
            Ok(_) => {
                let malformed = |cause| JournalError::Malformed { run: run.clone(), line, cause };
                Some(serde_json::from_slice(&text).map(|Line { entry, .. }| entry).map_err(malformed))
            }
        }
    }
}

/// What is made so can be read by its owner alone: what messages say may be private.
pub(crate) fn private(options: &mut OpenOptions) -> &OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Where the journal of a run is.
pub(crate) fn path(folder: &Path, run: &RunId) -> PathBuf {
    folder.join(format!("{run}.jsonl"))
}

/// Where the receipts of a run are.
pub(crate) fn spool_path(folder: &Path, run: &RunId) -> PathBuf {
    folder.join(format!("{run}.receipts"))
}

/// Where what a run discards is archived, unless it is to be elsewhere.
pub(crate) fn archive_path(folder: &Path, run: &RunId) -> PathBuf {
    folder.join(format!("{run}.archive.jsonl"))
}
