//! A run that ends anywhere, a call that fails, an item that makes no sense: all else is done, and the next run is clean.

use std::collections::BTreeSet;
use std::task::{Context, Waker};

use coffeeshop_core::board::BoardDocument;
use coffeeshop_core::testing::{Fault, ScoreWorld};
use coffeeshop_snapshotter::job::{Job, Request, handle};
use jiff::SignedDuration;

use super::town::{TICK, Town, key};

const JOBS: [Job; 2] = [Job::Boards, Job::EveryBoard];

/// Boards that are new, that changed, that are as they were, and one that is not exported.
fn town() -> Town {
    let town = Town::new();
    town.open_shop("a", "Turin");
    town.order(Some("Turin"), "a b");
    town.rank("a", Some("Turin"), "2026-10", 3);
    town.compare(Job::EveryBoard);
    // Written, but not in the bucket.
    town.rank("b", Some("Turin"), "2026-10", 1);
    town.uploads.fail(0, Fault::Before);
    town.run(Job::Boards).unwrap_err();
    town.world.advance(TICK);
    assert_eq!(town.not_exported().len(), 1);
    town.order(Some("Turin"), "b a c");
    town.rank("c", Some("Lyon"), "2026-11", 1);
    town.world.take_log();
    town
}

#[test]
fn every_call_may_fail() {
    for job in JOBS {
        let well = town();
        let before = well.world.calls();
        well.compare(job);
        let calls = well.world.calls() - before;
        assert!(calls > 20, "{calls}");
        for fault in [Fault::Before, Fault::After, Fault::Busy] {
            for call in 0..calls {
                let town = town();
                town.world.fail(call, fault);
                let ended = town.run(job);
                let failed = town.world.take_log()[call];
                let context = format!("{fault:?} at call {call} of {job:?}, {failed}");
                assert_eq!(ended.is_ok(), failed == "leases.give_back", "{context}");
                let of_one_board =
                    failed.starts_with("boards.") && failed != "boards.list" || failed.starts_with("lead");
                if of_one_board || ended.is_ok() {
                    assert!(town.wrong_of(job).len() <= 1, "{context}: one board holds up no other");
                }
                town.assert_said();
                town.world.advance(TICK);
                town.compare(job);
                assert_eq!(town.wrong_of(job), BTreeSet::new(), "{context}");
                town.assert_said();
                town.compare(Job::EveryBoard);
                town.assert_right();
                assert_eq!(town.said().len(), well_said(job), "{context}: each change once");
            }
        }
    }
}

/// How much is said in the end when nothing fails.
fn well_said(job: Job) -> usize {
    let well = town();
    well.compare(job);
    well.compare(Job::EveryBoard);
    well.said().len()
}

#[test]
fn every_put_into_the_bucket_may_fail() {
    let well = town();
    let before = well.uploads.calls();
    assert_eq!(well.compare(Job::EveryBoard).exported, 5);
    assert_eq!(well.uploads.calls() - before, 5);
    for fault in [Fault::Before, Fault::After] {
        for call in 0..5 {
            let town = town();
            town.uploads.fail(call, fault);
            let error = town.run(Job::EveryBoard).unwrap_err().to_string();
            let wrong = town.wrong();
            let [not_done] = wrong.iter().collect::<Vec<_>>()[..] else { panic!("{wrong:?}") };
            assert!(error.ends_with(&format!("leaderboards are not done: {not_done}")), "{error}");
            town.assert_said();
            let said = town.said();
            town.world.advance(TICK);
            let again = town.compare(Job::EveryBoard);
            assert_eq!((again.changed, again.exported), (0, 1), "it is put, and not said again");
            assert_eq!(town.said(), said);
            town.assert_right();
        }
    }
}

#[test]
fn killed_anywhere_the_next_run_makes_it_good() {
    for job in JOBS {
        let (mut polls, mut halves) = (0, BTreeSet::new());
        loop {
            let town = town();
            polls += 1;
            let ended = {
                let (deps, context) = (town.deps(), town.context("killed"));
                let mut run = Box::pin(handle(&deps, Request { job }, &context));
                let mut task = Context::from_waker(Waker::noop());
                (0..polls).any(|_| run.as_mut().poll(&mut task).is_ready())
            };
            town.assert_said();
            halves.insert(town.wrong().len());
            if !ended && town.world.stored_lease("boards").is_some() {
                assert_eq!(town.run(job).unwrap(), coffeeshop_snapshotter::job::Ended::Skipped, "the lease goes on");
            }
            // The lease is over by then.
            town.world.advance(TICK);
            town.compare(job);
            assert_eq!(town.wrong_of(job), BTreeSet::new());
            town.compare(Job::EveryBoard);
            town.assert_right();
            assert_eq!(town.said().len(), well_said(job), "killed after {polls} polls: each change once");
            if ended {
                break;
            }
        }
        assert!(polls > 8 && halves.len() > 2, "{polls} polls, {halves:?}");
    }
}

#[test]
fn killed_between_any_two_calls_of_a_board_its_next_run_does_what_is_missing() {
    let mut states = BTreeSet::new();
    for polls in 1.. {
        // With one board, each poll ends at one of its calls.
        let town = Town::new();
        town.order(None, "a b");
        town.compare(Job::EveryBoard);
        town.order(None, "b a");
        let ended = {
            let (deps, context) = (town.deps(), town.context("killed"));
            let mut run = Box::pin(handle(&deps, Request { job: Job::EveryBoard }, &context));
            let mut task = Context::from_waker(Waker::noop());
            (0..polls).any(|_| run.as_mut().poll(&mut task).is_ready())
        };
        let board = town.world.stored_boards().remove(&key("global/all")).unwrap();
        let document = town.uploads.objects().remove("leaderboards/all/global.json").unwrap().body;
        let in_bucket = serde_json::from_slice::<BoardDocument>(&document).unwrap() == BoardDocument::from(&board);
        let (written, marked) = (town.said().len() == 2, board.exported == Some(board.version));
        states.insert((written, in_bucket, marked, ended));
        town.world.advance(TICK);
        let next = town.compare(Job::EveryBoard);
        assert_eq!((next.changed == 1, next.exported == 1), (!written, !(written && marked)), "after {polls} polls");
        town.assert_right();
        assert_eq!(town.said().len(), 2);
        if ended {
            break;
        }
    }
    let expected = [
        (false, true, true, false),
        (true, false, false, false),
        (true, true, false, false),
        (true, true, true, false),
        (true, true, true, true),
    ];
    assert_eq!(states, expected.into(), "every state that there is");
}

#[test]
fn boards_whose_items_make_no_sense_are_named_and_all_others_are_done() {
    let town = town();
    let spoilt = ["Turin/all", "global/all"].map(key);
    for key in &spoilt {
        town.world.spoil_board(key, true);
    }
    let before = town.world.stored_boards();
    let error = town.run(Job::EveryBoard).unwrap_err();
    assert_eq!(error.to_string(), "2 of 6 leaderboards are not done: global/all, Turin/all");
    assert!(error.source().unwrap().source().unwrap().to_string().contains("global/all cannot be understood"));
    assert_eq!(town.wrong(), spoilt.clone().into(), "all others are done");
    for key in &spoilt {
        assert_eq!(town.world.stored_boards()[key], before[key], "what nobody understands is not replaced");
        town.world.spoil_board(key, false);
    }
    town.world.advance(TICK);
    town.compare(Job::EveryBoard);
    town.assert_right();
}

#[test]
fn a_score_that_makes_no_sense_hides_no_board_that_others_are_on() {
    let town = town();
    let spoilt = town.world.stored_scores().into_keys().find(|key| key.shop_id.as_str() == "a").unwrap();
    town.world.spoil(Some(spoilt));
    town.compare(Job::EveryBoard);
    town.assert_right();
}

#[test]
fn when_nobody_knows_which_boards_there_are_nothing_is_compared() {
    for (job, call, why) in [(Job::Boards, 1, "shops.cities failed"), (Job::EveryBoard, 3, "scores.scan failed")] {
        let town = town();
        let writes = town.world.board_writes().len();
        town.world.fail(call, Fault::Before);
        let error = town.run(job).unwrap_err();
        assert_eq!(error.to_string(), "which leaderboards there are could not be read");
        assert_eq!(error.source().unwrap().to_string(), why);
        assert_eq!(town.world.board_writes().len(), writes);
        assert_eq!(town.world.stored_lease("boards"), None, "given back all the same");
        town.world.advance(SignedDuration::from_secs(1));
        town.compare(job);
        assert_eq!(town.wrong_of(job), BTreeSet::new());
    }
}

#[test]
fn faults_at_random_are_made_good_once_they_end() {
    for seed in 0..300 {
        let town = town();
        town.world.fail_at_random(seed, 12);
        for _ in 0..3 {
            drop(town.run(Job::EveryBoard));
            town.assert_said();
            town.world.advance(TICK);
        }
        town.world.fail_at_random(0, 0);
        town.compare(Job::EveryBoard);
        town.assert_right();
    }
    // A world that has them: the seeds are not all without any.
    let world = ScoreWorld::default();
    world.fail_at_random(0, 1);
    assert!(Town::on(world).run(Job::Boards).is_err());
}
