//! A file that is there when it is whole: written beside its place, and renamed.
//!
//! When it is dropped before, nothing stays; a process that is killed leaves a file whose name begins with `.coffeeshop-`.

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What anybody may do with it, as far as the process lets them.
const MODE: u32 = 0o666;

/// A file on its way.
#[derive(Debug)]
pub(crate) struct WholeFile {
    place: PathBuf,
    beside: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// An empty one. What is in its place stays for now; it must be a file.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        // Not the link is replaced, but what it points to.
        let place = match fs::canonicalize(path) {
            Ok(place) if !place.is_file() => return Err(io::Error::other("it is there, and is not a file")),
            Ok(place) => place,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = tempfile::Builder::new()
            .prefix(".coffeeshop-")
            .permissions(Permissions::from_mode(MODE))
            .tempfile_in(folder)?;
        Ok(Self { place, beside: BufWriter::new(beside) })
    }

    /// It is whole: it takes its place.
    pub(crate) fn keep(self) -> io::Result<()> {
        let beside = self.beside.into_inner().map_err(io::IntoInnerError::into_error)?;
        beside.as_file().sync_all()?;
        beside.persist(self.place)?;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.beside.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.beside.flush()
    }
}
