//! The command killed at every point, interrupted at every point, and resumed.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use coffeeshop_core::testing::suspend_once;

use super::bench::{Bench, Said, upload, url};

/// More than one batch, and messages that are not meant.
const PARKED: usize = 3;
const GIVEN_UP: usize = 24;

/// Resumes the run until it says that all is done; what it said of each time.
fn resume_until_done(bench: &Bench) -> Vec<Said> {
    let run = bench.runs().pop().unwrap();
    let mut said = Vec::new();
    for _ in 0..5 {
        if !said.is_empty() {
            // What was handed out just when it was killed comes back by itself.
            bench.world.advance(Duration::from_mins(10));
        }
        said.push(bench.types(&format!("resume {run} --json")));
        if said.last().unwrap().status == 0 {
            return said;
        }
    }
    panic!("not done: {said:?}");
}

/// Nothing is lost, and what is there twice was named.
#[track_caller]
fn check_all_is_there(bench: &Bench, said: &[Said]) {
    let sent = bench.bodies("uploads");
    let expected: Vec<_> = (0..GIVEN_UP).map(|i| upload(&format!("uploads/shop-{}/photo-{i}", i % 3)).body).collect();
    for body in &expected {
        assert!(sent.contains_key(body), "lost: {body}");
    }
    assert_eq!(sent.len(), GIVEN_UP);
    let doubled = sent.values().map(|count| count - 1).sum::<usize>();
    let named = said.iter().flat_map(Said::objects).filter(|object| object["kind"] == "possibly_double").count();
    assert!(doubled <= named, "{doubled} are there twice, and {named} were named");
    let rest = bench.bodies("uploads-dlq");
    assert!(rest.len() == PARKED && rest.keys().all(|body| body.contains("stray")), "{rest:?}");
}

/// The group of those that are meant.
fn arguments(bench: &Bench) -> String {
    let groups = bench.types("groups uploads-dlq --json").objects();
    let group = groups.iter().find(|group| group["reason"].is_null()).unwrap();
    format!("replay uploads-dlq --group {} --execute --json", group["group"].as_str().unwrap())
}

/// Killed when it was suspended `after` times, and resumed; whether it had a plan to go on with, and how many messages are
/// there twice. `None`: it was through before.
fn killed(after: usize, pace: &str) -> Option<(bool, usize)> {
    let bench = Bench::with_uploads(PARKED, GIVEN_UP);
    let arguments = format!("{}{pace}", arguments(&bench));
    if let Some(said) = bench.types_and_is_killed(&arguments, after) {
        assert_eq!(said.status, 0, "{said:?}");
        check_all_is_there(&bench, &[said]);
        return None;
    }
    let is_planned = bench.runs().len() == 1 && bench.journal().iter().any(|line| line["event"] == "ready");
    let said = if is_planned {
        resume_until_done(&bench)
    } else {
        assert!(bench.bodies("uploads").is_empty());
        // What a killed sweep holds comes back by itself.
        bench.world.advance(Duration::from_mins(10));
        vec![bench.types(&arguments)]
    };
    check_all_is_there(&bench, &said);
    Some((is_planned, bench.bodies("uploads").values().map(|count| count - 1).sum()))
}

/// With all lanes side by side, and one call after the other.
#[test]
fn killed_anywhere_and_resumed_nothing_is_lost() {
    for (pace, least) in [("", 10), (" --rate 10/s", 15), (" --rate 1/s", 100)] {
        let ends: Vec<_> = (0..).map_while(|after| killed(after, pace)).collect();
        let resumed = ends.iter().filter(|(is_planned, _)| *is_planned).count();
        assert!(ends.len() > least && resumed > least / 2, "{pace}: killed {} times, resumed {resumed}", ends.len());
        let doubled: Vec<usize> = ends.into_iter().map(|(_, doubled)| doubled).filter(|doubled| *doubled > 0).collect();
        assert!(!doubled.is_empty() || pace.is_empty(), "{pace}: killed between a message and its reply");
    }
}

#[test]
fn killed_while_it_resumes_nothing_is_lost() {
    for after in [8, 12, 16, 20] {
        for again in 0..30 {
            let bench = Bench::with_uploads(PARKED, GIVEN_UP);
            let arguments = arguments(&bench);
            if bench.types_and_is_killed(&arguments, after).is_some()
                || !bench.journal().iter().any(|line| line["event"] == "ready")
            {
                continue;
            }
            let run = bench.runs().pop().unwrap();
            let mut said: Vec<Said> =
                bench.types_and_is_killed(&format!("resume {run} --json"), again).into_iter().collect();
            said.extend(resume_until_done(&bench));
            // What a killed one doubled, and had no time to name, the last one names.
            check_all_is_there(&bench, &said[said.len() - 1..]);
        }
    }
}

/// Presses Ctrl-C once, when it was suspended so often.
fn pressed_after(times: usize) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    let pressed = std::rc::Rc::new(Cell::new(false));
    move || {
        let pressed = pressed.clone();
        Box::pin(async move {
            if pressed.replace(true) {
                return pending().await;
            }
            for _ in 0..times {
                suspend_once().await;
            }
        })
    }
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_and_leaves_the_rest() {
    for pace in ["", " --rate 7/s"] {
        pressed_at_each(pace);
    }
}

fn pressed_at_each(pace: &str) {
    let mut between = 0;
    for times in 0..60 {
        let bench = Bench::with_uploads(PARKED, GIVEN_UP);
        let arguments = format!("{}{pace}", arguments(&bench));
        let said = bench.types_until(&arguments, pressed_after(times));
        let (sent, left) = (bench.bodies("uploads").len(), bench.world.visible(&url("uploads-dlq")).len());
        assert_eq!(sent + left, GIVEN_UP + PARKED, "nothing is in flight, nothing is hidden: {said:?}");
        if said.status == 0 {
            continue;
        }
        assert_eq!(said.status, 130, "{said:?}");
        assert!(said.errors.contains("stopping when what is in flight is finished"), "{said:?}");
        between += usize::from(sent > 0);
        let is_planned = bench.journal().iter().any(|line| line["event"] == "ready");
        let goes_on = said.errors.contains("To go on: coffeeshop dlq resume");
        assert_eq!(goes_on, is_planned && sent < GIVEN_UP, "{said:?}");
        if is_planned {
            let said = resume_until_done(&bench);
            check_all_is_there(&bench, &said);
            assert!(bench.bodies("uploads").values().all(|count| *count == 1), "nothing is doubled");
        }
    }
    assert!(between > 0, "it was stopped between two messages");
}

#[test]
fn a_run_that_is_through_has_nothing_left_to_do() {
    let bench = Bench::with_uploads(0, 5);
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 0);
    let run = bench.runs().pop().unwrap();
    let said = bench.types(&format!("resume {run} --json"));
    assert_eq!((said.status, said.summary()["done"].as_u64()), (0, Some(5)));
    assert_eq!(bench.bodies("uploads").values().sum::<usize>(), 5);
}

#[test]
fn ctrl_c_twice_ends_it_at_once_and_the_run_is_known() {
    let bench = Bench::with_uploads(0, GIVEN_UP);
    let press = || async {
        while bench.bodies("uploads").is_empty() {
            suspend_once().await;
        }
    };
    let said = bench.types_until("replay uploads-dlq --execute --json --rate 1/s", press);
    assert_eq!((said.status, said.lines.as_str()), (130, ""), "{said:?}");
    let run = bench.runs().pop().unwrap();
    assert!(said.errors.contains(&format!("run {run}: ")), "{said:?}");
    let said = resume_until_done(&bench);
    let sent = bench.bodies("uploads");
    assert!(sent.len() == GIVEN_UP && sent.values().sum::<usize>() <= GIVEN_UP + said[0].objects().len());
}

#[test]
fn two_processes_do_not_work_on_one_run() {
    let bench = Bench::with_uploads(0, 3);
    assert_eq!(bench.types("replay uploads-dlq --execute").status, 0);
    let run = bench.runs().pop().unwrap();
    let file = std::fs::File::open(bench.journals().join(format!("{run}.jsonl"))).unwrap();
    file.lock().unwrap();
    let said = bench.types(&format!("resume {run}"));
    assert_eq!((said.status, said.errors), (1, format!("error: run `{run}` is under way, in another process\n")));
}

/// A message is handed out a second time while the first is worked on.
#[test]
fn what_is_handed_out_twice_is_sent_once() {
    for pace in ["", " --rate 20/s", " --rate 3/s", " --canary 2"] {
        let bench = Bench::with_uploads(PARKED, GIVEN_UP);
        let arguments = arguments(&bench);
        bench.world.advance(Duration::from_mins(10));
        bench.world.hand_out_twice();
        let groups = bench.types("groups uploads-dlq --json").objects();
        let counts: Vec<_> = groups.iter().map(|group| group["messages"].as_u64().unwrap()).collect();
        assert_eq!(counts, [GIVEN_UP as u64, PARKED as u64]);
        // In planning, and when they are sent.
        bench.world.hand_out_twice();
        let again = || async {
            while bench.runs().is_empty() || !bench.journal().iter().any(|line| line["event"] == "ready") {
                suspend_once().await;
            }
            bench.world.hand_out_twice();
            pending::<()>().await;
        };
        let said = bench.types_until(&format!("{arguments}{pace}"), again);
        let sent = bench.bodies("uploads");
        let doubled = sent.values().filter(|count| **count > 1).count();
        assert_eq!((doubled, said.summary()["possibly_double"].as_u64()), (0, Some(0)), "{pace}: {said:?}");
        if pace != " --canary 2" {
            assert_eq!((said.status, sent.len()), (0, GIVEN_UP), "{pace}: {said:?}");
            assert_eq!(bench.bodies("uploads-dlq").len(), PARKED, "{pace}: {said:?}");
        }
    }
}
