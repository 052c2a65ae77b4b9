//! Leaderboards compared with those that were last announced: what differs is written, and then exported.
//!
//! Each board is looked at by itself, and one that fails holds up no other; the run then fails, and names it. Nothing is
//! tried again here: the next run looks at all of it anew, and makes good what a killed one left. Who hears of a change is
//! not known here.

mod compare;
mod which;

use std::collections::BTreeSet;

use coffeeshop_core::board::BoardKey;
use coffeeshop_core::ports::{BoardStore, Clock, Leaderboard, PortError, Scan, Uploads};
use coffeeshop_core::score::Score;
use futures::stream::{self, StreamExt};
use serde::Serialize;

pub use self::compare::SERVED;
use self::compare::{Compared, compare};
use crate::job::Deps;
use crate::report;

/// How many leaderboards are looked at side by side. That of all shops takes a request for each of its partitions.
pub const BOARDS_AT_ONCE: usize = 8;

/// The most leaderboards that an error names; the log has all of them.
const NAMED_MAX: usize = 10;

/// What became of the leaderboards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many were compared.
    pub compared: u64,
    /// How many of them differed, and were written.
    pub changed: u64,
    /// How many were put into the bucket.
    pub exported: u64,
    /// How many differed, and were written by another run first.
    pub lost_races: u64,
}

/// Why a run is not through.
#[derive(Debug, thiserror::Error)]
pub enum BoardsError {
    /// Nothing was compared.
    #[error("which leaderboards there are could not be read")]
    Which(#[source] PortError),
    /// All others are compared.
    #[error("{failed} of {of} leaderboards are not done: {names}")]
    NotDone {
        /// How many.
        failed: usize,
        /// Of how many.
        of: usize,
        /// Which, at least the first of them.
        names: String,
        /// What is wrong with the first.
        #[source]
        first: PortError,
    },
}

/// Compares leaderboards of all time, of this month and of the last.
pub async fn current<B, L, S, P, U, C>(deps: &Deps<'_, B, L, S, P, U, C>) -> Result<Summary, BoardsError>
where
    B: BoardStore,
    L: Leaderboard,
    U: Uploads,
    C: Clock,
{
    let cities = deps.boards.cities_of_shops().await.map_err(BoardsError::Which)?;
    all(deps, which::current(deps.clock.now(), &cities)).await
}

/// Compares every leaderboard that there is, or that was ever announced.
pub async fn every<B, L, S, P, U, C>(deps: &Deps<'_, B, L, S, P, U, C>) -> Result<Summary, BoardsError>
where
    B: BoardStore,
    L: Leaderboard,
    S: Scan<Score>,
    U: Uploads,
    C: Clock,
{
    let mut boards = which::of_scores(deps.scores).await.map_err(BoardsError::Which)?;
    boards.append(&mut deps.boards.announced().await.map_err(BoardsError::Which)?);
    all(deps, boards).await
}

async fn all<B, L, S, P, U, C>(
    deps: &Deps<'_, B, L, S, P, U, C>,
    boards: BTreeSet<BoardKey>,
) -> Result<Summary, BoardsError>
where
    B: BoardStore,
    L: Leaderboard,
    U: Uploads,
    C: Clock,
{
    let of = boards.len();
    let each = stream::iter(boards).map(async |key| (compare(deps, &key).await, key));
    let mut each = std::pin::pin!(each.buffer_unordered(BOARDS_AT_ONCE));
    let (mut summary, mut failed) = (Summary::default(), Vec::new());
    while let Some((compared, key)) = each.next().await {
        match compared {
            Ok(compared) => summary.add(compared),
            Err(error) => {
                report::board_failed(&key, &error);
                failed.push((key, error));
            }
        }
    }
    report::compared(&summary, failed.len());
    not_done(failed, of).map_or(Ok(summary), Err)
}

impl Summary {
    fn add(&mut self, Compared { changed, exported, lost_race }: Compared) {
        self.compared += 1;
        self.changed += u64::from(changed);
        self.exported += u64::from(exported);
        self.lost_races += u64::from(lost_race);
    }
}

fn not_done(mut failed: Vec<(BoardKey, PortError)>, of: usize) -> Option<BoardsError> {
    failed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let names = failed.iter().take(NAMED_MAX).map(|(key, _)| key.to_string()).collect::<Vec<_>>().join(", ");
    let count = failed.len();
    let names = if count > NAMED_MAX { format!("{names} and {} more", count - NAMED_MAX) } else { names };
    let (_, first) = failed.into_iter().next()?;
    Some(BoardsError::NotDone { failed: count, of, names, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_done_is_named_in_order_and_not_without_end() {
        let failed = |names: &[String]| {
            let key = |name: &String| BoardKey { board: name.parse().unwrap(), period: "all".parse().unwrap() };
            let failed = names.iter().map(|name| (key(name), PortError::new("boards.get", name.as_str()))).collect();
            not_done(failed, 700).map(|error| error.to_string())
        };
        assert_eq!(failed(&[]), None);
        let some = ["Turin", "Lyon"].map(str::to_owned);
        assert_eq!(failed(&some).as_deref(), Some("2 of 700 leaderboards are not done: Lyon/all, Turin/all"));
        let many: Vec<_> = (0..12).map(|i| format!("c{i:02}")).collect();
        let names: Vec<_> = many.iter().take(10).map(|name| format!("{name}/all")).collect();
        let expected = format!("12 of 700 leaderboards are not done: {} and 2 more", names.join(", "));
        assert_eq!(failed(&many), Some(expected));
        assert_eq!(failed(&many[..10]), Some(format!("10 of 700 leaderboards are not done: {}", names.join(", "))));
    }
}
