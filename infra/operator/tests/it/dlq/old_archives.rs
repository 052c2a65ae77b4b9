//! Old archives replayed onto a live table, twice, after repairs, and killed: the numbers stay those of the ratings.

use std::future::pending;

use coffeeshop_core::testing::suspend_once;
use serde_json::Value;

use super::bench::{Bench, Said};
use super::stream::{archived, rating, write};

/// Writes that come one after the other, and what the stream has of them.
struct Table {
    seed: fastrand::Rng,
    number: usize,
}

impl Table {
    fn new(seed: u64) -> Self {
        Self { seed: fastrand::Rng::with_seed(seed), number: 0 }
    }

    /// Ratings of a few people, again and again: new, changed, moved to another month, taken back, and nonsense.
    fn writes(&mut self, bench: &Bench, count: usize, people: usize) -> Vec<Value> {
        let one = |_| {
            let key = rating(&format!("shop-{}", self.seed.usize(..5)), &format!("user-{}", self.seed.usize(..people)));
            let stars = ["1", "2", "3", "4", "5", "9"][self.seed.usize(..6)];
            let day = ["2026-09-01", "2026-10-01", "2026-11-01"][self.seed.usize(..3)];
            let rated = (self.seed.u8(..5) > 0).then_some((stars, day));
            self.number += 1;
            write(bench, self.number, &key, rated)
        };
        (0..count).map(one).collect()
    }
}

/// Has the aggregator handle records as they come, without an operator.
async fn delivered(bench: &Bench, records: &[Value]) {
    for batch in records.chunks(100) {
        let event = serde_json::json!({ "Records": batch }).to_string();
        bench.lambda.handler.as_ref().unwrap()(event.into()).await.unwrap();
    }
}

fn deliver(bench: &Bench, records: &[Value]) {
    futures::executor::block_on(delivered(bench, records));
}

fn replays(bench: &Bench) -> Said {
    let said = bench.types("replay aggregator-failures --execute --json");
    assert_eq!(said.status, 0, "{said:?}");
    assert!(bench.archives().is_empty());
    said
}

/// Twice, before and after newer ratings, and after a repair that lost every fence.
#[test]
fn whenever_a_batch_is_replayed_the_numbers_are_right() {
    for seed in 0..20 {
        let bench = Bench::new().with_aggregator(&[]);
        let mut table = Table::new(seed);
        let old = table.writes(&bench, 60, 6);
        let before: Vec<Value> = table.writes(&bench, 60, 6);
        let archive = || bench.archive("old", &archived(&old));
        archive();
        replays(&bench);
        deliver(&bench, &before);
        bench.check_scores();
        for _ in 0..2 {
            archive();
            replays(&bench);
            bench.check_scores();
        }
        let after = table.writes(&bench, 60, 6);
        deliver(&bench, &after);
        archive();
        replays(&bench);
        bench.check_scores();
        // Contributions that were lost have lost their fences, and are counted again from the ratings.
        for rating in bench.scores.stored_contributions().into_keys() {
            bench.scores.put_contribution(&rating, None);
        }
        rebuild(&bench);
        bench.check_scores();
        archive();
        let said = replays(&bench);
        assert!(said.summary()["ratings_repaired"].as_u64().unwrap() > 0, "seed {seed}: an old state came back");
        bench.check_scores();
    }
}

fn rebuild(bench: &Bench) {
    use coffeeshop_operator::rebuild::{Mode, rebuild_shop};
    futures::executor::block_on(async {
        for i in 0..5 {
            let shop_id = format!("shop-{i}").parse().unwrap();
            rebuild_shop(&*bench.scores, &*bench.scores, &shop_id, Mode::Write, &|_| ()).await.unwrap();
        }
    });
}

/// Pieces of a batch that was bisected, each an archive, in any order.
#[test]
fn pieces_of_a_bisected_batch() {
    let bench = Bench::new().with_aggregator(&[]);
    let mut table = Table::new(7);
    let records = table.writes(&bench, 500, 40);
    let mut rest = &records[..];
    let mut pieces = Vec::new();
    while rest.len() > 1 {
        let (half, other) = rest.split_at(rest.len().div_ceil(2));
        pieces.push(other);
        rest = half;
    }
    pieces.push(rest);
    assert_eq!((pieces.len(), pieces.iter().map(|piece| piece.len()).sum::<usize>()), (10, 500));
    for (i, piece) in pieces.iter().enumerate() {
        bench.archive(&format!("{}-{i}", i * 7 % 10), &archived(piece));
    }
    replays(&bench);
    bench.check_scores();
}

/// 10,000 records of old archives, while ratings keep being written and handled.
#[test]
fn old_archives_of_10_000_records_onto_a_live_table() {
    let bench = Bench::new().with_aggregator(&[]);
    let mut table = Table::new(11);
    let old = table.writes(&bench, 10_000, 300);
    for (i, batch) in old.chunks(500).enumerate() {
        // Half of them were handled, too: their reply was lost.
        if i % 2 == 0 {
            deliver(&bench, batch);
        }
        bench.archive(&format!("{i:02}"), &archived(batch));
    }
    deliver(&bench, &table.writes(&bench, 1000, 300));
    let live = std::cell::RefCell::new((table, Vec::new(), 0));
    let arguments = "replay aggregator-failures --execute --json";
    // Beside it somebody writes a rating at each of its suspensions, now and then, and the stream delivers them late.
    let beside = || async {
        loop {
            for _ in 0..4 {
                suspend_once().await;
            }
            let due = {
                let (table, waiting, written) = &mut *live.borrow_mut();
                waiting.extend(table.writes(&bench, 1, 300));
                *written += 1;
                if waiting.len() >= 10 { waiting.clone() } else { Vec::new() }
            };
            delivered(&bench, &due).await;
            // Whoever is dropped before has not delivered them.
            live.borrow_mut().1.drain(..due.len());
        }
    };
    let said = bench.types_until(arguments, beside);
    assert_eq!(said.status, 0, "{said:?}");
    let (_, waiting, written) = live.into_inner();
    assert!(written > 100, "only {written} ratings were written meanwhile");
    deliver(&bench, &waiting);
    assert!(bench.archives().is_empty());
    assert_eq!(said.summary()["records_done"], 10_000);
    bench.check_scores();
}

/// Killed at every point, and resumed: every record is done, or in an archive.
#[test]
fn killed_anywhere_and_resumed() {
    let (mut kills, mut resumed) = (0, 0);
    for after in 0.. {
        let mut bench = Bench::new().with_aggregator(&[3, 17]);
        let mut table = Table::new(3);
        let records = table.writes(&bench, 24, 8);
        for (i, batch) in records.chunks(8).enumerate() {
            bench.archive(&i.to_string(), &archived(batch));
        }
        let through = bench.types_and_is_killed("replay aggregator-failures --execute --json", after);
        let is_through = through.is_some();
        if !is_through {
            kills += 1;
            let is_planned = bench.runs().len() == 1 && bench.journal().iter().any(|line| line["event"] == "ready");
            if is_planned {
                resumed += 1;
                let run = bench.runs().pop().unwrap();
                // Killed while it resumes, too.
                if after % 3 == 0 {
                    bench.types_and_is_killed(&format!("resume {run} --json"), after % 40);
                }
                assert_eq!(bench.types(&format!("resume {run} --json")).status, 3, "two are left over");
            }
        }
        // Pass 2 has run for whatever is not archived any more.
        let archives = bench.archives().len();
        bench.mend_aggregator(&[]);
        if archives > 0 {
            assert_eq!(bench.types("replay aggregator-failures --execute --max-replays 9").status, 0);
        }
        assert!(bench.archives().is_empty());
        bench.check_scores();
        if is_through {
            break;
        }
    }
    assert!(kills > 100 && resumed > 100, "{kills} kills, {resumed} resumed");
}

/// Ctrl-C at every point: what is in flight is finished, and the rest stays.
#[test]
fn ctrl_c_anywhere() {
    for times in 0..200 {
        let bench = Bench::new().with_aggregator(&[]);
        let mut table = Table::new(3);
        let records = table.writes(&bench, 24, 8);
        for (i, batch) in records.chunks(8).enumerate() {
            bench.archive(&i.to_string(), &archived(batch));
        }
        let is_pressed = std::cell::Cell::new(false);
        let pressed = || {
            let is_first = !is_pressed.replace(true);
            async move {
                if !is_first {
                    pending::<()>().await;
                }
                for _ in 0..times {
                    suspend_once().await;
                }
            }
        };
        let said = bench.types_until("replay aggregator-failures --execute", pressed);
        if bench.archives().is_empty() {
            assert!([0, 130].contains(&said.status), "{said:?}");
        } else {
            assert_eq!(said.status, 130, "{times}: {said:?}");
        }
        if let Some(run) = bench.runs().pop()
            && bench.journal().iter().any(|line| line["event"] == "ready")
        {
            assert!([0, 1].contains(&bench.types(&format!("resume {run}")).status));
        } else {
            replays(&bench);
        }
        assert!(bench.archives().is_empty(), "{times}");
        bench.check_scores();
    }
}
