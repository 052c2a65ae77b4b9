//! The receipts of all that is held, in a file: a hundred thousand of them are more than a person's memory should pay for,
//! and who comes after a kill can give them back.
//!
//! Giving back itself is `sweep`'s.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use coffeeshop_core::ports::{Message, MessageId, Receipt};

use crate::journal::private;

/// Messages that were received, with the receipt of each.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    /// `None`: nobody else sees it.
    path: Option<PathBuf>,
}

impl Spool {
    /// One that nobody else sees, and that is gone with this process.
    pub(crate) fn anonymous() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, path: None })
    }

    /// The one at `path`, with what is in it.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let file = private(OpenOptions::new().read(true).append(true).create(true)).open(path)?;
        Ok(Self { file, path: Some(path.to_owned()) })
    }

    /// Remembers messages, in one write, which a kill of this process does not undo.
    pub(crate) fn hold(&self, messages: &[Message]) -> io::Result<()> {
        let mut lines = Vec::new();
        for Message { id, receipt, .. } in messages {
            serde_json::to_writer(&mut lines, &(id, &receipt.0))?;
            lines.push(b'\n');
        }
        let mut file = &self.file;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&lines)
    }

    /// Everything that is held, the earliest first.
    pub(crate) fn held(&self) -> io::Result<impl Iterator<Item = io::Result<(MessageId, Receipt)>> + '_> {
        let mut file = &self.file;
        file.rewind()?;
        // A line that is not whole is of a process that died while it wrote: its message comes back by itself.
        let lines = BufReader::new(file).lines();
        Ok(lines.filter_map(|line| {
            let line = match line {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            let (id, receipt) = serde_json::from_str::<(MessageId, String)>(&line).ok()?;
            Some(Ok((id, Receipt(receipt))))
        }))
    }

    /// Nobody needs it any more.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.path.as_ref().map_or(Ok(()), fs::remove_file)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) -> io::Result<()> {
        self.file.set_len(0)
    }
}
