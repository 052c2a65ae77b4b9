//! Settling: the changes of each shop are read up to, decided, and committed, until nothing is left or no time is.
//!
//! All shops of a batch go through rounds together, because what they need can be read together; each is committed by
//! itself. A shop that lost a race waits a little and takes part in the next round. What a change does is decided in
//! `coffeeshop_core::ledger`.

use std::collections::{BTreeSet, HashSet};

use coffeeshop_core::backoff;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Change, TRANSACTION_ITEMS_MAX, Transaction, View, plan};
use coffeeshop_core::ports::{Clock, ParkReason, PortError, Put, Quarantine, ScoreStore};
use coffeeshop_core::score::ScoreKey;
use fastrand::Rng;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use crate::batch::Deps;
use crate::envelope::Record;
use crate::quarantine::{quarantined, set_aside};
use crate::report;

/// How many shops are committed at once.
pub(crate) const GROUPS_AT_ONCE: usize = 16;

/// The changes of one shop in a batch, at most one a rating.
#[derive(Debug)]
pub(crate) struct Group {
    /// The earliest record of the batch that is about this shop.
    pub(crate) first: usize,
    shop_id: ShopId,
    changes: Vec<Change>,
    /// The record of each change.
    records: Vec<usize>,
    /// Whether a contribution seemed to hold what a score does not count.
    suspect: bool,
    /// Why changes that are no longer here are not done.
    unreadable: Option<PortError>,
}

impl Group {
    pub(crate) fn new(shop_id: ShopId, first: usize) -> Self {
        Self { first, shop_id, changes: Vec::new(), records: Vec::new(), suspect: false, unreadable: None }
    }

    pub(crate) fn push(&mut self, record: usize, change: Change) {
        self.changes.push(change);
        self.records.push(record);
    }
}

/// The work on a batch.
pub(crate) struct Settling<'a, S, Q, C> {
    deps: &'a Deps<'a, S, Q, C>,
    records: &'a [Record<'a>],
    until: Timestamp,
}

impl<'a, S: ScoreStore, Q: Quarantine, C: Clock> Settling<'a, S, Q, C> {
    /// No call is begun after `until`.
    pub(crate) fn new(deps: &'a Deps<'a, S, Q, C>, records: &'a [Record<'a>], until: Timestamp) -> Self {
        Self { deps, records, until }
    }

    /// Returns the groups that are not done. Workers with different seeds do not wait for the same time.
    pub(crate) async fn settle(&self, groups: Vec<Group>, seed: u64) -> Vec<Group> {
        let (mut open, mut unfinished, mut jitter) = (groups, Vec::new(), Rng::with_seed(seed));
        for round in 0.. {
            let settled = self.round(open).await;
            open = Vec::new();
            for (group, result) in settled {
                match result {
                    Ok(()) => {}
                    Err(error) if error.busy => open.push(group),
                    Err(error) => {
                        report::failed(&group.shop_id, &error);
                        unfinished.push(group);
                    }
                }
            }
            let pause = backoff::pause(round, jitter.f64());
            if open.is_empty() || self.deps.clock.now() + pause > self.until {
                break;
            }
            report::tried_again(open.len());
            self.deps.clock.sleep(pause).await;
        }
        report::given_back(open.len());
        unfinished.extend(open);
        unfinished
    }

    async fn round(&self, open: Vec<Group>) -> Vec<(Group, Result<(), PortError>)> {
        let together = open.iter().filter(|group| !group.suspect).flat_map(|group| &group.changes);
        let view = match self.read(together).await {
            Ok(view) => view,
            Err(error) => return open.into_iter().map(|group| (group, Err(error.again()))).collect(),
        };
        let settle = async |mut group: Group| {
            let settled = if group.suspect {
                self.in_one_moment(&mut group).await
            } else {
                self.together(&mut group, &view).await
            };
            (group, settled)
        };
        stream::iter(open).map(settle).buffer_unordered(GROUPS_AT_ONCE).collect().await
    }

    /// Commits what `view` says is to be done.
    async fn together(&self, group: &mut Group, view: &View) -> Result<(), PortError> {
        let plan = plan(&group.changes, view, self.deps.clock.now());
        if !plan.below_zero.is_empty() {
            // Contributions and scores were not read at one moment: another worker may have come in between.
            group.suspect = true;
            return Err(PortError::busy("scores.get", "a score seems to lack something"));
        }
        self.commit(&plan.transactions).await?;
        report::stale(plan.stale);
        plan.unreadable.into_iter().next().map_or(Ok(()), Err)
    }

    /// As [`together`](Self::together), a transaction at a time, and each from a view of one moment: what a score does
    /// not count there is drift, and its record is set aside.
    async fn in_one_moment(&self, group: &mut Group) -> Result<(), PortError> {
        while !group.changes.is_empty() {
            let some = group.changes.get(..TRANSACTION_ITEMS_MAX).unwrap_or(&group.changes);
            let before = self.read(some).await?;
            let fitting = before.fitting(some);
            let piece = some.get(..fitting).unwrap_or_default();
            let view = self.view(piece, before).await?;
            let plan = plan(piece, &view, self.deps.clock.now());
            self.commit(&plan.transactions).await?;
            self.set_aside_drift(group, &plan.below_zero).await?;
            let known = view.set_aside(&plan.below_zero, self.deps.clock.now());
            self.commit(Some(&known).filter(|known| !known.contributions.is_empty())).await?;
            group.unreadable = group.unreadable.take().or(plan.unreadable.into_iter().next());
            group.changes.drain(..fitting);
            group.records.drain(..fitting);
        }
        group.unreadable.take().map_or(Ok(()), Err)
    }

    /// What the changes touch, at one moment; `before` has their contributions as they were read just before.
    async fn view(&self, piece: &[Change], before: View) -> Result<View, PortError> {
        let scores: BTreeSet<ScoreKey> = piece.iter().flat_map(|change| before.touched_by(change)).collect();
        let scores: Vec<_> = scores.into_iter().collect();
        let ratings: Vec<_> = piece.iter().map(|change| change.rating.clone()).collect();
        self.in_time()?;
        let mut view = self.deps.store.one_moment(&ratings, &scores).await?;
        view.cities = before.cities;
        if piece.iter().flat_map(|change| view.touched_by(change)).any(|key| !scores.contains(&key)) {
            return Err(PortError::busy("scores.one_moment", "another worker moved a rating in between"));
        }
        Ok(view)
    }

    async fn commit(&self, transactions: impl IntoIterator<Item = &Transaction>) -> Result<(), PortError> {
        for transaction in transactions {
            self.in_time()?;
            match self.deps.store.commit(transaction).await? {
                Put::Stored => report::committed(transaction),
                Put::LostRace => return Err(PortError::busy("scores.commit", "another worker was first")),
            }
        }
        Ok(())
    }

    async fn set_aside_drift(&self, group: &Group, drifted: &[Change]) -> Result<(), PortError> {
        let error = "the contribution of this rating holds something that a score does not count".to_owned();
        let reason = ParkReason { code: "drift", error };
        let changes = group.changes.iter().zip(&group.records).filter(|(change, _)| drifted.contains(change));
        let records = changes.filter_map(|(_, position)| self.records.get(*position));
        let messages: Vec<_> = records.map(|record| quarantined(record, &reason)).collect();
        let sent = set_aside(self.deps, self.until, &messages).await;
        if sent.iter().all(|there| *there) {
            Ok(())
        } else {
            Err(PortError::new("quarantine.send", "drift could not be set aside"))
        }
    }

    /// Reads all that the changes touch, contributions first.
    async fn read(&self, changes: impl IntoIterator<Item = &Change>) -> Result<View, PortError> {
        let changes: Vec<&Change> = changes.into_iter().collect();
        let mut view = View::default();
        let ratings: Vec<_> = changes.iter().map(|change| change.rating.clone()).collect();
        if ratings.is_empty() {
            return Ok(view);
        }
        self.in_time()?;
        view.contributions = self.deps.store.contributions(&ratings).await?;
        let keys: HashSet<ScoreKey> = changes.iter().flat_map(|change| view.touched_by(change)).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(view);
        }
        self.in_time()?;
        view.scores = self.deps.store.scores(&keys).await?;
        let without_city = |key: &&ScoreKey| match view.scores.get(*key) {
            Some(Ok(score)) => score.city.is_none(),
            Some(Err(_)) => false,
            None => true,
        };
        let shops: HashSet<_> = keys.iter().filter(without_city).map(|key| key.shop_id.clone()).collect();
        if !shops.is_empty() {
            self.in_time()?;
            view.cities = self.deps.store.cities(&shops.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(view)
    }

    /// To be asked before each call.
    fn in_time(&self) -> Result<(), PortError> {
        let late = self.deps.clock.now() > self.until;
        if late { Err(PortError::busy("batch", "no time is left")) } else { Ok(()) }
    }
}
