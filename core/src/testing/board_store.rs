//! Leaderboards as announced, and leases, in memory: with every write of a board that a stream would have.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::scores::{Sabotage, ScoreWorld};
use crate::board::{BoardKey, BoardSnapshot};
use crate::ports::{BoardStore, Found, JobLease, JobLeases, PortError, Put};
use crate::score::City;

/// A write of a board: the item before and after it.
pub type BoardWrite = (Option<BoardSnapshot>, BoardSnapshot);

/// The table of boards.
#[derive(Debug, Default)]
pub(super) struct BoardTable {
    items: BTreeMap<BoardKey, BoardSnapshot>,
    spoilt: BTreeSet<BoardKey>,
    writes: Vec<BoardWrite>,
    leases: BTreeMap<&'static str, JobLease>,
}

impl BoardTable {
    fn put(&mut self, board: BoardSnapshot) {
        let before = self.items.insert(board.key.clone(), board.clone());
        self.writes.push((before, board));
    }

    fn read(&self, key: &BoardKey) -> Option<Result<BoardSnapshot, PortError>> {
        let spoilt = || PortError::new("boards.get", format!("{key} cannot be understood: spoilt"));
        if self.spoilt.contains(key) { Some(Err(spoilt())) } else { self.items.get(key).cloned().map(Ok) }
    }

    fn version(&self, key: &BoardKey) -> Option<u64> {
        self.items.get(key).map(|item| item.version)
    }
}

impl ScoreWorld {
    /// The stored boards, without a port call.
    pub fn stored_boards(&self) -> BTreeMap<BoardKey, BoardSnapshot> {
        self.state().boards.items.clone()
    }

    /// Every write of a board that there was, in order.
    pub fn board_writes(&self) -> Vec<BoardWrite> {
        self.state().boards.writes.clone()
    }

    /// Makes a board's item one that cannot be understood, or mends it.
    pub fn spoil_board(&self, key: &BoardKey, spoilt: bool) {
        let table = &mut self.state().boards;
        if spoilt {
            table.spoilt.insert(key.clone())
        } else {
            table.spoilt.remove(key)
        };
    }

    /// Deletes a board's item, as an operator may.
    pub fn remove_board(&self, key: &BoardKey) {
        self.state().boards.items.remove(key);
    }

    /// The lease of a job, over or not.
    pub fn stored_lease(&self, job: &str) -> Option<JobLease> {
        self.state().boards.leases.get(job).cloned()
    }

    fn ignores_conditions(&self) -> bool {
        self.sabotage == Sabotage::IgnoresConditions
    }
}

impl BoardStore for ScoreWorld {
    async fn boards(&self, keys: &[BoardKey]) -> Result<Found<BoardKey, BoardSnapshot>, PortError> {
        assert_eq!(
            keys.iter().collect::<BTreeSet<_>>().len(),
            keys.len(),
            "DynamoDB refuses keys that are there twice"
        );
        let reply = self.calls.enter("boards.get").await?;
        let state = self.state();
        let found = keys.iter().filter_map(|key| Some((key.clone(), state.boards.read(key)?))).collect();
        drop(state);
        reply.leave(found)
    }

    async fn put_board(&self, board: &BoardSnapshot, replaces: Option<u64>) -> Result<Put, PortError> {
        let reply = self.calls.enter("boards.put").await?;
        let table = &mut self.state().boards;
        // One that is spoilt is there, with no version that anybody knows.
        let holds = table.version(&board.key) == replaces && !table.spoilt.contains(&board.key);
        if !holds && !self.ignores_conditions() {
            return reply.leave(Put::LostRace);
        }
        table.put(board.clone());
        reply.leave(Put::Stored)
    }

    async fn exported(&self, key: &BoardKey, version: u64) -> Result<Put, PortError> {
        let reply = self.calls.enter("boards.exported").await?;
        let table = &mut self.state().boards;
        let stored = table.items.get(key).filter(|stored| stored.version == version || self.ignores_conditions());
        let Some(stored) = stored else { return reply.leave(Put::LostRace) };
        let marked = BoardSnapshot { exported: Some(version), ..stored.clone() };
        table.put(marked);
        reply.leave(Put::Stored)
    }

    async fn announced(&self) -> Result<BTreeSet<BoardKey>, PortError> {
        let reply = self.calls.enter("boards.list").await?;
        let state = self.state();
        let announced = state.boards.items.keys().chain(&state.boards.spoilt).cloned().collect();
        drop(state);
        reply.leave(announced)
    }

    async fn cities_of_shops(&self) -> Result<BTreeSet<City>, PortError> {
        let reply = self.calls.enter("shops.cities").await?;
        let cities = self.state().cities.values().cloned().collect();
        reply.leave(cities)
    }
}

impl JobLeases for ScoreWorld {
    async fn take(&self, lease: &JobLease, now: Timestamp) -> Result<Put, PortError> {
        let reply = self.calls.enter("leases.take").await?;
        let leases = &mut self.state().boards.leases;
        let held = leases.get(lease.job).is_some_and(|held| held.owner != lease.owner && held.until > now);
        if held && !self.ignores_conditions() {
            return reply.leave(Put::LostRace);
        }
        leases.insert(lease.job, lease.clone());
        reply.leave(Put::Stored)
    }

    async fn give_back(&self, lease: &JobLease) -> Result<(), PortError> {
        let reply = self.calls.enter("leases.give_back").await?;
        let leases = &mut self.state().boards.leases;
        if leases.get(lease.job).is_some_and(|held| held.owner == lease.owner) {
            leases.remove(lease.job);
        }
        reply.leave(())
    }
}
