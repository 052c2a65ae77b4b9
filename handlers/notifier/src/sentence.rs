//! What a person reads of an event: a sentence, and what it is about.
//!
//! In English; an app that speaks other languages has the event's type and what it is about.

use coffeeshop_core::board::Board;
use coffeeshop_core::event::{Data, Event, LeaderboardChanged};
use coffeeshop_core::ids::UserId;
use coffeeshop_core::inbox::{About, INBOX_DAYS, InboxItem};
use coffeeshop_core::outcome::Reason;
use coffeeshop_core::period::Period;
use coffeeshop_core::{SOURCE_BYTES_MAX, SOURCE_PIXELS_MAX};
use jiff::{SignedDuration, Timestamp};

/// The item that tells `user_id` of `event`; `None` for what nobody is told of.
pub(crate) fn inbox_item(event: &Event, user_id: &UserId, now: Timestamp) -> Option<InboxItem> {
    let about_photo = || {
        let photo = event.data.photo()?;
        Some(About::Photo { shop_id: photo.key.shop_id.clone(), photo_id: photo.key.photo_id.clone() })
    };
    let (text, about) = match &event.data {
        Data::PhotoReady(_) => ("Your photo is ready.".to_owned(), about_photo()?),
        Data::PhotoRejected(rejected) => {
            let why = refusal(rejected.reason, rejected.detected.as_deref());
            (format!("Your photo cannot be used: {why}."), about_photo()?)
        }
        Data::LeaderboardChanged(changed) => {
            let about = About::Leaderboard { board: changed.board.clone(), period: changed.period };
            (leaderboard(changed), about)
        }
        Data::PhotoRemoved(_) | Data::ScoreUpdated(_) => return None,
    };
    Some(InboxItem {
        user_id: user_id.clone(),
        event_id: event.id.clone(),
        kind: event.data.kind().to_owned(),
        text,
        unread: true,
        created_at: event.time,
        expires_at: (now + SignedDuration::from_hours(24 * INBOX_DAYS)).as_second(),
        about,
    })
}

fn refusal(reason: Reason, detected: Option<&str>) -> String {
    match reason {
        Reason::Empty => "the file is empty".to_owned(),
        Reason::TooManyBytes => format!("the file has more than {} MiB", SOURCE_BYTES_MAX >> 20),
        Reason::TooManyPixels => format!("it has more than {} megapixels", SOURCE_PIXELS_MAX / 1_000_000),
        Reason::UnsupportedFormat => {
            let detected = detected.map(|detected| format!(" ({detected})")).unwrap_or_default();
            format!("it is not a JPEG, PNG, WebP or GIF image{detected}")
        }
        Reason::Corrupt => "the file is damaged".to_owned(),
    }
}

fn leaderboard(changed: &LeaderboardChanged) -> String {
    let whose = match &changed.board {
        Board::Global => "all shops".to_owned(),
        Board::City(city) => city.to_string(),
    };
    let when = match changed.period {
        Period::All => "all time".to_owned(),
        Period::Month(month) => month.to_string(),
    };
    let counted =
        [(changed.entered.len(), "entered it"), (changed.left.len(), "left it"), (changed.moved.len(), "moved on it")];
    let shops = |count: usize| if count == 1 { "1 shop".to_owned() } else { format!("{count} shops") };
    let said = counted.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = said.map(|(count, what)| format!("{} {what}", shops(count))).collect();
    let what = if said.is_empty() { "every shop keeps its place".to_owned() } else { said.join(", ") };
    format!("The leaderboard of {whose}, {when}, has changed: {what}.")
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::board::{Moved, Placed};

    use super::*;

    #[track_caller]
    fn check(board: &str, period: &str, [entered, left, moved]: [usize; 3], expected: &str) {
        let shop = |number: usize| format!("shop-{number}").parse().unwrap();
        let placed = |count| (1..=count).map(|place| Placed { shop_id: shop(place), place }).collect();
        let changed = LeaderboardChanged {
            board: board.parse().unwrap(),
            period: period.parse().unwrap(),
            version: 1,
            entries: Vec::new(),
            entered: placed(entered),
            left: placed(left),
            moved: (1..=moved).map(|to| Moved { shop_id: shop(to), from: to + 1, to }).collect(),
        };
        assert_eq!(leaderboard(&changed), expected);
    }

    #[test]
    fn a_leaderboard_in_words() {
        check(
            "Eastmere",
            "2026-11",
            [1, 0, 3],
            "The leaderboard of Eastmere, 2026-11, has changed: 1 shop entered it, 3 shops moved on it.",
        );
        check("global", "all", [0, 2, 0], "The leaderboard of all shops, all time, has changed: 2 shops left it.");
        check(
            "global",
            "all",
            [0; 3],
            "The leaderboard of all shops, all time, has changed: every shop keeps its place.",
        );
    }

    #[test]
    fn a_refusal_in_words() {
        #[track_caller]
        fn check(reason: Reason, detected: Option<&str>, expected: &str) {
            assert_eq!(refusal(reason, detected), expected);
        }
        check(Reason::Empty, None, "the file is empty");
        check(Reason::TooManyBytes, None, "the file has more than 50 MiB");
        check(Reason::TooManyPixels, None, "it has more than 100 megapixels");
        check(Reason::UnsupportedFormat, Some("image/heic"), "it is not a JPEG, PNG, WebP or GIF image (image/heic)");
        check(Reason::UnsupportedFormat, None, "it is not a JPEG, PNG, WebP or GIF image");
        check(Reason::Corrupt, None, "the file is damaged");
    }
}
