//! Leaderboards: which there are, a page of one, the best of one as it was last announced, and as a page or an app reads it.
//!
//! They are read from the indexes of the `scores` table, which [`score`](crate::score) writes the keys of. Nothing is
//! ranked here.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::event::escaped;
use crate::ids::ShopId;
use crate::period::Period;
#[cfg(feature = "schema")]
use crate::score::CITY_BYTES_MAX;
use crate::score::{City, CityError, RankKey, Score};

/// What the leaderboard of all shops is called.
pub const GLOBAL_BOARD: &str = "global";

/// Which shops a leaderboard is of. Each has one for every period. As text, [`GLOBAL_BOARD`] or the city's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, into = "String", try_from = "String"))]
#[cfg_attr(feature = "schema", schemars(extend("minLength" = 1, "maxLength" = CITY_BYTES_MAX)))]
pub enum Board {
    /// All shops.
    Global,
    /// Those of a city.
    City(City),
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str(GLOBAL_BOARD),
            Self::City(city) => city.fmt(f),
        }
    }
}

impl FromStr for Board {
    type Err = CityError;

    fn from_str(text: &str) -> Result<Self, CityError> {
        if text == GLOBAL_BOARD { Ok(Self::Global) } else { text.parse().map(Self::City) }
    }
}

/// What stands in the place of the period in an item of the `boards` table that is no board but the lease of a job: no
/// period is written so.
pub const LEASE: &str = "lease";

/// How many shops of a leaderboard are announced.
pub const BOARD_PLACES: usize = 100;

/// The key of a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BoardKey {
    /// Which shops.
    pub board: Board,
    /// Of which period.
    pub period: Period,
}

impl fmt::Display for BoardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.board, self.period)
    }
}

impl BoardKey {
    /// What the leaderboard's object in the bucket of analytics is called: `leaderboards/{period}/{board}.json`, the board
    /// escaped as in the ids of events.
    pub fn object(&self) -> String {
        format!("leaderboards/{}/{}.json", self.period, escaped(&self.board.to_string()))
    }
}

/// The best of a leaderboard as it was last announced: one item of the `boards` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSnapshot {
    /// `board` and `period`.
    #[serde(flatten)]
    pub key: BoardKey,
    /// Greater with each change; the first is the time in milliseconds.
    pub version: u64,
    /// The best [`BOARD_PLACES`], the best first.
    pub entries: Vec<BoardEntry>,
    /// When it changed.
    pub updated_at: Timestamp,
    /// The version that lies in the bucket of analytics; absent when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exported: Option<u64>,
}

/// A shop on a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BoardEntry {
    /// The shop.
    pub shop_id: ShopId,
    /// What ranks it, in millionths of a star.
    pub score_micros: u64,
    /// How many ratings.
    pub count: u64,
}

/// A leaderboard as it was last announced: for a page, or an app. An object in the bucket of analytics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(title = "leaderboard"))]
pub struct BoardDocument {
    /// `global`, or the name of a city.
    pub board: Board,
    /// `all`, or a month of UTC such as `2026-11`.
    pub period: Period,
    /// That of the event which announced it: of two copies, the greater counts.
    pub version: u64,
    /// When it changed. RFC 3339, UTC.
    pub updated_at: Timestamp,
    /// The best shops, at most 100, the best first.
    #[cfg_attr(feature = "schema", schemars(extend("maxItems" = BOARD_PLACES)))]
    pub entries: Vec<PlacedEntry>,
}

/// A shop on a leaderboard, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlacedEntry {
    /// Its place, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub place: usize,
    /// `shop_id`, `score_micros` and `count`.
    #[serde(flatten)]
    pub entry: BoardEntry,
}

impl From<&BoardSnapshot> for BoardDocument {
    fn from(snapshot: &BoardSnapshot) -> Self {
        let BoardSnapshot { key: BoardKey { board, period }, version, entries, updated_at, .. } = snapshot.clone();
        let entries = (1..).zip(entries).map(|(place, entry)| PlacedEntry { place, entry }).collect();
        Self { board, period, version, updated_at, entries }
    }
}

/// A shop and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Placed {
    /// The shop.
    pub shop_id: ShopId,
    /// Its place, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub place: usize,
}

/// A shop whose place is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Moved {
    /// The shop.
    pub shop_id: ShopId,
    /// The place that it had, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub from: usize,
    /// The place that it has, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub to: usize,
}

/// How the places on a leaderboard differ from those before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoardDifference {
    /// Were not on it; in the order of their places now.
    pub entered: Vec<Placed>,
    /// Are no more on it; in the order of the places that they had.
    pub left: Vec<Placed>,
    /// Have another place; in the order of their places now.
    pub moved: Vec<Moved>,
}

/// How the places of `new` differ from those of `old`.
pub fn difference(old: &[BoardEntry], new: &[BoardEntry]) -> BoardDifference {
    let places =
        |entries: &[BoardEntry]| entries.iter().zip(1..).map(|(entry, place)| (entry.shop_id.clone(), place)).collect();
    let (before, after): (HashMap<ShopId, usize>, HashMap<ShopId, usize>) = (places(old), places(new));
    let mut difference = BoardDifference::default();
    for (entry, place) in new.iter().zip(1..) {
        let shop_id = entry.shop_id.clone();
        match before.get(&shop_id) {
            None => difference.entered.push(Placed { shop_id, place }),
            Some(from) if *from != place => difference.moved.push(Moved { shop_id, from: *from, to: place }),
            Some(_) => {}
        }
    }
    let gone = old.iter().zip(1..).filter(|(entry, _)| !after.contains_key(&entry.shop_id));
    difference.left = gone.map(|(entry, place)| Placed { shop_id: entry.shop_id.clone(), place }).collect();
    difference
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
