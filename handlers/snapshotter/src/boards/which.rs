//! Which leaderboards there are. What is on them is not looked at here.

use std::collections::BTreeSet;

use coffeeshop_core::board::{Board, BoardKey};
use coffeeshop_core::period::{Month, Period};
use coffeeshop_core::ports::{PortError, Scan, Segment};
use coffeeshop_core::score::{City, Score};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

/// In how many segments the scores are read, side by side.
const SEGMENTS: u32 = 8;

/// Those of all shops, and of each city: of all time, of this month of UTC and of the last.
pub(super) fn current(now: Timestamp, cities: &BTreeSet<City>) -> BTreeSet<BoardKey> {
    let month = Month::of(now);
    let months = [month, month.and_then(Month::before)].into_iter().flatten().map(Period::Month);
    let periods: Vec<Period> = [Period::All].into_iter().chain(months).collect();
    let boards = [Board::Global].into_iter().chain(cities.iter().cloned().map(Board::City));
    boards
        .flat_map(|board| periods.iter().map(move |period| BoardKey { board: board.clone(), period: *period }))
        .collect()
}

/// Those that a score stands on: without ratings it stands on none.
fn of_score(score: &Score) -> impl Iterator<Item = BoardKey> {
    let city = score.city.clone().map(Board::City);
    let boards = score.rank.as_ref().map(|_| [Some(Board::Global), city]);
    let period = score.key.period;
    boards.into_iter().flatten().flatten().map(move |board| BoardKey { board, period })
}

/// Those that any score stands on. One that cannot be understood names none: the snapshot of scores tells of it, and a board
/// that has it fails.
pub(super) async fn of_scores(scores: &impl Scan<Score>) -> Result<BTreeSet<BoardKey>, PortError> {
    let segments = (0..SEGMENTS).map(|number| of_segment(scores, Segment { number, of: SEGMENTS }));
    let found = stream::iter(segments).buffer_unordered(SEGMENTS as usize);
    found
        .try_fold(BTreeSet::new(), async |mut all, mut some| {
            all.append(&mut some);
            Ok(all)
        })
        .await
}

async fn of_segment(scores: &impl Scan<Score>, segment: Segment) -> Result<BTreeSet<BoardKey>, PortError> {
    let (mut boards, mut after) = (BTreeSet::new(), None);
    loop {
        let page = scores.page(segment, after.as_ref()).await?;
        boards.extend(page.items.iter().flatten().flat_map(of_score));
        after = page.next;
        if after.is_none() {
            return Ok(boards);
        }
    }
}

#[cfg(test)]
mod tests {
    use coffeeshop_core::histogram::Histogram;
    use coffeeshop_core::score::ScoreKey;

    use super::*;

    fn names(boards: impl IntoIterator<Item = BoardKey>) -> Vec<String> {
        boards.into_iter().map(|key| key.to_string()).collect()
    }

    #[track_caller]
    fn check(now: &str, cities: &[&str], expected: &[&str]) {
        let cities = cities.iter().map(|city| city.parse().unwrap()).collect();
        assert_eq!(names(current(now.parse().unwrap(), &cities)), expected, "at {now}");
    }

    #[test]
    fn current_are_all_time_this_month_and_the_last_of_utc() {
        check("2026-11-30T23:59:59.999Z", &[], &["global/all", "global/2026-10", "global/2026-11"]);
        check("2026-12-01T00:00:00Z", &[], &["global/all", "global/2026-11", "global/2026-12"]);
        check("2026-12-01T00:30:00+01:00", &[], &["global/all", "global/2026-10", "global/2026-11"]);
        check("2027-01-15T12:00:00Z", &[], &["global/all", "global/2026-12", "global/2027-01"]);
        check("1990-01-01T00:00:00Z", &[], &["global/all", "global/1990-01"]);
        check("1989-12-31T00:00:00Z", &[], &["global/all"]);
        check("2100-01-01T00:00:00Z", &[], &["global/all"]);
    }

    #[test]
    fn current_are_those_of_each_city_whatever_its_script() {
        check(
            "2026-11-22T04:33:00Z",
            &["東京", "St. Gallen/Ost #1", "Global"],
            &[
                "global/all",
                "global/2026-10",
                "global/2026-11",
                "Global/all",
                "Global/2026-10",
                "Global/2026-11",
                "St. Gallen/Ost #1/all",
                "St. Gallen/Ost #1/2026-10",
                "St. Gallen/Ost #1/2026-11",
                "東京/all",
                "東京/2026-10",
                "東京/2026-11",
            ],
        );
    }

    #[test]
    fn a_score_stands_on_its_period_s_boards_once_it_has_ratings() {
        let boards = |period: &str, city: Option<&str>, five_stars| {
            let key = ScoreKey { shop_id: "shop".parse().unwrap(), period: period.parse().unwrap() };
            let histogram = Histogram::try_from([0, 0, 0, 0, five_stars]).unwrap();
            let city = city.map(|city| city.parse().unwrap());
            names(of_score(&Score::new(key, histogram, 1, city, Timestamp::UNIX_EPOCH)))
        };
        assert_eq!(boards("2019-03", Some("東京"), 1), ["global/2019-03", "東京/2019-03"]);
        assert_eq!(boards("all", None, 1), ["global/all"]);
        assert!(boards("all", Some("Turin"), 0).is_empty());
    }
}
