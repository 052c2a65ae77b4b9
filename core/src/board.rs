//! Leaderboards: which there are, and a page of one.
//!
//! They are read from the indexes of the `scores` table, which [`score`](crate::score) writes the keys of. Nothing is
//! ranked here.

use std::collections::BTreeMap;

use crate::ids::ShopId;
use crate::score::{City, RankKey, Score};

/// Which shops a leaderboard is of. Each has one for every period.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Board {
    /// All shops.
    Global,
    /// Those of a city.
    City(City),
}

/// Some entries of a leaderboard, in its order: the best first, and no shop twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries; there may be fewer than were asked for, and still more to come.
    pub scores: Vec<Score>,
    /// To be read on from; `None`: there are no more.
    pub next: Option<RankKey>,
}

impl Page {
    /// The first `limit` of what was found in the partitions of a board, in any order, everything up to the same key in
    /// each: `cut` is the least key beyond which one of them has more.
    ///
    /// While an entry moves, an index may hold it at both of its places: the later one of the two writes counts.
    pub fn merge(found: impl IntoIterator<Item = Score>, cut: Option<RankKey>, limit: usize) -> Self {
        let mut latest: BTreeMap<ShopId, Score> = BTreeMap::new();
        for score in found {
            let known = latest.get(&score.key.shop_id);
            if known.is_none_or(|known| known.revision < score.revision) {
                latest.insert(score.key.shop_id.clone(), score);
            }
        }
        let ranked = latest.into_values().filter_map(|score| Some((score.rank.as_ref()?.rank_key.clone(), score)));
        let within = |key: &RankKey| cut.as_ref().is_none_or(|cut| key <= cut);
        let mut ranked: BTreeMap<RankKey, Score> = ranked.filter(|(key, _)| within(key)).collect();
        let beyond = ranked.keys().nth(limit).cloned();
        if let Some(beyond) = beyond {
            ranked.split_off(&beyond);
            let next = ranked.keys().next_back().cloned();
            return Self { next, scores: ranked.into_values().collect() };
        }
        Self { next: cut, scores: ranked.into_values().collect() }
    }
}
