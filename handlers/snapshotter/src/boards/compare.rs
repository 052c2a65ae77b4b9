//! One leaderboard: read, compared, written, exported.
//!
//! The item comes first, then the object in the bucket, then the mark on the item that it is there. So a run that is killed
//! anywhere leaves an item that says what is missing, and the next run does that: a change that was written is said by the
//! stream of the table, and is not written again, because the board does not differ any more.
//!
//! The lease keeps a second run away. Without it the condition on the version keeps items right; and whoever finds, after it
//! has put an object, that the item is another by then, puts that one's too. Only one that dies in between could leave an older object behind.

use bytes::Bytes;
use coffeeshop_core::board::{BOARD_PLACES, BoardDocument, BoardEntry, BoardKey, BoardSnapshot, Page};
use coffeeshop_core::ports::{BoardStore, Clock, Leaderboard, PortError, Put, Served, Uploads};
use coffeeshop_core::score::Score;
use jiff::Timestamp;

use crate::job::Deps;

/// How a leaderboard's object is handed out: whoever keeps a copy asks again after a minute, which makes it little older than
/// the five minutes between two runs do, and takes the load of a page that many look at.
pub const SERVED: Served = Served { content_type: "application/json", cache_control: "public, max-age=60" };

/// What became of a leaderboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) changed: bool,
    pub(super) exported: bool,
    /// It differed, and another run wrote it first: the next run looks at it again.
    pub(super) lost_race: bool,
}

/// Compares a leaderboard with what was last announced; writes it, if it differs, and puts it into the bucket, unless that
/// has it.
pub(super) async fn compare<B, L, S, P, U, C>(
    deps: &Deps<'_, B, L, S, P, U, C>,
    key: &BoardKey,
) -> Result<Compared, PortError>
where
    B: BoardStore,
    L: Leaderboard,
    U: Uploads,
    C: Clock,
{
    // In this order: whoever writes the item after it was read here raises its version, and then nothing is written here.
    let stored = stored(deps.boards, key).await?;
    let entries = best(deps.leaderboard, key).await?;
    let mut compared = Compared::default();
    let board = match (next(key, stored.as_ref(), entries, deps.clock.now()), stored) {
        (None, None) => return Ok(compared),
        (None, Some(stored)) => stored,
        (Some(board), stored) => {
            if deps.boards.put_board(&board, stored.map(|stored| stored.version)).await? == Put::LostRace {
                return Ok(Compared { lost_race: true, ..compared });
            }
            compared.changed = true;
            board
        }
    };
    if board.exported != Some(board.version) {
        export(deps.boards, deps.uploads, board).await?;
        compared.exported = true;
    }
    Ok(compared)
}

async fn stored(boards: &impl BoardStore, key: &BoardKey) -> Result<Option<BoardSnapshot>, PortError> {
    boards.boards(std::slice::from_ref(key)).await?.remove(key).transpose()
}

/// The best of a leaderboard as it is. Between two pages a shop may move: on two, it is taken from the one with its later
/// write.
async fn best(leaderboard: &impl Leaderboard, key: &BoardKey) -> Result<Vec<BoardEntry>, PortError> {
    let (mut scores, mut after) = (Vec::new(), None);
    loop {
        let page = leaderboard.top(&key.board, key.period, BOARD_PLACES, after.as_ref()).await?;
        scores.extend(page.scores);
        scores = Page::merge(scores, None, BOARD_PLACES).scores;
        after = page.next;
        if after.is_none() || scores.len() == BOARD_PLACES {
            return Ok(scores.into_iter().map(entry).collect());
        }
    }
}

fn entry(score: Score) -> BoardEntry {
    BoardEntry { shop_id: score.key.shop_id, score_micros: score.score_micros, count: score.count }
}

/// What is to be written: nothing when the board is as it was, and nothing when it is empty and was never announced.
fn next(
    key: &BoardKey,
    stored: Option<&BoardSnapshot>,
    entries: Vec<BoardEntry>,
    now: Timestamp,
) -> Option<BoardSnapshot> {
    let announced = stored.map(|stored| stored.entries.as_slice()).unwrap_or_default();
    (announced != entries).then(|| BoardSnapshot {
        key: key.clone(),
        version: version(stored.map(|stored| stored.version), now),
        entries,
        updated_at: now,
        exported: stored.and_then(|stored| stored.exported),
    })
}

/// The version of a board that replaces one with `replaced`: the time in milliseconds, and greater. So one that was lost and
/// came back is above what it was before.
fn version(replaced: Option<u64>, now: Timestamp) -> u64 {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    replaced.map_or(now, |replaced| now.max(replaced + 1))
}

/// Puts a board into the bucket, and then says so on its item. Whoever finds another version there may have replaced that
/// one's object by this one, and puts that.
async fn export(boards: &impl BoardStore, uploads: &impl Uploads, mut board: BoardSnapshot) -> Result<(), PortError> {
    loop {
        let document = serde_json::to_vec(&BoardDocument::from(&board));
        let document = document.map_err(|error| PortError::new("boards.document", error))?;
        uploads.put(&board.key.object(), Bytes::from(document), SERVED).await?;
        if boards.exported(&board.key, board.version).await? == Put::Stored {
            return Ok(());
        }
        match stored(boards, &board.key).await? {
            Some(newer) => board = newer,
            // An operator deleted it: the next run begins anew.
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn a_version_is_the_time_and_greater_than_the_one_before() {
        for (replaced, now, expected) in [
            (None, 1_792_000_000_123, 1_792_000_000_123),
            (Some(1), 1_792_000_000_123, 1_792_000_000_123),
            (Some(1_792_000_000_122), 1_792_000_000_123, 1_792_000_000_123),
            (Some(1_792_000_000_123), 1_792_000_000_123, 1_792_000_000_124),
            // The clock was set back.
            (Some(1_792_000_009_999), 1_792_000_000_123, 1_792_000_010_000),
            (None, -5, 0),
        ] {
            assert_eq!(version(replaced, time(now)), expected, "{replaced:?} at {now}");
        }
    }

    #[test]
    fn what_is_written_is_what_differs() {
        let key = BoardKey { board: "東京".parse().unwrap(), period: "2026-11".parse().unwrap() };
        let entry =
            |shop: &str, score_micros, count| BoardEntry { shop_id: shop.parse().unwrap(), score_micros, count };
        let (a, b) = (entry("a", 9, 5), entry("b", 8, 5));
        let (ab, now) = (vec![a.clone(), b.clone()], time(1_792_000_000_123));
        assert_eq!(next(&key, None, Vec::new(), now), None, "never announced, and empty");
        let first = next(&key, None, ab.clone(), now).unwrap();
        let expected = BoardSnapshot {
            key: key.clone(),
            version: 1_792_000_000_123,
            entries: ab.clone(),
            updated_at: now,
            exported: None,
        };
        assert_eq!(first, expected);
        let stored = BoardSnapshot { exported: Some(7), ..first };
        assert_eq!(next(&key, Some(&stored), ab.clone(), now), None);
        for entries in [
            vec![],
            vec![a.clone()],
            vec![b.clone(), a.clone()],
            vec![a.clone(), entry("b", 8, 6)],
            vec![a.clone(), entry("b", 7, 5)],
            vec![a, b, entry("c", 1, 1)],
        ] {
            let written = next(&key, Some(&stored), entries.clone(), now).unwrap();
            assert_eq!(
                (written.version, written.exported),
                (1_792_000_000_124, Some(7)),
                "the old one is in the bucket"
            );
            assert_eq!(written.entries, entries);
        }
    }
}
