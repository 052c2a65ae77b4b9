//! Which messages of a place somebody means.
//!
//! What is done with them is not known here.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;

use coffeeshop_core::place::{Place, Resting};
use coffeeshop_core::ports::{Message, MessageId};
use jiff::Timestamp;

use super::about::About;
use super::batch::Batch;
use super::group::Fingerprint;
use crate::cli::dlq::Selection;
use crate::failure::Why;

/// A message, and what can be seen of it.
pub(crate) struct Seen<'a> {
    pub(crate) message: &'a Message,
    pub(crate) about: About,
    pub(crate) fingerprint: Fingerprint,
    /// Of an archive.
    pub(crate) batch: Option<Batch>,
}

impl<'a> Seen<'a> {
    /// A message of this place.
    pub(crate) fn of(message: &'a Message, place: &Place) -> Self {
        let batch = match place.resting {
            Resting::Queue { .. } => None,
            Resting::Archives(_) => Batch::parse(&message.content.body).ok(),
        };
        let (about, fingerprint) = if let Some(batch) = &batch {
            let about = About::of_batch(batch);
            let fingerprint = Fingerprint::of_batch(batch, place.function());
            (about, fingerprint)
        } else {
            let about = About::of(&message.content.body);
            let fingerprint = Fingerprint::of(&message.content, &about, place.function());
            (about, fingerprint)
        };
        Self { message, about, fingerprint, batch }
    }
}

/// A selection that can be asked.
pub(crate) struct Selector<'a> {
    selection: &'a Selection,
    place: &'a Place,
    /// Those that are meant, and whether they were seen.
    ids: Option<RefCell<BTreeMap<MessageId, bool>>>,
    /// How many messages were meant.
    meant: Cell<u64>,
}

impl<'a> Selector<'a> {
    /// Reads the file of ids, if there is one.
    pub(crate) fn new(selection: &'a Selection, place: &'a Place) -> Result<Self, Why> {
        let ids = selection.ids.as_ref().map(|path| {
            let text = fs::read_to_string(path).map_err(|cause| Why::File { path: path.clone(), cause })?;
            let words = text.trim_start_matches('\u{feff}').split_whitespace();
            let ids = words.map(|id| (MessageId(id.trim_matches('"').into()), false));
            Ok::<_, Why>(RefCell::new(ids.collect()))
        });
        Ok(Self { selection, place, ids: ids.transpose()?, meant: Cell::new(0) })
    }

    /// Whether this message is meant.
    pub(crate) fn takes(&self, message: &Message) -> bool {
        let takes = self.is_meant(message);
        self.meant.set(self.meant.get() + u64::from(takes));
        takes
    }

    fn is_meant(&self, message: &Message) -> bool {
        let Selection { group, since, until, shop, ids: _, max: _ } = self.selection;
        let first_sent = |at: Timestamp| message.sent_at >= at;
        if !self.has_id(message) || since.is_some_and(|since| !first_sent(since)) || until.is_some_and(first_sent) {
            return false;
        }
        if group.is_none() && shop.is_none() {
            return true;
        }
        let seen = Seen::of(message, self.place);
        shop.as_ref().is_none_or(|shop| seen.about.shops.contains(shop))
            && group.as_ref().is_none_or(|group| seen.fingerprint.id() == *group)
    }

    fn has_id(&self, message: &Message) -> bool {
        let Some(ids) = &self.ids else { return true };
        ids.borrow_mut().get_mut(&message.id).is_some_and(|seen| {
            *seen = true;
            true
        })
    }

    /// What is in the file of ids, and was not seen. When something was chosen, it must have been there.
    pub(crate) fn missing(&self) -> Result<Vec<MessageId>, Why> {
        let Selection { group, since, until, shop, ids, max: _ } = self.selection;
        let is_choice = group.is_some() || since.is_some() || until.is_some() || shop.is_some() || ids.is_some();
        if is_choice && self.meant.get() == 0 {
            return Err(Why::NothingMeant { place: self.place.name.clone() });
        }
        let Some(ids) = &self.ids else { return Ok(Vec::new()) };
        Ok(ids.borrow().iter().filter(|(_, seen)| !**seen).map(|(id, _)| id.clone()).collect())
    }
}
