//! What every implementation of [`BoardStore`] and [`JobLeases`] must do.
//!
//! Each function takes a store that may hold anything but must not hold the city's boards, or a lease of the job, that it
//! is given.

use std::collections::HashMap;
use std::future::Future;

use jiff::{SignedDuration, Timestamp};

use super::ScoreWorld;
use crate::board::{BOARD_PLACES, Board, BoardEntry, BoardKey, BoardSnapshot, GLOBAL_BOARD, LEASE};
use crate::ports::{BoardStore, JobLease, JobLeases, PortError, Put};
use crate::score::{CITY_BYTES_MAX, City};

/// What stands on the other sides of the ports.
pub trait BoardSides {
    /// Makes a shop known.
    fn open_shop(&self, shop_id: &str, city: &str) -> impl Future<Output = ()>;
    /// Writes an item that nobody can understand, with this key.
    fn spoil(&self, board: &str, period: &str) -> impl Future<Output = ()>;
}

impl BoardSides for ScoreWorld {
    async fn open_shop(&self, shop_id: &str, city: &str) {
        // One that is no city's name is left out.
        if let Ok(city) = city.parse() {
            ScoreWorld::open_shop(self, &shop_id.parse().unwrap(), &city);
        }
    }

    async fn spoil(&self, board: &str, period: &str) {
        // A key that is none is nobody's.
        if let (Ok(board), Ok(period)) = (board.parse(), period.parse()) {
            self.spoil_board(&BoardKey { board, period }, true);
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_792_000_000_123).unwrap()
}

fn key(city: &City, period: &str) -> BoardKey {
    BoardKey { board: Board::City(city.clone()), period: period.parse().unwrap() }
}

/// A board with so many shops.
fn board(key: &BoardKey, version: u64, shops: usize) -> BoardSnapshot {
    let entry = |shop: usize| BoardEntry {
        shop_id: format!("{shop:064}").parse().unwrap(),
        score_micros: 5_000_000 - shop as u64,
        count: 999_999_999_999,
    };
    BoardSnapshot {
        key: key.clone(),
        version,
        entries: (0..shops).map(entry).collect(),
        updated_at: now(),
        exported: None,
    }
}

async fn stored(store: &impl BoardStore, key: &BoardKey) -> Option<BoardSnapshot> {
    store.boards(std::slice::from_ref(key)).await.unwrap().remove(key).map(Result::unwrap)
}

/// A board is stored on condition of the version that it replaces, and so is what is written about its export.
pub async fn versions(store: &impl BoardStore, city: &City) {
    let (november, all) = (key(city, "2026-11"), key(city, "all"));
    let (first, second) = (board(&november, 1_792_000_000_123, 2), board(&november, 1_792_000_000_124, BOARD_PLACES));
    assert_eq!(store.exported(&november, first.version).await.unwrap(), Put::LostRace, "there is none");
    assert_eq!(stored(store, &november).await, None, "and then there is still none");
    assert_eq!(store.put_board(&first, Some(1)).await.unwrap(), Put::LostRace, "none is there to be replaced");
    assert_eq!(stored(store, &november).await, None);

    assert_eq!(store.put_board(&first, None).await.unwrap(), Put::Stored);
    assert_eq!(stored(store, &november).await.as_ref(), Some(&first));
    assert_eq!(store.put_board(&second, None).await.unwrap(), Put::LostRace, "there is one by now");
    assert_eq!(store.put_board(&second, Some(first.version - 1)).await.unwrap(), Put::LostRace);
    assert_eq!(store.put_board(&second, Some(second.version)).await.unwrap(), Put::LostRace);
    assert_eq!(stored(store, &november).await.as_ref(), Some(&first));

    assert_eq!(store.exported(&november, second.version).await.unwrap(), Put::LostRace, "not this version");
    assert_eq!(stored(store, &november).await.as_ref(), Some(&first));
    let exported = BoardSnapshot { exported: Some(first.version), ..first.clone() };
    for _ in 0..2 {
        assert_eq!(store.exported(&november, first.version).await.unwrap(), Put::Stored, "once, and once more");
        assert_eq!(stored(store, &november).await.as_ref(), Some(&exported));
    }

    let replaced = BoardSnapshot { exported: exported.exported, ..second.clone() };
    assert_eq!(store.put_board(&replaced, Some(first.version)).await.unwrap(), Put::Stored);
    assert_eq!(stored(store, &november).await.as_ref(), Some(&replaced), "all of it");
    assert_eq!(store.exported(&november, first.version).await.unwrap(), Put::LostRace, "a version of before");
    assert_eq!(store.exported(&november, second.version).await.unwrap(), Put::Stored);
    assert_eq!(stored(store, &november).await.unwrap().exported, Some(second.version));

    let emptied = board(&november, second.version + 1, 0);
    assert_eq!(store.put_board(&emptied, Some(second.version)).await.unwrap(), Put::Stored);
    assert_eq!(stored(store, &november).await, Some(emptied), "without shops, and exported no more");
    assert_eq!(stored(store, &all).await, None, "of that period alone");
}

/// Boards are found by their keys, however many, of any script; what is announced is listed, and one that cannot be
/// understood holds up none, and is not replaced.
pub async fn many(store: &(impl BoardStore + JobLeases), sides: &impl BoardSides, city: &City) {
    assert!(store.boards(&[]).await.unwrap().is_empty());
    let months = (1990..2020).flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
    let keys: Vec<_> = months.take(130).map(|month| key(city, &month)).collect();
    let longest = "ü".repeat(CITY_BYTES_MAX / 2);
    let others = [longest.as_str(), "東京", "St. Gallen/Ost #1", "Global", LEASE];
    let others = others.map(|city| key(&city.parse().unwrap(), "2031-05"));
    let written: Vec<_> = [0, 99, 100, 128].map(|i| keys[i].clone()).into_iter().chain(others).collect();
    for (key, shops) in written.iter().zip(0..) {
        assert_eq!(store.put_board(&board(key, 1, shops), None).await.unwrap(), Put::Stored, "{key}");
    }
    let spoilt = keys[111].clone();
    sides.spoil(&spoilt.board.to_string(), &spoilt.period.to_string()).await;
    sides.spoil(&city.to_string(), "2020-13").await;
    let lease = JobLease { job: "announced", owner: "run-1".to_owned(), until: now() };
    assert_eq!(store.take(&lease, now()).await.unwrap(), Put::Stored);

    let asked: Vec<_> = keys.iter().chain(&written[4..]).cloned().collect();
    let mut found = store.boards(&asked).await.unwrap();
    let error = found.remove(&spoilt).unwrap().unwrap_err();
    assert!(error.cause.to_string().contains(&spoilt.to_string()), "it is named: {error:?}");
    let expected = written.iter().zip(0..).map(|(key, shops)| (key.clone(), board(key, 1, shops))).collect();
    let found: HashMap<_, _> = found.into_iter().map(|(key, board)| (key, board.unwrap())).collect();
    assert_eq!(found, expected);

    let announced = store.announced().await.unwrap();
    assert!(written.iter().chain([&spoilt]).all(|key| announced.contains(key)), "{announced:?}");
    let of_city = announced.iter().filter(|key| key.board == Board::City(city.clone())).count();
    assert_eq!(of_city, 5, "and neither what is no period, nor a lease");
    for replaces in [None, Some(1)] {
        assert_eq!(store.put_board(&board(&spoilt, 2, 1), replaces).await.unwrap(), Put::LostRace);
    }
    let still = store.boards(std::slice::from_ref(&spoilt)).await.unwrap().remove(&spoilt);
    still.unwrap().unwrap_err();
}

/// Every board is announced, and read, also when they are more than DynamoDB reads in one call.
pub async fn many_announced(store: &impl BoardStore, city: &City) {
    const BOARDS: usize = 120;
    let keys: Vec<_> = (0..BOARDS).map(|i| key(&format!("{city} {i}").parse().unwrap(), "all")).collect();
    // More than a megabyte.
    for key in &keys {
        assert_eq!(store.put_board(&board(key, 7, BOARD_PLACES), None).await.unwrap(), Put::Stored);
    }
    let announced = store.announced().await.unwrap();
    assert!(keys.iter().all(|key| announced.contains(key)), "{} of {BOARDS}", announced.len());
    let found = store.boards(&keys).await.unwrap();
    assert!(keys.iter().all(|of| *found[of].as_ref().unwrap() == board(of, 7, BOARD_PLACES)));
}

/// Cities are those of shops, each once; a name that is none is left out.
pub async fn cities(store: &impl BoardStore, sides: &impl BoardSides, shop_id: &str) {
    let names = ["Lyon", "Lyon", "東京", "São Paulo", "St. Gallen/Ost #1", "", GLOBAL_BOARD, "a\nb"];
    for (i, name) in names.iter().enumerate() {
        sides.open_shop(&format!("{shop_id}-{i}"), name).await;
    }
    let cities = store.cities_of_shops().await.unwrap();
    for name in &names[..5] {
        assert!(cities.contains(&name.parse().unwrap()), "{name} is not among {cities:?}");
    }
    assert_eq!(cities.iter().filter(|city| city.to_string() == "Lyon").count(), 1);
}

/// A lease is one run's until it is over, or given back by that run.
pub async fn leases(store: &impl JobLeases, jobs: [&'static str; 2]) {
    let second = SignedDuration::from_secs(1);
    let until = now() + second;
    let lease = |job: usize, owner: &str, until| JobLease { job: jobs[job], owner: owner.to_owned(), until };
    let take = async |job, owner, until, now| store.take(&lease(job, owner, until), now).await.unwrap();
    let give_back = async |job, owner| store.give_back(&lease(job, owner, until)).await.unwrap();

    give_back(0, "a").await;
    assert_eq!(take(0, "a", until, now()).await, Put::Stored);
    assert_eq!(take(0, "b", until, now()).await, Put::LostRace);
    assert_eq!(take(1, "b", until, now()).await, Put::Stored, "of another job");
    give_back(0, "b").await;
    assert_eq!(take(0, "b", until, now()).await, Put::LostRace, "nobody gives back what another has");
    assert_eq!(take(0, "a", until + second, now()).await, Put::Stored, "who has it takes it again");
    assert_eq!(take(0, "b", until + second, until).await, Put::LostRace, "and has it for longer");
    assert_eq!(take(0, "b", until + second, until + second).await, Put::Stored, "what is over is nobody's");
    give_back(0, "a").await;
    assert_eq!(take(0, "a", until + second, until).await, Put::LostRace, "nor does who had it before");
    give_back(0, "b").await;
    assert_eq!(take(0, "c", until, now()).await, Put::Stored, "what was given back is nobody's");
    assert_eq!(take(1, "c", until, now()).await, Put::LostRace, "of its job alone");
}

/// Of many who take a lease, or replace a version, at once, one succeeds.
pub async fn races(store: &(impl BoardStore + JobLeases), city: &City, job: &'static str) {
    let until = now() + SignedDuration::from_secs(1);
    let lease = |i| JobLease { job, owner: format!("run-{i}"), until };
    let taken = futures::future::join_all((0..8).map(async |i| store.take(&lease(i), now()).await)).await;
    // What was in conflict is an error that says so: it may be tried again.
    let count = |puts: &[Result<Put, PortError>]| puts.iter().filter(|put| matches!(put, Ok(Put::Stored))).count();
    assert_eq!(count(&taken), 1, "{taken:?}");

    let key = key(city, "all");
    for replaces in [None, Some(1)] {
        let boards: Vec<_> = (0..8).map(|shops| board(&key, replaces.unwrap_or_default() + 1, shops)).collect();
        let put = futures::future::join_all(boards.iter().map(|board| store.put_board(board, replaces))).await;
        assert_eq!(count(&put), 1, "{put:?}");
    }
    assert_eq!(stored(store, &key).await.map(|board| board.version), Some(2));
}
