//! What the world is told of a write to `photos`, `scores` or `boards`: a pure decision, made from the item before and
//! after it.
//!
//! So nothing is written and not announced, nor announced and not written. Publishing is not done here.

use jiff::Timestamp;

use crate::board::{BoardSnapshot, difference};
use crate::event::{
    ContentType, Data, Event, EventId, LeaderboardChanged, Photo, PhotoReady, PhotoRejected, PhotoRemoved,
    ScoreUpdated, Source, SpecVersion, escaped,
};
use crate::outcome::{Answer, Outcome};
use crate::score::Score;

/// An item of one of the tables whose writes are announced.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Of `photos`.
    Photo(Outcome),
    /// Of `scores`.
    Score(Score),
    /// Of `boards`.
    Board(BoardSnapshot),
}

/// What a write says, if it says something. `old` is `None` when there was no item, or none that can be understood; `new`
/// when the item was deleted, which is an operator's doing and says nothing.
///
/// Every answer to a photo is announced, but a removal after a removal; a score when its revision is another; a
/// leaderboard when its version is.
pub fn announce(old: Option<&Item>, new: Option<&Item>) -> Option<Event> {
    match (old, new?) {
        (Some(Item::Photo(old)), Item::Photo(new))
            if old.answer == Answer::Removed && new.answer == Answer::Removed =>
        {
            None
        }
        (Some(Item::Score(old)), Item::Score(new)) if old.revision == new.revision => None,
        (Some(Item::Board(old)), Item::Board(new)) if old.version == new.version => None,
        (_, Item::Photo(new)) => Some(photo(new)),
        (_, Item::Score(new)) => Some(score(new)),
        (Some(Item::Board(old)), Item::Board(new)) => Some(board(Some(old), new)),
        (_, Item::Board(new)) => Some(board(None, new)),
    }
}

fn photo(outcome: &Outcome) -> Event {
    let photo = Photo {
        key: outcome.photo.clone(),
        revision: outcome.revision,
        user_id: outcome.user_id.clone(),
        cause: outcome.cause,
    };
    let data = match outcome.answer.clone() {
        Answer::Ready { renditions, thumbhash } => Data::PhotoReady(PhotoReady { photo, renditions, thumbhash }),
        Answer::Rejected { reason, detected } => Data::PhotoRejected(PhotoRejected { photo, reason, detected }),
        Answer::Removed => Data::PhotoRemoved(PhotoRemoved { photo }),
    };
    let key = [outcome.photo.shop_id.as_str(), outcome.photo.photo_id.as_str()];
    event("photo", key, outcome.revision.0, outcome.processed_at, data)
}

fn score(score: &Score) -> Event {
    let data = Data::ScoreUpdated(ScoreUpdated {
        key: score.key.clone(),
        revision: score.revision,
        count: score.count,
        sum: score.sum,
        histogram: score.histogram,
        mean_micros: score.mean_micros,
        score_micros: score.score_micros,
        formula: score.formula.clone(),
        city: score.city.clone(),
    });
    let key = [score.key.shop_id.as_str(), &score.key.period.to_string()];
    event("score", key, score.revision, score.updated_at, data)
}

fn board(old: Option<&BoardSnapshot>, new: &BoardSnapshot) -> Event {
    let difference = difference(old.map_or(&[], |old| &old.entries), &new.entries);
    let data = Data::LeaderboardChanged(LeaderboardChanged {
        board: new.key.board.clone(),
        period: new.key.period,
        version: new.version,
        entries: new.entries.clone(),
        entered: difference.entered,
        left: difference.left,
        moved: difference.moved,
    });
    event("board", [&new.key.board.to_string(), &new.key.period.to_string()], new.version, new.updated_at, data)
}

fn event(kind: &str, key: [&str; 2], revision: u64, time: Timestamp, data: Data) -> Event {
    let [first, second] = key.map(escaped);
    let subject = format!("{kind}/{first}/{second}");
    Event {
        specversion: SpecVersion::V1,
        id: EventId::of(&subject, revision),
        source: Source::Pipeline,
        subject,
        time,
        datacontenttype: ContentType::Json,
        data,
    }
}
