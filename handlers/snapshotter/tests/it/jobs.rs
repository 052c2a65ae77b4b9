//! One run at a time: the lease is taken, given back, kept, and over; and what a request and an answer look like.

use coffeeshop_core::ports::{JobLease, JobLeases as _, Put};
use coffeeshop_core::testing::Fault;
use coffeeshop_snapshotter::boards::Summary;
use coffeeshop_snapshotter::job::{Ended, Job, LEASE_BEYOND, Request, handle};
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::boards::{TICK, TIMEOUT_SECONDS, Town};

const JOBS: [(Job, &str); 4] =
    [(Job::Boards, "boards"), (Job::EveryBoard, "boards"), (Job::Scores, "scores"), (Job::Photos, "photos")];

/// Somebody else takes the lease of a job.
fn take(town: &Town, job: &'static str, until: Timestamp) {
    let lease = JobLease { job, owner: "somebody else".to_owned(), until };
    let now = coffeeshop_core::ports::Clock::now(&town.world);
    assert_eq!(block_on(town.world.take(&lease, now)).unwrap(), Put::Stored);
    town.world.take_log();
}

fn begin() -> Timestamp {
    "2026-11-22T09:20:00Z".parse().unwrap()
}

#[test]
fn a_run_has_the_lease_of_its_job_and_gives_it_back() {
    for (job, lease) in JOBS {
        let town = Town::new();
        assert_ne!(town.run(job).unwrap(), Ended::Skipped);
        let log = town.world.take_log();
        assert_eq!((log.first(), log.last()), (Some(&"leases.take"), Some(&"leases.give_back")), "{job:?}");
        assert_eq!(town.world.stored_lease(lease), None);
    }
}

#[test]
fn a_run_without_the_lease_does_nothing() {
    for (job, lease) in JOBS {
        let town = Town::new();
        town.order(None, "a b");
        take(&town, lease, begin() + SignedDuration::from_millis(1));
        assert_eq!(town.run(job).unwrap(), Ended::Skipped);
        assert_eq!(town.world.take_log(), ["leases.take"], "{job:?}");
        assert_eq!(town.uploads.calls(), 0);
        assert_eq!(town.world.stored_lease(lease).unwrap().owner, "somebody else");
        // When it is over, it is nobody's.
        town.world.advance(SignedDuration::from_millis(1));
        assert_ne!(town.run(job).unwrap(), Ended::Skipped, "{job:?}");
    }
}

#[test]
fn other_jobs_have_other_leases() {
    for (job, lease) in JOBS {
        let town = Town::new();
        for other in ["boards", "scores", "photos"].into_iter().filter(|other| *other != lease) {
            take(&town, other, begin() + TICK);
        }
        assert_ne!(town.run(job).unwrap(), Ended::Skipped, "{job:?}");
    }
}

#[test]
fn a_lease_that_is_not_given_back_is_over_before_the_next_tick() {
    let town = Town::new();
    town.order(None, "a b");
    let calls = {
        let well = Town::new();
        well.order(None, "a b");
        well.run(Job::Boards).unwrap();
        well.world.calls()
    };
    town.world.fail(calls - 1, Fault::Before);
    assert_ne!(town.run(Job::Boards).unwrap(), Ended::Skipped, "what is done is done");
    town.assert_right();
    let lease = town.world.stored_lease("boards").unwrap();
    let deadline = begin() + SignedDuration::from_secs(TIMEOUT_SECONDS);
    assert_eq!(lease.until, deadline + LEASE_BEYOND);
    assert!(lease.until < begin() + TICK);

    town.world.advance(SignedDuration::from_secs(TIMEOUT_SECONDS));
    assert_eq!(town.run(Job::EveryBoard).unwrap(), Ended::Skipped);
    town.world.advance(SignedDuration::try_from(LEASE_BEYOND).unwrap());
    assert_eq!(town.compare(Job::EveryBoard).compared, 1);
}

#[test]
fn a_job_that_fails_gives_the_lease_back_and_says_why() {
    for (job, lease) in JOBS {
        let town = Town::new();
        town.order(None, "a b");
        // Of photos the clock is all that is asked for here before the bucket is.
        town.uploads.fail(0, Fault::Before);
        let error = town.run(job).unwrap_err();
        assert!(!error.to_string().is_empty(), "{job:?}");
        assert_eq!(town.world.stored_lease(lease), None, "{job:?}");
        assert_ne!(town.run(job).unwrap(), Ended::Skipped, "{job:?}");
    }
}

#[test]
fn when_nobody_knows_whether_the_lease_is_taken_nothing_is_done() {
    for fault in [Fault::Before, Fault::After, Fault::Busy] {
        let town = Town::new();
        town.order(None, "a b");
        town.world.fail(0, fault);
        town.run(Job::Boards).unwrap_err();
        assert_eq!(town.world.take_log(), ["leases.take"]);
        assert_eq!(town.world.stored_lease("boards").is_some(), fault == Fault::After);
        town.world.advance(TICK);
        assert_eq!(town.compare(Job::Boards).changed, 1, "{fault:?}");
    }
}

#[test]
fn an_event_that_comes_twice_is_run_once_at_a_time() {
    let town = Town::new();
    let (deps, context) = (town.deps(), town.context("one id"));
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    let mut first = Box::pin(handle(&deps, Request { job: Job::Boards }, &context));
    for _ in 0..3 {
        assert!(first.as_mut().poll(&mut task).is_pending());
    }
    town.world.advance(SignedDuration::from_nanos(1));
    let second = block_on(handle(&deps, Request { job: Job::Boards }, &context)).unwrap();
    assert_eq!(second, Ended::Skipped);
    assert_ne!(block_on(first).unwrap(), Ended::Skipped);
}

#[test]
fn a_request_is_as_the_schedules_have_it() {
    for (text, job) in [("boards", 0), ("every_board", 1), ("scores", 2), ("photos", 3)] {
        let request: Request = serde_json::from_value(json!({ "job": text })).unwrap();
        assert_eq!(request.job, JOBS[job].0);
    }
    for wrong in [json!({}), json!({ "job": "Boards" }), json!({ "job": "boards", "city": "Turin" }), json!(null)] {
        assert!(serde_json::from_value::<Request>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn an_answer_says_what_became_of_a_run() {
    let summary = Summary { compared: 9, changed: 2, exported: 3, lost_races: 1 };
    let expected = json!({ "ended": "boards", "compared": 9, "changed": 2, "exported": 3, "lost_races": 1 });
    assert_eq!(serde_json::to_value(Ended::Boards(summary)).unwrap(), expected);
    assert_eq!(serde_json::to_value(Ended::Skipped).unwrap(), json!({ "ended": "skipped" }));
}
