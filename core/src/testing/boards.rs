//! Leaderboards in memory: in partitions, and, where a test asks for it, as late as an index can be.
//!
//! Pages are merged by the same [`Page::merge`] as the real ones; what is read for them is not shared.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::scores::ScoreWorld;
use crate::board::{Board, Page};
use crate::period::Period;
use crate::ports::{Leaderboard, PortError};
use crate::score::{BOARD_PARTS, RankKey, Score, city_period, period_part};

/// What is in the partitions of a board, by partition and key.
type Partitions = Vec<BTreeMap<RankKey, Score>>;

impl ScoreWorld {
    /// Every entry of the indexes, by now: one that lags is at its place before, or at both.
    fn entries(&self) -> Vec<Score> {
        let mut lag = Rng::with_seed(self.calls.count() as u64);
        let state = self.state();
        let scores: BTreeMap<_, _> = state.scores.items.iter().collect();
        let mut entries = Vec::new();
        for (key, score) in scores {
            let before = state.scores.before.get(key).filter(|_| self.lagging_index);
            match (before, lag.u8(..3)) {
                (Some(before), 0) => entries.extend(before.clone()),
                (Some(before), 1) => entries.extend(before.iter().chain([score]).cloned()),
                _ => entries.push(score.clone()),
            }
        }
        entries
    }

    fn partitions(&self, board: &Board, period: Period) -> Partitions {
        let entries = self.entries();
        let partition = |is_in: &dyn Fn(&Score) -> bool| {
            let ranked = entries.iter().filter(|score| is_in(score));
            ranked.filter_map(|score| Some((score.rank.as_ref()?.rank_key.clone(), score.clone()))).collect()
        };
        match board {
            Board::Global => (0..BOARD_PARTS)
                .map(|part| {
                    let key = period_part(period, part);
                    partition(&|score| score.rank.as_ref().is_some_and(|rank| rank.period_part == key))
                })
                .collect(),
            Board::City(city) => {
                let key = Some(city_period(city, period));
                vec![partition(&|score| score.rank.as_ref().is_some_and(|rank| rank.city_period == key))]
            }
        }
    }
}

impl Leaderboard for ScoreWorld {
    async fn top(
        &self,
        board: &Board,
        period: Period,
        limit: usize,
        after: Option<&RankKey>,
    ) -> Result<Page, PortError> {
        let reply = self.calls.enter("leaderboard.top").await?;
        let (mut found, mut cut) = (Vec::new(), None);
        for partition in self.partitions(board, period) {
            let beyond: Vec<_> =
                partition.into_iter().filter(|(key, _)| after.is_none_or(|after| key > after)).collect();
            if beyond.len() > limit {
                // As an index query ends: at the last key that it returns.
                let last = beyond.iter().take(limit).next_back().map(|(key, _)| key.clone());
                cut = cut.into_iter().chain(last).min();
            }
            found.extend(beyond.into_iter().take(limit).map(|(_, score)| score));
        }
        reply.leave(Page::merge(found, cut, limit))
    }

    async fn better_than(&self, board: &Board, period: Period, rank_key: &RankKey) -> Result<u64, PortError> {
        let reply = self.calls.enter("leaderboard.better_than").await?;
        let partitions = self.partitions(board, period);
        let better = partitions.iter().map(|partition| partition.range(..rank_key).count()).sum::<usize>();
        reply.leave(better as u64)
    }
}
