//! `coffeeshop dlq archive` and `discard`: messages kept in a file; and then deleted, if that is wanted.
//!
//! Nothing is deleted that is not in an archive, whole and on disk, or in its bucket.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use coffeeshop_core::place::Place;
use coffeeshop_core::ports::{Message, Objects, Put};
use tempfile::NamedTempFile;

use super::run::Started;
use super::{Desk, summary};
use crate::cli::dlq::{Archive, Discard, Pace, SLICE_MESSAGES_MAX};
use crate::cli::values::Destination;
use crate::dlq::entry::Action;
use crate::dlq::record::Record;
use crate::dlq::select::Selector;
use crate::dlq::spool::Spool;
use crate::dlq::wording::unit;
use crate::failure::{Failure, Why};
use crate::journal::archive_path;
use crate::run::Verdict;
use crate::table::counted;
use crate::wiring::Wiring;

pub(crate) async fn run<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    Archive { place, to, selection }: &Archive,
) -> Result<Verdict, Failure> {
    let place = desk.place(place)?;
    let selector = Selector::new(selection, place)?;
    let mut file = Writing::to(to)?;
    let (spool, max, mut archived) = (Spool::anonymous().map_err(Why::Spool)?, selection.max.unwrap_or(u64::MAX), 0);
    let swept = desk.sweep(place, SLICE_MESSAGES_MAX, &spool, |message| {
        if selector.takes(message) && archived < max {
            archived += 1;
            file.write(message)?;
        }
        Ok(ControlFlow::Continue(()))
    });
    let swept = swept.await?;
    let missing = selector.missing()?;
    file.finish(desk.ports.objects).await?;
    if desk.invocation.json {
        let (place, to) = (&place.name, to.to_string());
        desk.output.object(&serde_json::json!({"kind": "archive", "place": place, "to": to, "messages": archived}));
    } else {
        desk.output.line(format!("{} of {} are in {to}, and still there", counted(archived, unit(place)), place.name));
    }
    summary::name(desk, "not_found", "of the file of ids, these were not found", missing.iter().map(|id| (id, None)));
    Ok(if swept.is_whole() && missing.is_empty() { Verdict::Well } else { Verdict::Amiss })
}

pub(crate) async fn discard<W: Write, P: Wiring>(desk: &Desk<'_, W, P>, discard: &Discard) -> Result<Verdict, Failure> {
    let place = desk.place(&discard.place)?;
    let selector = Selector::new(&discard.selection, place)?;
    if !discard.execute {
        return dry(desk, place, &selector, discard.selection.max.unwrap_or(u64::MAX)).await;
    }
    let run = desk.new_run(place);
    let beside = || Destination::File(archive_path(desk.ports.journals, &run));
    let to = discard.to.clone().unwrap_or_else(beside).absolute();
    std::fs::create_dir_all(desk.ports.journals)
        .map_err(|cause| Why::File { path: desk.ports.journals.into(), cause })?;
    let mut file = Writing::to(&to)?;
    let action = Action::Discard { archive: to.to_string() };
    let started = Started::begin(desk, place, &run, action, &discard.selection, &discard.audit)?;
    let started = started.plan(desk, place, &selector, None, |message| file.write(message)).await?;
    file.finish(desk.ports.objects).await?;
    desk.say(format!("archived in {to}"));
    started.execute(desk, place, None, Pace::default()).await
}

async fn dry<W: Write, P: Wiring>(
    desk: &Desk<'_, W, P>,
    place: &Place,
    selector: &Selector<'_>,
    max: u64,
) -> Result<Verdict, Failure> {
    let (spool, mut meant) = (Spool::anonymous().map_err(Why::Spool)?, 0);
    let swept = desk.sweep(place, SLICE_MESSAGES_MAX, &spool, |message| {
        meant += u64::from(selector.takes(message) && meant < max);
        Ok(ControlFlow::Continue(()))
    });
    let swept = swept.await?;
    let missing = selector.missing()?;
    if desk.invocation.json {
        desk.output.object(&serde_json::json!({"kind": "would_discard", "place": place.name, "messages": meant}));
    }
    let seen = counted(swept.seen, unit(place));
    desk.say(format!("{meant} of {seen} in {} would be archived, then deleted", place.name));
    summary::name(desk, "not_found", "of the file of ids, these were not found", missing.iter().map(|id| (id, None)));
    if meant > 0 {
        desk.say(format!("This was a dry run: nothing was deleted. To do it: {}", desk.invocation.in_earnest()));
    }
    Ok(if swept.is_whole() && missing.is_empty() { Verdict::Well } else { Verdict::Amiss })
}

/// An archive that is being written: it has another name until it is whole.
struct Writing {
    file: BufWriter<NamedTempFile>,
    to: Destination,
}

impl Writing {
    fn to(to: &Destination) -> Result<Self, Why> {
        let file = match to {
            Destination::File(path) if path.exists() => return Err(Why::Exists(to.to_string())),
            Destination::File(path) => NamedTempFile::new_in(folder(path)),
            Destination::Object { .. } => NamedTempFile::new(),
        };
        let file = BufWriter::new(file.map_err(|cause| Why::File { path: to.to_string().into(), cause })?);
        Ok(Self { file, to: to.clone() })
    }

    fn failed(&self, cause: io::Error) -> Why {
        Why::File { path: self.to.to_string().into(), cause }
    }

    fn write(&mut self, message: &Message) -> Result<(), Why> {
        let line = serde_json::to_string(&Record::from(message));
        let written = line.map_err(io::Error::from).and_then(|line| writeln!(self.file, "{line}"));
        written.map_err(|cause| self.failed(cause))
    }

    /// It is on disk then, or in its bucket.
    async fn finish(mut self, objects: &impl Objects) -> Result<(), Why> {
        let flushed = self.file.flush().and_then(|()| self.file.get_ref().as_file().sync_all());
        flushed.map_err(|cause| self.failed(cause))?;
        let Self { file, to } = self;
        let exists = || Why::Exists(to.to_string());
        let file = file.into_inner().map_err(|error| Why::Spool(error.into_error()))?;
        match &to {
            Destination::File(path) => {
                file.persist_noclobber(path).map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => exists(),
                    _ => Why::File { path: path.clone(), cause: error.error },
                })?;
                // Its name, too, must outlive a loss of power.
                let synced = File::open(folder(path)).and_then(|folder| folder.sync_all());
                synced.map_err(|cause| Why::File { path: path.clone(), cause })
            }
            Destination::Object { bucket, key } => match objects.put_new(bucket, key, file.path()).await? {
                Put::Stored => Ok(()),
                Put::LostRace => Err(exists()),
            },
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
