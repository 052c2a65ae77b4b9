//! Leaderboards as they were last announced, and which there are.

use std::collections::BTreeSet;
use std::future::Future;

use super::{Found, PortError, Put};
use crate::board::{BoardKey, BoardSnapshot};
use crate::score::City;

/// The table of leaderboards as last announced, and that of shops. Every read sees every earlier write.
pub trait BoardStore {
    /// The boards, however many.
    fn boards(
        &self,
        keys: &[BoardKey],
    ) -> impl Future<Output = Result<Found<BoardKey, BoardSnapshot>, PortError>> + Send;

    /// Stores a board, if the stored one still has the version `replaces` (`None`: if there is none), in one step.
    fn put_board(
        &self,
        board: &BoardSnapshot,
        replaces: Option<u64>,
    ) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// Writes down that the board lies in the bucket as it is in this version, if that is still the stored one.
    fn exported(&self, key: &BoardKey, version: u64) -> impl Future<Output = Result<Put, PortError>> + Send;

    /// Every board that was ever announced.
    fn announced(&self) -> impl Future<Output = Result<BTreeSet<BoardKey>, PortError>> + Send;

    /// Every city that a shop is in. A name that is none is left out.
    fn cities_of_shops(&self) -> impl Future<Output = Result<BTreeSet<City>, PortError>> + Send;
}
