//! Settling: the changes of each shop are read up to, decided, and committed, until nothing is left or no time is.
//!
//! All shops of a batch go through rounds together, because what they need can be read together; each is committed by
//! itself. A shop that lost a race waits a little and takes part in the next round. What a change does is decided in
//! `coffeeshop_core::ledger`.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use coffeeshop_core::ledger::{Change, Transaction, View, plan};
use coffeeshop_core::ports::{Clock, ParkReason, PortError, Put, Quarantine, ScoreStore};
use coffeeshop_core::score::ScoreKey;
use fastrand::Rng;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use crate::batch::Deps;
use crate::envelope::Record;
use crate::quarantine::quarantined;
use crate::report;

/// How many shops are committed at once.
pub(crate) const GROUPS_AT_ONCE: usize = 16;

/// The longest pause before the second round; it doubles with each round, up to [`PAUSE_MAX`].
pub(crate) const PAUSE_FIRST: Duration = Duration::from_millis(50);

/// The longest pause between two rounds.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The changes of one shop in a batch, at most one a rating.
#[derive(Debug)]
pub(crate) struct Group {
    /// The earliest record of the batch that is about this shop.
    pub(crate) first: usize,
    changes: Vec<Change>,
    /// The record of each change.
    records: Vec<usize>,
    /// Whether a contribution seemed to hold what a score does not count.
    suspect: bool,
}

impl Group {
    pub(crate) fn new(first: usize) -> Self {
        Self { first, changes: Vec::new(), records: Vec::new(), suspect: false }
    }

    pub(crate) fn push(&mut self, record: usize, change: Change) {
        self.changes.push(change);
        self.records.push(record);
    }
}

enum Verdict {
    Done,
    /// Another worker is at it, or it was too much at once.
    Again,
    /// Something is wrong with the world.
    Failed,
}

/// The work on a batch.
pub(crate) struct Settling<'a, S, Q, C> {
    deps: &'a Deps<'a, S, Q, C>,
    records: &'a [Record<'a>],
    until: Timestamp,
    jitter: Mutex<Rng>,
}

impl<'a, S: ScoreStore, Q: Quarantine, C: Clock> Settling<'a, S, Q, C> {
    /// Nothing is begun after `until`; workers with different seeds do not wait for the same time.
    pub(crate) fn new(deps: &'a Deps<'a, S, Q, C>, records: &'a [Record<'a>], until: Timestamp, seed: u64) -> Self {
        Self { deps, records, until, jitter: Mutex::new(Rng::with_seed(seed)) }
    }

    /// Returns the groups that are not done.
    pub(crate) async fn settle(&self, groups: Vec<Group>) -> Vec<Group> {
        let (mut open, mut unfinished) = (groups, Vec::new());
        for round in 0.. {
            let verdicts = self.round(open).await;
            open = Vec::new();
            for (group, verdict) in verdicts {
                match verdict {
                    Verdict::Done => {}
                    Verdict::Again => open.push(group),
                    Verdict::Failed => unfinished.push(group),
                }
            }
            let pause = self.pause(round);
            if open.is_empty() || self.deps.clock.now() + pause > self.until {
                break;
            }
            self.deps.clock.sleep(pause).await;
        }
        report::given_back(open.len());
        unfinished.extend(open);
        unfinished
    }

    /// "Full jitter" (Brooker, "Exponential Backoff And Jitter"): anything up to the exponential bound.
    fn pause(&self, round: u32) -> Duration {
        let bound = PAUSE_FIRST.saturating_mul(1 << round.min(16)).min(PAUSE_MAX);
        let jitter = self.jitter.lock().map_or(1.0, |mut rng| rng.f64());
        bound.mul_f64(jitter)
    }

    async fn round(&self, open: Vec<Group>) -> Vec<(Group, Verdict)> {
        let together = open.iter().filter(|group| !group.suspect).flat_map(|group| &group.changes);
        let view = match self.read(together).await {
            Ok(view) => view,
            Err(error) => return open.into_iter().map(|group| (group, failed(&error))).collect(),
        };
        let settle = async |mut group: Group| {
            let settled = if group.suspect {
                self.in_one_moment(&mut group).await
            } else {
                self.together(&mut group, &view).await
            };
            (group, settled.unwrap_or_else(|error| failed(&error)))
        };
        stream::iter(open).map(settle).buffer_unordered(GROUPS_AT_ONCE).collect().await
    }

    /// Commits what `view` says is to be done.
    async fn together(&self, group: &mut Group, view: &View) -> Result<Verdict, PortError> {
        let plan = match plan(&group.changes, view, self.deps.clock.now()) {
            Ok(plan) => plan,
            Err(error) => return Ok(failed(error)),
        };
        if !plan.below_zero.is_empty() {
            // Contributions and scores were not read at one moment: another worker may have come in between.
            group.suspect = true;
            return Ok(Verdict::Again);
        }
        self.commit(&plan.transactions).await
    }

    /// As [`together`](Self::together), a transaction at a time, and each from a view of one moment: what a score does
    /// not count there is drift, and its record is set aside.
    async fn in_one_moment(&self, group: &mut Group) -> Result<Verdict, PortError> {
        while !group.changes.is_empty() {
            let before = self.read(&group.changes).await?;
            let fitting = before.fitting(&group.changes);
            let piece = group.changes.get(..fitting).unwrap_or_default();
            let scores: BTreeSet<ScoreKey> = piece.iter().flat_map(|change| before.touched_by(change)).collect();
            let ratings: Vec<_> = piece.iter().map(|change| change.rating.clone()).collect();
            let scores: Vec<_> = scores.into_iter().collect();
            let mut view = self.deps.store.one_moment(&ratings, &scores).await?;
            view.cities = before.cities;
            let unread = |change: &Change| view.touched_by(change).iter().any(|key| !scores.contains(key));
            if piece.iter().any(unread) {
                return Ok(Verdict::Again);
            }
            let plan = match plan(piece, &view, self.deps.clock.now()) {
                Ok(plan) => plan,
                Err(error) => return Ok(failed(error)),
            };
            match self.commit(&plan.transactions).await? {
                Verdict::Done => self.set_aside_drift(group, &plan.below_zero).await?,
                other => return Ok(other),
            }
            group.changes.drain(..fitting);
            group.records.drain(..fitting);
        }
        Ok(Verdict::Done)
    }

    async fn commit(&self, transactions: &[Transaction]) -> Result<Verdict, PortError> {
        for transaction in transactions {
            if self.deps.clock.now() > self.until {
                return Ok(Verdict::Again);
            }
            match self.deps.store.commit(transaction).await? {
                Put::Stored => report::committed(transaction),
                Put::LostRace => {
                    report::lost_race();
                    return Ok(Verdict::Again);
                }
            }
        }
        Ok(Verdict::Done)
    }

    async fn set_aside_drift(&self, group: &Group, drifted: &[Change]) -> Result<(), PortError> {
        let positions = group.changes.iter().zip(&group.records);
        let records =
            positions.filter(|(change, _)| drifted.contains(change)).filter_map(|(_, at)| self.records.get(*at));
        let error = "the contribution of this rating holds something that a score does not count".to_owned();
        let reason = ParkReason { code: "drift", error };
        let messages: Vec<_> = records.map(|record| quarantined(record, &reason)).collect();
        if messages.is_empty() {
            return Ok(());
        }
        for (sent, message) in self.deps.quarantine.send(&messages).await.into_iter().zip(&messages) {
            sent?;
            report::quarantined(message);
        }
        Ok(())
    }

    /// Reads all that the changes touch, contributions first.
    async fn read(&self, changes: impl IntoIterator<Item = &Change>) -> Result<View, PortError> {
        let changes: Vec<&Change> = changes.into_iter().collect();
        let mut view = View::default();
        let ratings: Vec<_> = changes.iter().map(|change| change.rating.clone()).collect();
        if ratings.is_empty() {
            return Ok(view);
        }
        view.contributions = self.deps.store.contributions(&ratings).await?;
        let keys: HashSet<ScoreKey> = changes.iter().flat_map(|change| view.touched_by(change)).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(view);
        }
        view.scores = self.deps.store.scores(&keys).await?;
        let without_city = |key: &&ScoreKey| match view.scores.get(*key) {
            Some(Ok(score)) => score.city.is_none(),
            Some(Err(_)) => false,
            None => true,
        };
        let shops: HashSet<_> = keys.iter().filter(without_city).map(|key| key.shop_id.clone()).collect();
        if !shops.is_empty() {
            view.cities = self.deps.store.cities(&shops.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(view)
    }
}

fn failed(error: &PortError) -> Verdict {
    if error.busy {
        report::lost_race();
        return Verdict::Again;
    }
    report::failed(error);
    Verdict::Failed
}
