//! The archives of a plan replayed, one after the other, in the order of their records.
//!
//! A batch goes to the function in parts that it takes, in order. A part that fails is halved, as Lambda does it, until
//! single records are left over. An archive is deleted only when each of its records is done, or is in an archive of
//! its own: one for each part that is left over. When nothing of it could be done, it stays as it is. Which
//! archives there are is decided before, in `plan`.

use std::collections::{BTreeSet, VecDeque};
use std::io::Write as _;
use std::ops::Range;

use coffeeshop_core::place::{Archives, TargetFunction};
use coffeeshop_core::ports::{
    Clock as _, INVOCATION_BYTES_MAX, MessageId, NotReadBack, Objects as _, PortError, Streams as _,
};
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::replayed::Replayed;
use serde_json::value::RawValue;
use tempfile::NamedTempFile;

use super::archives::{Read, read};
use super::batch::{self, Batch};
use super::entry::Entry;
use super::function::Handled;
use super::plan::State;
use super::run::{Run, Work, in_words};
use crate::failure::Why;
use crate::wiring::Wiring;

/// After how many archives of which nothing could be done because something did not answer, it is no use to go on.
const BARREN_ARCHIVES_MAX: u32 = 3;

/// After how many single records that failed, and none that was done, parts are not halved any more.
const BARREN_RECORDS_MAX: u32 = 3;

/// What became of the records of an archive.
#[derive(Debug, Default)]
struct Outcome {
    done: usize,
    /// Those that are not done, with why.
    left: Vec<(Range<usize>, String)>,
    /// How many single records failed before one was done.
    barren: u32,
}

impl<P: Wiring> Run<'_, P> {
    /// Replays up to `limit` archives of the plan, or deletes those that are in another archive already; how many were done.
    pub(super) async fn pass_archives(
        &self,
        from: &Archives,
        limit: u64,
        mut progress: impl AsyncFnMut(u64) -> Result<(), Why>,
    ) -> Result<u64, Why> {
        let (mut begun, mut done, mut barren) = (0, 0, 0);
        let planned = self.plan.borrow().in_order();
        for id in planned {
            if begun >= limit || self.stop.is_requested() {
                break;
            }
            let state = self.plan.borrow().state_of(&id);
            let is_to_be_replayed = match state {
                Some(State::Waiting | State::InDoubt) => true,
                Some(State::Sent) => false,
                _ => continue,
            };
            self.limiter.pass(1).await;
            begun += u64::from(is_to_be_replayed);
            match self.archive(from, &id, is_to_be_replayed).await {
                Ok(is_done) => {
                    done += u64::from(is_done && is_to_be_replayed);
                    barren = 0;
                }
                Err(Why::Port(error)) => {
                    self.note_failure(&id, in_words(&error));
                    barren += 1;
                    if barren >= BARREN_ARCHIVES_MAX {
                        return Err(error.into());
                    }
                }
                Err(why) => return Err(why),
            }
            let gone = self.plan.borrow().done();
            progress(gone).await?;
        }
        Ok(done)
    }

    /// One archive; whether it is done.
    async fn archive(&self, from: &Archives, id: &MessageId, is_to_be_replayed: bool) -> Result<bool, Why> {
        let text = match read(self.ports.objects, &from.bucket, &id.0).await? {
            Read::Text(text) if self.plan.borrow().is_as_planned(id, &text) => text,
            Read::Nothing if is_to_be_replayed => {
                self.note_not_sent(id, "it is not there any more: somebody else replayed or deleted it".to_owned())?;
                return Ok(false);
            }
            Read::Nothing => {
                self.note(vec![Entry::Gone { id: id.clone() }], [id].into_iter(), State::Done)?;
                return Ok(self.plan.borrow().is_done(id));
            }
            Read::Text(_) | Read::NoText => {
                self.note_not_sent(id, "somebody else wrote it anew".to_owned())?;
                return Ok(false);
            }
        };
        if let (Work::Send { to, .. }, true) = (&self.work, is_to_be_replayed) {
            let Some(function) = to.as_function() else { return Ok(false) };
            self.note_sending([id].into_iter())?;
            if !self.replay(from, function, id, &text).await? {
                return Ok(false);
            }
        }
        self.ports.objects.delete(&from.bucket, &id.0).await?;
        self.note(vec![Entry::Deleted { id: id.clone() }], [id].into_iter(), State::Done)?;
        Ok(self.plan.borrow().is_done(id))
    }

    /// Hands the records over; whether each is done, or in an archive of its own by now.
    async fn replay(
        &self,
        from: &Archives,
        function: &TargetFunction,
        id: &MessageId,
        text: &str,
    ) -> Result<bool, Why> {
        let (batch, records) = match self.records(text).await? {
            Ok(read) => read,
            Err(why) => {
                self.note_not_sent(id, why)?;
                return Ok(false);
            }
        };
        let before = batch.replayed.as_deref().and_then(|replayed| replayed.parse::<Replayed>().ok());
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        let replayed = Replayed { times, run: self.id.to_string() }.to_string();
        let outcome = self.hand_over_all(function, &records, &replayed).await;
        // Also after an error: nobody knows what the function did.
        let named: BTreeSet<RatingKey> = batch::ratings(&records);
        let held = self.hold(function, &named).await;
        let Some(outcome) = outcome? else { return Ok(false) };
        if let Some(why) = held? {
            self.note_failure(id, why);
            return Ok(false);
        }
        self.records_done.set(self.records_done.get() + outcome.done as u64);
        let Outcome { done, left, .. } = outcome;
        if left.is_empty() {
            self.note(vec![Entry::Sent { id: id.clone(), new_id: None }], [id].into_iter(), State::Sent)?;
            return Ok(true);
        }
        let (count, why) = (records.len(), left.first().map(|(_, why)| why.clone()).unwrap_or_default());
        // What was read back from the stream will not be there for long.
        if done == 0 && batch.payload.is_some() {
            self.note_not_sent(id, format!("none of its {count} records could be done: {why}"))?;
            return Ok(false);
        }
        let mut parts = Vec::new();
        for (range, _) in &left {
            let part = batch::part(&id.0, text, records.get(range.clone()).unwrap_or_default(), &replayed);
            let (key, part) = part.map_err(|error| PortError::new("archives.part", error))?;
            self.put_part(from, &key, &part).await?;
            parts.push(MessageId(key.into()));
        }
        let is_left: usize = left.iter().map(|(range, _)| range.len()).sum();
        let entry = Entry::Parted { id: id.clone(), parts: parts.clone(), records: is_left as u64, error: why.clone() };
        self.journal.flush(self.ports.clock.now(), [entry])?;
        self.plan.borrow_mut().part(id, &parts, is_left as u64, &why);
        Ok(true)
    }

    /// The records of an archive, from the stream if they are not in it; else why there are none.
    async fn records(&self, text: &str) -> Result<Result<(Batch, Vec<Box<RawValue>>), String>, PortError> {
        let batch = match Batch::parse(text) {
            Ok(batch) => batch,
            Err(why) => return Ok(Err(why)),
        };
        let records = match &batch.payload {
            Some(payload) => match batch::records(payload) {
                Ok(records) => records,
                Err(why) => return Ok(Err(why)),
            },
            None => match self.ports.streams.read(&batch.range()).await {
                Ok(records) => {
                    let records = records.into_iter().map(RawValue::from_string).collect::<Result<Vec<_>, _>>();
                    records.map_err(|error| PortError::new("streams.read", error))?
                }
                Err(NotReadBack::Trimmed) => {
                    let why = "it has no records, and the stream has them no more";
                    return Ok(Err(format!("{why}: {}", self.if_trimmed)));
                }
                Err(NotReadBack::Failed(error)) => return Err(error),
            },
        };
        let (found, size) = (records.len() as u64, batch.size());
        // What is lost must not go with what is not.
        if found == 0 || found < size {
            return Ok(Err(format!("there are only {found} of its {size} records: {}", self.if_trimmed)));
        }
        Ok(Ok((batch, records)))
    }

    /// Hands records over, in their order, and in as many parts as it takes; `None`: somebody wants to stop.
    async fn hand_over_all(
        &self,
        function: &TargetFunction,
        records: &[Box<RawValue>],
        replayed: &str,
    ) -> Result<Option<Outcome>, PortError> {
        let mut outcome = Outcome::default();
        let mut open = cut(records, batch::event_bytes(replayed), INVOCATION_BYTES_MAX);
        while let Some(range) = open.pop_front() {
            if self.stop.is_requested() {
                return Ok(None);
            }
            let part = records.get(range.clone()).unwrap_or_default();
            let (done, why) = match self.invoke(function, part, replayed).await? {
                Handled::UpTo(done) => (done, "the function gave them back".to_owned()),
                Handled::Failed(why) => (0, why),
            };
            outcome.done += done;
            outcome.go_on(range.start + done..range.end, done > 0, why, &mut open);
        }
        Ok(Some(outcome))
    }

    /// Puts a part where nothing may be yet; what is there already is the same, of an earlier process of this run.
    async fn put_part(&self, from: &Archives, key: &str, text: &str) -> Result<(), Why> {
        let mut file = NamedTempFile::new().map_err(Why::Spool)?;
        file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(Why::Spool)?;
        self.ports.objects.put_new(&from.bucket, key, file.path()).await?;
        Ok(())
    }
}

impl Outcome {
    /// What is not done of a part is tried again, when some of it was done; else in two halves, or it is left over.
    fn go_on(&mut self, rest: Range<usize>, is_begun: bool, why: String, open: &mut VecDeque<Range<usize>>) {
        if rest.is_empty() {
            return;
        }
        if is_begun {
            open.push_front(rest);
            return;
        }
        let is_hopeless = self.done == 0 && self.barren >= BARREN_RECORDS_MAX;
        if rest.len() > 1 && !is_hopeless {
            let middle = rest.start + rest.len().div_ceil(2);
            open.push_front(middle..rest.end);
            open.push_front(rest.start..middle);
            return;
        }
        self.barren += 1;
        self.left.push((rest, why));
    }
}

/// Records in parts, in their order, each of which makes an event of at most so many bytes. One that is larger alone is a
/// part, too: the function will not take it.
fn cut(records: &[Box<RawValue>], event_bytes: usize, bytes_max: usize) -> VecDeque<Range<usize>> {
    let (mut parts, mut begin, mut bytes) = (VecDeque::new(), 0, event_bytes);
    for (i, record) in records.iter().enumerate() {
        // And a comma.
        let more = record.get().len() + 1;
        if i > begin && bytes + more > bytes_max {
            parts.push_back(begin..i);
            (begin, bytes) = (i, event_bytes);
        }
        bytes += more;
    }
    if begin < records.len() {
        parts.push_back(begin..records.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_large_as_can_be() {
        let records: Vec<Box<RawValue>> =
            [10, 20, 30, 100, 5].map(|length| RawValue::from_string("1".repeat(length)).unwrap()).into();
        let parts = |bytes_max| cut(&records, 7, bytes_max).into_iter().collect::<Vec<_>>();
        assert_eq!(parts(1000), std::slice::from_ref(&(0..5)));
        // 7 + 11 + 21 + 31
        assert_eq!(parts(70), [0..3, 3..4, 4..5]);
        assert_eq!(parts(69), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(parts(1), [0..1, 1..2, 2..3, 3..4, 4..5]);
        assert!(cut(&[], 7, 1000).is_empty());
    }
}
