//! The photos of a plan sent to the queue of uploads, in its order, with the journal always ahead.
//!
//! `sending` is on disk before a request is sent, `sent` after. The plan is read from the journal while it is sent: it was
//! whole before the first request, so that nothing which this brings about is in it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::ports::{Clock as _, Content, NotSent, PortError, Queues as _};
use coffeeshop_core::reprocess::ReprocessRequest;

use super::entry::Entry;
use super::plan::Plan;
use crate::attempts::{ATTEMPTS_MAX, Attempts};
use crate::cli::values::{Rate, RunId};
use crate::dlq::pace::Limiter;
use crate::dlq::run::in_words;
use crate::dlq::stop::Stop;
use crate::failure::Why;
use crate::journal::{Journal, JournalError};
use crate::wiring::{PhotoPorts, Wiring};

/// After how many groups of which nothing could be sent, one after the other, it is no use to go on.
const BARREN_GROUPS_MAX: u32 = 3;

/// How many photos are sent at once: a tenth of a second's, in calls of up to ten side by side.
fn group_photos(Rate(rate): Rate) -> usize {
    const CALL_PHOTOS: u32 = 10;
    const CALLS_AT_ONCE: u32 = 8;
    let photos = (rate / 10).clamp(CALL_PHOTOS, CALL_PHOTOS * CALLS_AT_ONCE).min(rate);
    usize::try_from(photos).unwrap_or(1)
}

/// A run on the photos of its plan.
pub(crate) struct Run<'a, P: Wiring> {
    pub(crate) id: &'a RunId,
    pub(crate) ports: &'a PhotoPorts<'a, P>,
    pub(crate) rate: Rate,
    pub(crate) stop: &'a Stop,
    pub(crate) journal: Journal,
    pub(crate) plan: RefCell<Plan>,
    /// What became of those that this process could not send, in words, by their positions.
    pub(crate) failures: RefCell<BTreeMap<u64, String>>,
    pub(crate) barren: Cell<u32>,
}

/// The first so many photos of the plan, with their positions, from the journal.
pub(crate) fn planned(
    journal: &Journal,
    run: &RunId,
    photos: u64,
) -> Result<impl Iterator<Item = Result<(u64, PhotoKey), JournalError>>, JournalError> {
    let planned = journal.lines(run)?.filter_map(|entry| match entry {
        Ok(Entry::Planned(photo)) => Some(Ok(photo)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    // What is written behind them is not read.
    Ok((0..photos).zip(planned).map(|(position, photo)| photo.map(|photo| (position, photo))))
}

type Group = Vec<(u64, PhotoKey)>;

impl<P: Wiring> Run<'_, P> {
    /// Sends what is not sent. Ends when there is no more, when somebody wants to stop, or when it is no use. `progress`
    /// hears from time to time how many are sent.
    pub(crate) async fn send(&self, progress: impl Fn(u64)) -> Result<(), Why> {
        let total = self.plan.borrow().counts().planned;
        let limiter = Limiter::new(self.ports.clock, Some(self.rate));
        let is_due = |position: u64| self.plan.borrow().is_due(position);
        let planned = planned(&self.journal, self.id, total)?;
        let mut due = planned.filter(|it| it.as_ref().map_or(true, |(position, _)| is_due(*position)));
        loop {
            let group = due.by_ref().take(group_photos(self.rate)).collect::<Result<Group, _>>()?;
            if group.is_empty() {
                return Ok(());
            }
            limiter.pass(group.len()).await;
            if self.stop.is_requested() {
                return Err(Why::Interrupted { repairs: false });
            }
            self.group(group).await?;
            progress(self.plan.borrow().counts().sent);
        }
    }

    async fn group(&self, mut waiting: Group) -> Result<(), Why> {
        self.note([Entry::Sending { positions: waiting.iter().map(|(position, _)| *position).collect() }])?;
        let (mut failed, mut sent_some) = (None, false);
        let mut pauses = Attempts::new(self.ports.clock);
        for attempt in 1..=ATTEMPTS_MAX {
            if waiting.is_empty() {
                break;
            }
            pauses.pause_before(attempt - 1).await;
            let contents = waiting.iter().map(|(_, photo)| request(photo)).collect::<Result<Vec<_>, _>>()?;
            let results = self.ports.queues.send(&self.ports.places.uploads, &contents).await;
            let (mut entries, mut sent, mut again) = (Vec::new(), Vec::new(), Vec::new());
            for ((position, photo), result) in waiting.into_iter().zip(results) {
                match result {
                    Ok(_) => sent.push(position),
                    Err(NotSent { certain: true, error }) if error.busy && attempt < ATTEMPTS_MAX => {
                        again.push((position, photo));
                    }
                    Err(NotSent { certain, error }) => {
                        let words = in_words(&error);
                        if certain {
                            entries.push(Entry::NotSent { position, error: words.clone() });
                        }
                        self.failures.borrow_mut().insert(position, words);
                        failed.get_or_insert(error);
                    }
                }
            }
            sent_some |= !sent.is_empty();
            entries.extend((!sent.is_empty()).then_some(Entry::Sent { positions: sent }));
            self.note(entries)?;
            waiting = again;
        }
        self.is_of_use(failed, sent_some)
    }

    /// An error when nothing could be sent for too long.
    fn is_of_use(&self, failed: Option<PortError>, sent_some: bool) -> Result<(), Why> {
        self.barren.set(if sent_some { 0 } else { self.barren.get() + 1 });
        match failed {
            Some(error) if self.barren.get() >= BARREN_GROUPS_MAX => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// On disk, then in memory.
    fn note(&self, entries: impl IntoIterator<Item = Entry>) -> Result<(), Why> {
        let entries: Vec<Entry> = entries.into_iter().collect();
        if !entries.is_empty() {
            self.journal.flush(self.ports.clock.now(), &entries)?;
            self.plan.borrow_mut().hear_all(&entries);
        }
        Ok(())
    }
}

fn request(photo: &PhotoKey) -> Result<Content, PortError> {
    let body = serde_json::to_string(&ReprocessRequest { reprocess: photo.clone() });
    let body = body.map_err(|error| PortError::new("queues.send", error))?;
    Ok(Content { body, ..Content::default() })
}
