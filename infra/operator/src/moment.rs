//! A shop's scores and its contributions as they were at one moment, though they are read one after the other.
//!
//! Nothing is written, and ratings are not looked at.

use std::collections::{BTreeMap, BTreeSet};

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::TRANSACTION_ITEMS_MAX;
use coffeeshop_core::period::Period;
use coffeeshop_core::ports::{Clock, Found, HALF_SEEN_MAX, PortError, ScoreStore, ShopRecords};
use coffeeshop_core::recount::{Recount, ScoreDifference};
use coffeeshop_core::score::{City, Score, ScoreKey};
use jiff::{SignedDuration, Timestamp};

/// How long ago a score must have been written for all of its transaction to be seen by now: many times what a call may
/// take, and clocks may differ.
const LONG_AGO: SignedDuration = SignedDuration::from_secs(10);

/// The scores of a shop, and what its contributions held at the same moment.
pub(crate) struct Moment {
    pub(crate) scores: Found<ScoreKey, Score>,
    pub(crate) recount: Recount,
    /// Whether there are contributions that cannot be understood. What they hold is not known, so nothing is known of the
    /// scores.
    pub(crate) unreadable: bool,
}

impl Moment {
    /// Reads it; `None` when something changed before all was read.
    ///
    /// No transaction changes what a contribution holds without raising a revision: so if no revision moved while
    /// contributions were read, none was committed meanwhile. But a plain read may see a transaction by half:
    ///
    /// - its contributions, and not yet its scores: then the scores are refused to a view of one moment, which is how they
    ///   are read at the end;
    /// - its scores, and not yet its contributions: then a score was written just now. So when one was, or when counts
    ///   differ, all is read again when the half must be whole, and has to be the same.
    pub(crate) async fn read<S: ScoreStore + ShopRecords>(
        store: &S,
        clock: &impl Clock,
        shop_id: &ShopId,
    ) -> Result<Option<Self>, PortError> {
        let Some(first) = Self::read_once(store, shop_id).await? else { return Ok(None) };
        if first.is_quiet(clock.now()) && first.counts_agree(clock) {
            return Ok(Some(first));
        }
        clock.sleep(HALF_SEEN_MAX).await;
        let second = Self::read_once(store, shop_id).await?;
        let same =
            |second: &Self| revisions(&first.scores) == revisions(&second.scores) && first.recount == second.recount;
        Ok(second.filter(same))
    }

    async fn read_once<S: ScoreStore + ShopRecords>(store: &S, shop_id: &ShopId) -> Result<Option<Self>, PortError> {
        let before = store.scores_of(shop_id).await?;
        let (mut recount, mut unreadable) = (Recount::new(shop_id.clone()), false);
        let mut above = None;
        loop {
            let page = store.contributions_of(shop_id, above.as_ref()).await?;
            for (_, contribution) in page.items {
                match contribution {
                    Ok(contribution) => contribution.held().into_iter().for_each(|held| recount.add(held)),
                    Err(_) => unreadable = true,
                }
            }
            above = page.next;
            if above.is_none() {
                break;
            }
        }
        let keys: BTreeSet<ScoreKey> = before.keys().cloned().chain(recount.keys()).collect();
        let keys: Vec<ScoreKey> = keys.into_iter().collect();
        let mut scores = Found::new();
        for keys in keys.chunks(TRANSACTION_ITEMS_MAX) {
            scores.extend(store.one_moment(&[], keys).await?.scores);
        }
        Ok((revisions(&before) == revisions(&scores)).then_some(Self { scores, recount, unreadable }))
    }

    /// Whether every score was written long ago.
    fn is_quiet(&self, now: Timestamp) -> bool {
        let mut readable = self.scores.values().filter_map(|score| score.as_ref().ok());
        readable.all(|score| now.duration_since(score.updated_at) > LONG_AGO)
    }

    /// Whether every score counts what was counted; what else may be wrong with it does not depend on contributions.
    fn counts_agree(&self, clock: &impl Clock) -> bool {
        !self.differences(None, clock).iter().any(|found| found.damage().is_of_counts())
    }

    /// The scores that are not as counted, as far as that is known.
    pub(crate) fn differences(&self, city: Option<&City>, clock: &impl Clock) -> Vec<ScoreDifference> {
        if self.unreadable { Vec::new() } else { self.recount.differences(&self.scores, city, clock.now()) }
    }

    /// The scores that cannot be understood.
    pub(crate) fn unreadable_scores(self) -> impl Iterator<Item = PortError> {
        self.scores.into_values().filter_map(Result::err)
    }

    /// Whether the scores are still as they were.
    pub(crate) async fn still_is<S: ShopRecords>(&self, store: &S, shop_id: &ShopId) -> Result<bool, PortError> {
        Ok(revisions(&self.scores) == revisions(&store.scores_of(shop_id).await?))
    }
}

fn revisions(scores: &Found<ScoreKey, Score>) -> BTreeMap<Period, Option<u64>> {
    scores.iter().map(|(key, score)| (key.period, score.as_ref().ok().map(|score| score.revision))).collect()
}
