//! What every implementation of [`ShopRecords`] and [`Leaderboard`] must do, whatever lies behind it.
//!
//! Each function takes stores that may hold anything but must not hold the shops, or the city's and the period's
//! scores, that it is given. A leaderboard is looked at as soon as its scores are written: an index that is behind
//! passes only once it has caught up. What a page of one may look like until then is
//! [`pages_of_a_lagging_index`]'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::ScoreWorld;
use super::scores_contract::{contribution, score};
use crate::board::{Board, Page};
use crate::histogram::Histogram;
use crate::ids::{ShopId, UserId};
use crate::ledger::{Replacement, Transaction};
use crate::period::Period;
use crate::ports::{Leaderboard, Put, ScoreStore, ShopRecords, UserPage, Users};
use crate::rating::{Attribute, RatingItem, RatingKey};
use crate::score::{BOARD_PARTS, City, RankKey, Score, ScoreKey, board_part};

/// What stands on the other sides of the ports.
pub trait RecordSides {
    /// Writes ratings.
    fn rate(&self, ratings: &[(RatingKey, RatingItem)]) -> impl Future<Output = ()>;
    /// Deletes a rating.
    fn withdraw(&self, rating: &RatingKey) -> impl Future<Output = ()>;
    /// Writes an item into each table with keys that are none: a shop's id, and a user's id or a period.
    fn litter(&self, keys: &[(String, String)]) -> impl Future<Output = ()>;
}

impl RecordSides for ScoreWorld {
    async fn rate(&self, ratings: &[(RatingKey, RatingItem)]) {
        for (rating, item) in ratings {
            self.put_rating(rating.clone(), item.clone());
        }
    }

    async fn withdraw(&self, rating: &RatingKey) {
        self.remove_rating(rating);
    }

    async fn litter(&self, _: &[(String, String)]) {}
}

fn rating(shop_id: &ShopId, user: usize) -> RatingKey {
    RatingKey { shop_id: shop_id.clone(), user_id: format!("user-{user:04}").parse().unwrap() }
}

fn item(stars: usize) -> RatingItem {
    let (stars, rated_at) = (Attribute::Number(stars.to_string()), Attribute::Text("2026-11-21T10:00:00Z".to_owned()));
    RatingItem { stars: Some(stars), rated_at: Some(rated_at) }
}

async fn commit(store: &impl ScoreStore, transaction: Transaction) {
    assert_eq!(store.commit(&transaction).await.unwrap(), Put::Stored);
}

async fn put_contributions(store: &impl ScoreStore, ratings: &[RatingKey]) {
    for ratings in ratings.chunks(100) {
        let put = |rating: &RatingKey| Replacement { item: contribution(rating.clone(), None, true), replaces: None };
        let contributions = ratings.iter().map(put).collect();
        commit(store, Transaction { contributions, ..Transaction::default() }).await;
    }
}

/// Stores scores; each replaces the one of the revision before its own, if it is not the first.
async fn put_scores(store: &impl ScoreStore, scores: &[Score]) {
    for scores in scores.chunks(100) {
        let replaces = |score: &Score| Some(score.revision - 1).filter(|before| *before > 0);
        let put = |score: &Score| Replacement { item: score.clone(), replaces: replaces(score) };
        let scores = scores.iter().map(put).collect();
        commit(store, Transaction { scores, ..Transaction::default() }).await;
    }
}

fn child(shop_id: &ShopId, name: &str) -> ShopId {
    format!("{shop_id}-{name}").parse().unwrap()
}

/// Shops are listed in order, each once, whatever there is of them.
pub async fn shops(store: &(impl ShopRecords + ScoreStore), sides: &impl RecordSides, shop_id: &ShopId) {
    let shops = ["a", "b", "c", "d"].map(|name| child(shop_id, name));
    let listed = async |after: &ShopId, limit| {
        let listed = store.shops(Some(after), limit).await.unwrap();
        listed.into_iter().take_while(|shop| shop.as_str().starts_with(shop_id.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(listed(shop_id, 9).await, []);
    let mut known: Vec<ShopId> = Vec::new();
    for (i, shop) in [2, 0, 3, 1].map(|i| (i, &shops[i])) {
        match i {
            0 => sides.rate(&[(rating(shop, 1), item(5)), (rating(shop, 2), item(1))]).await,
            1 => put_contributions(store, &[rating(shop, 1)]).await,
            2 => put_scores(store, &[score(shop, "all", 1, 0), score(shop, "2026-11", 1, 0)]).await,
            _ => {
                sides.rate(&[(rating(shop, 1), item(5))]).await;
                put_contributions(store, &[rating(shop, 1)]).await;
                put_scores(store, &[score(shop, "all", 1, 1)]).await;
            }
        }
        known.push(shop.clone());
        known.sort();
        assert_eq!(listed(shop_id, 9).await, known, "what was written is read at once");
    }
    sides.litter(&["", "b!", "böse!"].map(|id| (format!("{shop_id}-{id}!"), "all".to_owned()))).await;
    for limit in 1..=shops.len() + 1 {
        let (mut paged, mut after) = (Vec::new(), shop_id.clone());
        loop {
            let page = listed(&after, limit).await;
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = last.clone();
            paged.extend(page);
        }
        assert_eq!(paged, shops, "by {limit}");
    }
    assert!(store.shops(None, 1).await.unwrap()[0] <= shops[0]);
    sides.withdraw(&rating(&shops[0], 1)).await;
    assert_eq!(listed(shop_id, 9).await, shops, "it has another rating");
    sides.withdraw(&rating(&shops[0], 2)).await;
    assert_eq!(listed(shop_id, 9).await, shops[1..]);
}

/// All pages of a shop's items, each of which must say how to go on.
async fn all<T, F: Future<Output = UserPage<T>>>(
    above: Option<UserId>,
    page: impl Fn(Option<UserId>) -> F,
) -> Vec<(UserId, T)> {
    let (mut found, mut above) = (Vec::new(), above);
    loop {
        let UserPage { items, next } = page(above.clone()).await;
        assert!(items.iter().all(|(user, _)| above.as_ref().is_none_or(|above| user > above)));
        assert!(items.iter().all(|(user, _)| next.as_ref().is_none_or(|next| user <= next)));
        found.extend(items);
        let Some(next) = next else { break };
        assert!(above.is_none_or(|above| above < next), "a page leads on");
        above = Some(next);
    }
    assert!(found.is_sorted_by(|(one, _), (other, _)| one < other), "in order, and each once");
    found
}

/// More users than a page has, with items between them whose keys are none, and which fill the end of a first page of
/// 1,000.
async fn many_users(sides: &impl RecordSides, shop_id: &ShopId) -> Vec<RatingKey> {
    let litter = (0..20).map(|i| format!("user-0989!{i:02}")).chain(["böse!".to_owned(), "user-9999!".to_owned()]);
    sides.litter(&litter.map(|user| (shop_id.to_string(), user)).collect::<Vec<_>>()).await;
    (0..1_060).map(|user| rating(shop_id, user)).collect()
}

/// Ratings are read in the order of their users, in parts of it, and as they are.
pub async fn ratings_of(store: &impl ShopRecords, sides: &impl RecordSides, shop_id: &ShopId) {
    let keys = many_users(sides, shop_id).await;
    let mut expected: Vec<_> = keys.iter().enumerate().map(|(i, key)| (key.clone(), item(i % 7))).collect();
    let odd = [Some(Attribute::Other), Some(Attribute::Text("5".to_owned())), None];
    for ((_, item), stars) in expected.iter_mut().zip(odd) {
        *item = RatingItem { stars, rated_at: None };
    }
    let other = child(shop_id, "other");
    sides.rate(&[(rating(&other, 500), item(5))]).await;
    sides.rate(&expected).await;
    let read = async |above: Option<usize>, up_to: Option<usize>| {
        let id = |user: usize| rating(shop_id, user).user_id;
        let page = async |above| {
            let users = Users { above, up_to: up_to.map(id) };
            store.ratings_of(shop_id, &users).await.unwrap()
        };
        let found = all(above.map(id), page).await;
        let key = |user_id| RatingKey { shop_id: shop_id.clone(), user_id };
        found.into_iter().map(|(user, item)| (key(user), item)).collect::<Vec<_>>()
    };
    assert_eq!(read(None, None).await, expected);
    for (above, up_to) in [(Some(1_050), None), (None, Some(9)), (Some(985), Some(995)), (Some(7), Some(8))] {
        let range = above.map_or(0, |above| above + 1)..up_to.map_or(expected.len(), |up_to| up_to + 1);
        assert_eq!(read(above, up_to).await, expected[range], "above {above:?} up to {up_to:?}");
    }
    for (above, up_to) in [(Some(8), Some(8)), (Some(9), Some(8)), (Some(1_059), None), (Some(5_000), Some(6_000))] {
        assert_eq!(read(above, up_to).await, [], "above {above:?} up to {up_to:?}");
    }
    sides.withdraw(&keys[5]).await;
    sides.rate(&[(keys[6].clone(), item(1))]).await;
    let changed = [expected[4].clone(), (keys[6].clone(), item(1))];
    assert_eq!(read(Some(3), Some(6)).await, changed, "what was written or deleted is read at once");
}

/// Contributions are read in the order of their users.
pub async fn contributions_of(store: &(impl ShopRecords + ScoreStore), sides: &impl RecordSides, shop_id: &ShopId) {
    let keys = many_users(sides, shop_id).await;
    put_contributions(store, &keys).await;
    put_contributions(store, &[rating(&child(shop_id, "other"), 500)]).await;
    let read = async |above: Option<usize>| {
        let page = async |above: Option<UserId>| store.contributions_of(shop_id, above.as_ref()).await.unwrap();
        let found = all(above.map(|user| rating(shop_id, user).user_id), page).await;
        found.into_iter().map(|(user, item)| (user, item.unwrap())).collect::<Vec<_>>()
    };
    let expected: Vec<_> =
        keys.iter().map(|key| (key.user_id.clone(), contribution(key.clone(), None, true))).collect();
    assert_eq!(read(None).await, expected);
    assert_eq!(read(Some(995)).await, expected[996..]);
    let next = contribution(keys[0].clone(), Some(&expected[0].1), false);
    let put = Replacement { item: next.clone(), replaces: Some(expected[0].1.version) };
    commit(store, Transaction { contributions: vec![put], ..Transaction::default() }).await;
    assert_eq!(read(None).await[0].1, next, "what was written is read at once");
}

/// Ratings are read by their keys, however many.
pub async fn ratings(store: &impl ShopRecords, sides: &impl RecordSides, shop_id: &ShopId) {
    let keys: Vec<_> = (0..250).map(|user| rating(shop_id, user)).collect();
    let mut expected: HashMap<_, _> = keys.iter().map(|key| (key.clone(), item(4))).collect();
    let nothing = RatingItem { stars: None, rated_at: Some(Attribute::Other) };
    expected.insert(keys[0].clone(), nothing);
    let written: Vec<_> = expected.clone().into_iter().collect();
    sides.rate(&written).await;
    let absent = [rating(shop_id, 1_000), rating(&child(shop_id, "other"), 1)];
    let asked: Vec<_> = keys.iter().chain(&absent).cloned().collect();
    assert_eq!(store.ratings(&asked).await.unwrap(), expected);
    sides.withdraw(&keys[7]).await;
    expected.remove(&keys[7]);
    assert_eq!(store.ratings(&asked).await.unwrap(), expected, "what was deleted is not read");
    assert_eq!(store.ratings(&[]).await.unwrap(), HashMap::new());
}

/// Every score of a shop, and of no other; and there is nothing of a shop that nobody knows.
pub async fn scores_of(store: &(impl ShopRecords + ScoreStore), sides: &impl RecordSides, shop_id: &ShopId) {
    let months = (1..=9).flat_map(|year| (1..=12).map(move |month| format!("200{year}-{month:02}")));
    let expected: Vec<_> = months.chain(["all".to_owned()]).map(|period| score(shop_id, &period, 1, 3)).collect();
    put_scores(store, &expected).await;
    put_scores(store, &[score(&child(shop_id, "other"), "all", 1, 3)]).await;
    let litter = ["All", "2026-13", ""].map(|period| (shop_id.to_string(), format!("{period}!")));
    sides.litter(&litter).await;
    let read = async || {
        let found = store.scores_of(shop_id).await.unwrap();
        found.into_iter().map(|(key, score)| (key, score.unwrap())).collect::<HashMap<ScoreKey, Score>>()
    };
    let mut expected: HashMap<_, _> = expected.into_iter().map(|score| (score.key.clone(), score)).collect();
    assert_eq!(read().await, expected);
    let next = score(shop_id, "all", 2, 0);
    put_scores(store, std::slice::from_ref(&next)).await;
    expected.insert(next.key.clone(), next);
    assert_eq!(read().await, expected, "what was written is read at once");

    let unknown = child(shop_id, "unknown");
    assert!(store.scores_of(&unknown).await.unwrap().is_empty());
    let contributions = store.contributions_of(&unknown, None).await.unwrap();
    assert!(contributions.items.is_empty() && contributions.next.is_none());
    let ratings = store.ratings_of(&unknown, &Users::default()).await.unwrap();
    assert!(ratings.items.is_empty() && ratings.next.is_none());
}

/// A score with a place on boards.
fn ranked(shop_id: &ShopId, period: Period, counts: [u64; 5], city: &City, revision: u64) -> Score {
    let now = Timestamp::from_millisecond(1_792_000_000_123).unwrap();
    let key = ScoreKey { shop_id: shop_id.clone(), period };
    Score::new(key, Histogram::try_from(counts).unwrap(), revision, Some(city.clone()), now)
}

/// Twenty shops, some of which have the same ratings, in so many parts of the period's board.
fn twenty(shop_id: &ShopId, period: Period, city: &City, parts: u8) -> Vec<Score> {
    let counts = |i: u64| if i < 4 { [0, 0, 0, 0, 9] } else { [i % 5, i % 3, i % 4, 1, i] };
    let shops = (0..).map(|i| child(shop_id, &i.to_string())).filter(|shop| board_part(shop) < parts);
    (0..20).zip(shops).map(|(i, shop)| ranked(&shop, period, counts(i * 7 % 20), city, 1)).collect()
}

/// The whole board, in pages; each is ordered, of at most `limit` entries, and leads on.
async fn paged(boards: &impl Leaderboard, board: &Board, period: Period, limit: usize) -> Vec<Score> {
    let (mut found, mut after): (Vec<Score>, Option<RankKey>) = (Vec::new(), None);
    loop {
        let Page { scores, next } = boards.top(board, period, limit, after.as_ref()).await.unwrap();
        assert!(scores.len() <= limit);
        assert!(scores.is_sorted_by_key(|score| score.rank.as_ref().map(|rank| rank.rank_key.clone())));
        let shops: BTreeSet<_> = scores.iter().map(|score| &score.key.shop_id).collect();
        assert_eq!(shops.len(), scores.len(), "no shop is twice on a page");
        found.extend(scores);
        let Some(next) = next else { return found };
        assert!(after.is_none_or(|after| after < next), "a page leads on");
        after = Some(next);
    }
}

/// Boards are in order, whole by pages of any size, and apart from each other; a shop without ratings is on none.
pub async fn boards(
    store: &impl ScoreStore,
    boards: &impl Leaderboard,
    shop_id: &ShopId,
    city: &City,
    periods: [Period; 2],
) {
    let elsewhere: City = format!("{city} 2").parse().unwrap();
    let mut scores = twenty(shop_id, periods[0], city, BOARD_PARTS);
    let other = ranked(&child(shop_id, "b-other"), periods[0], [0, 0, 1, 1, 30], &elsewhere, 1);
    let later = ranked(&child(shop_id, "a-later"), periods[1], [0, 0, 0, 0, 2], city, 1);
    let unrated = ranked(&child(shop_id, "c-unrated"), periods[0], [0; 5], city, 1);
    let written: Vec<_> = scores.iter().chain([&other, &later, &unrated]).cloned().collect();
    put_scores(store, &written).await;

    scores.sort_by_key(|score| {
        (std::cmp::Reverse((score.score_micros, score.count)), score.key.shop_id.as_str().to_owned())
    });
    let here = Board::City(city.clone());
    let mut everywhere = scores.clone();
    let place = everywhere.partition_point(|score| score.score_micros > other.score_micros);
    everywhere.insert(place, other.clone());
    for limit in 1..=everywhere.len() + 1 {
        assert_eq!(paged(boards, &here, periods[0], limit).await, scores, "by {limit}");
        assert_eq!(paged(boards, &Board::Global, periods[0], limit).await, everywhere, "by {limit}");
    }
    let best = boards.top(&Board::Global, periods[0], 3, None).await.unwrap();
    assert_eq!(best.scores, everywhere[..3]);
    assert_eq!(paged(boards, &Board::City(elsewhere.clone()), periods[0], 5).await, std::slice::from_ref(&other));
    for board in [&here, &Board::Global] {
        assert_eq!(paged(boards, board, periods[1], 5).await, std::slice::from_ref(&later));
    }
    assert_eq!(paged(boards, &Board::City(elsewhere), periods[1], 5).await, []);

    for (board, entries) in [(&here, &scores), (&Board::Global, &everywhere)] {
        for (i, score) in entries.iter().enumerate() {
            let rank_key = &score.rank.as_ref().unwrap().rank_key;
            assert_eq!(boards.better_than(board, periods[0], rank_key).await.unwrap(), i as u64);
        }
    }
    let beyond = ranked(shop_id, periods[0], [1_000, 0, 0, 0, 0], city, 1).rank.unwrap().rank_key;
    assert_eq!(boards.better_than(&Board::Global, periods[0], &beyond).await.unwrap(), 21);
    assert_eq!(boards.better_than(&here, periods[1], &beyond).await.unwrap(), 1);

    // The best lose their ratings, the last becomes the first.
    let changed: Vec<_> = scores[..3]
        .iter()
        .map(|score| ranked(&score.key.shop_id, periods[0], [0; 5], city, 2))
        .chain([ranked(&scores[19].key.shop_id, periods[0], [0, 0, 0, 0, 5_000], city, 2)])
        .collect();
    put_scores(store, &changed).await;
    let moved: Vec<_> = changed[3..].iter().chain(&scores[3..19]).cloned().collect();
    assert_eq!(paged(boards, &here, periods[0], 4).await, moved, "entries are where their scores are");
}

/// While an index is behind, each of its pages is still ordered, and has no shop twice; and a shop that does not move is
/// on one of them. Returns how often a board was
/// not what its scores are, so that who asks sees whether there was anything to see.
pub async fn pages_of_a_lagging_index(
    store: &impl ScoreStore,
    boards: &impl Leaderboard,
    shop_id: &ShopId,
    city: &City,
    period: Period,
) -> usize {
    // In few partitions, so that entries which are there twice are many of what one of them has.
    let first = twenty(shop_id, period, city, 2);
    put_scores(store, &first).await;
    // Every third shop stays where it is, the others move by a little: both places are on one page.
    let still = |i: usize| i.is_multiple_of(3);
    let counts = |i: usize, score: &Score| {
        let mut counts = score.histogram.counts();
        counts[2] += u64::from(!still(i));
        counts
    };
    let again = first.iter().enumerate();
    let again: Vec<_> = again.map(|(i, score)| ranked(&score.key.shop_id, period, counts(i, score), city, 2)).collect();
    put_scores(store, &again).await;
    let by_key = |scores: &[Score]| -> BTreeMap<RankKey, Score> {
        scores.iter().map(|score| (score.rank.as_ref().unwrap().rank_key.clone(), score.clone())).collect()
    };
    let (before, after) = (by_key(&first), by_key(&again));
    let rounds = stream::iter(1..=25).then(async |limit| {
        let mut behind = 0;
        for board in [Board::Global, Board::City(city.clone())] {
            let found = paged(boards, &board, period, limit).await;
            let known = |score: &Score| by_key(std::slice::from_ref(score)).into_iter().next().unwrap();
            for (key, score) in found.iter().map(known) {
                assert!(before.get(&key) == Some(&score) || after.get(&key) == Some(&score), "{score:?}");
            }
            for (_, score) in first.iter().enumerate().filter(|(i, _)| still(*i)) {
                let places = found.iter().filter(|found| found.key == score.key).count();
                assert_eq!(places, 1, "nothing that moves hides what does not, by {limit}");
            }
            behind += usize::from(found != after.values().cloned().collect::<Vec<_>>());
        }
        behind
    });
    rounds.fold(0, async |sum, behind| sum + behind).await
}
