//! Snapshots that are taken while ratings come in: each row is a score as it was at one moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use coffeeshop_core::score::ScoreKey;
use coffeeshop_local::Options;
use fastrand::Rng;

use super::{Row, SHOPS, World, rows};
use crate::ratings::{rating, said};

/// That differ from each other.
const SNAPSHOTS: usize = 6;
const TRIES_MAX: usize = 40;
const WRITERS: usize = 4;

/// Rates until it is enough.
async fn write(world: &World, writer: usize, enough: &AtomicBool) {
    let mut rng = Rng::with_seed(writer as u64);
    while !enough.load(Ordering::Relaxed) {
        let rating = rating(rng.usize(..SHOPS), writer * 1000 + rng.usize(..500));
        world.app.rate(&rating, &said(rng.i64(1..=5), rng.u32(..200))).await.unwrap();
    }
}

async fn revisions(world: &World) -> BTreeMap<ScoreKey, u64> {
    world.app.scores().await.unwrap().into_iter().map(|score| (score.key, score.revision)).collect()
}

#[tokio::test]
async fn a_snapshot_taken_while_ratings_flow_has_no_torn_row() {
    let world = World::start(Options { stack_name: "flow".to_owned(), ..Options::new() }).await;
    let enough = AtomicBool::new(false);
    let writers = futures::future::join_all((0..WRITERS).map(|writer| write(&world, writer, &enough)));
    let snapshots = async {
        let mut taken: Vec<Vec<Row>> = Vec::new();
        let mut tries = 0;
        while taken.len() < SNAPSHOTS {
            let before = revisions(&world).await;
            let manifest = world.scores().await;
            let after = revisions(&world).await;
            let files = manifest.files.iter().map(|file| file.key.as_str());
            let rows = rows(&world.copy("flow", files).await).await;
            assert_eq!(rows.len() as u64, manifest.rows);
            let found: BTreeMap<ScoreKey, u64> = rows.iter().map(|row| (row.key(), row.revision)).collect();
            assert_eq!(found.len(), rows.len(), "one row a score");
            for row in &rows {
                row.whole();
            }
            // As of the watermark or later, and not of the future.
            assert!(before.iter().all(|(key, revision)| found.get(key) >= Some(revision)), "{before:?}\n{found:?}");
            assert!(found.iter().all(|(key, revision)| after.get(key) >= Some(revision)), "{found:?}\n{after:?}");
            // The first find nothing yet, or next to nothing; and on a busy machine a score may change only after both of
            // two snapshots have read it.
            if before != after && rows.len() > SHOPS && !taken.contains(&rows) {
                taken.push(rows);
            }
            tries += 1;
            assert!(tries < TRIES_MAX, "ratings came in all the time, and only {} snapshots differ", taken.len());
        }
        enough.store(true, Ordering::Relaxed);
    };
    futures::future::join(writers, snapshots).await;
    world.stack.stop().await.unwrap();
}
