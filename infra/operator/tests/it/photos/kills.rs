//! The command killed at every point, interrupted at every point, and resumed.

use std::fs::File;

use coffeeshop_core::testing::suspend_once;

use super::bench::{Bench, Said, pressed_after};

/// More than two groups.
const PHOTOS: usize = 12;

fn bench() -> Bench {
    let bench = Bench::new();
    for i in 0..PHOTOS {
        bench.upload(&format!("shop-{}/p-{i:02}", i % 3), 1);
    }
    bench
}

/// Resumes the one run there is.
fn resume(bench: &Bench) -> Said {
    let run = bench.runs().pop().unwrap();
    bench.types(&format!("resume {run} --json"))
}

/// Nothing is lost, and what is there twice was named by the last.
#[track_caller]
fn check_all_are_asked(bench: &Bench, last: &Said) -> usize {
    assert_eq!(last.status, 0, "{last:?}");
    let asked = bench.asked();
    assert_eq!(asked.len(), PHOTOS, "{asked:?}");
    let doubled: Vec<&String> = asked.iter().filter(|(_, times)| **times > 1).map(|(photo, _)| photo).collect();
    let named = last.photos("possibly_double");
    assert!(doubled.iter().all(|photo| named.contains(photo)), "{doubled:?} are there twice, named were {named:?}");
    assert_eq!(last.summary()["possibly_double"].as_u64(), Some(named.len() as u64));
    doubled.len()
}

#[test]
fn killed_anywhere_and_resumed_nothing_is_lost() {
    for rate in ["5/s", "1000/s"] {
        let arguments = format!("reprocess --rate {rate} --json");
        let (mut resumed, mut doubled) = (0, 0);
        for after in 0.. {
            let bench = bench();
            if let Some(said) = bench.types_and_is_killed(&arguments, after) {
                assert_eq!(check_all_are_asked(&bench, &said), 0);
                break;
            }
            if bench.is_planned() {
                resumed += 1;
                doubled += check_all_are_asked(&bench, &resume(&bench));
            } else {
                assert!(bench.asked().is_empty());
                if let Some(run) = bench.runs().pop() {
                    let said = bench.types(&format!("resume {run}"));
                    let words = format!("error: run `{run}` was stopped before it touched a message: begin again\n");
                    assert_eq!((said.status, said.errors), (1, words));
                }
                assert_eq!(check_all_are_asked(&bench, &bench.types(&arguments)), 0);
            }
        }
        assert!(resumed > 1 && doubled > 0, "{rate}: resumed {resumed}, doubled {doubled}");
    }
}

#[test]
fn killed_while_it_resumes_nothing_is_lost() {
    for after in 0..30 {
        for again in 0..12 {
            let bench = bench();
            if bench.types_and_is_killed("reprocess --rate 5/s --json", after).is_some() || !bench.is_planned() {
                continue;
            }
            let run = bench.runs().pop().unwrap();
            let killed = bench.types_and_is_killed(&format!("resume {run} --json"), again);
            check_all_are_asked(&bench, &killed.unwrap_or_else(|| resume(&bench)));
            let said = resume(&bench);
            check_all_are_asked(&bench, &said);
        }
    }
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_and_leaves_the_rest() {
    let mut between = 0;
    for times in 0..40 {
        let bench = bench();
        let said = bench.types_until("reprocess --rate 5/s --json", pressed_after(times));
        let asked = bench.asked().len();
        if said.status == 0 {
            assert_eq!(asked, PHOTOS);
            continue;
        }
        assert_eq!(said.status, 130, "{said:?}");
        assert!(said.errors.contains("stopping when what is in flight is finished"), "{said:?}");
        between += usize::from(asked > 0);
        let goes_on = said.errors.contains("To go on: coffeeshop photos resume");
        assert_eq!(goes_on, bench.is_planned(), "{said:?}");
        if goes_on {
            assert_eq!(said.summary()["sent"].as_u64(), Some(asked as u64));
            assert_eq!(check_all_are_asked(&bench, &resume(&bench)), 0, "nothing is doubled");
        }
    }
    assert!(between > 0, "it was stopped between two groups");
}

#[test]
fn ctrl_c_twice_ends_it_at_once_and_the_run_is_known() {
    let bench = bench();
    let press = || async {
        while bench.asked().is_empty() {
            suspend_once().await;
        }
    };
    let said = bench.types_until("reprocess --rate 5/s --json", press);
    assert_eq!((said.status, said.lines.as_str()), (130, ""), "{said:?}");
    let run = bench.runs().pop().unwrap();
    assert!(said.errors.contains(&format!("run {run}: 12 photos")), "{said:?}");
    check_all_are_asked(&bench, &resume(&bench));
}

#[test]
fn a_run_that_is_through_has_nothing_left_to_do() {
    let bench = bench();
    assert_eq!(bench.types("reprocess --rate 100/s").status, 0);
    let said = resume(&bench);
    assert_eq!(check_all_are_asked(&bench, &said), 0);
    assert_eq!(said.summary()["sent"].as_u64(), Some(PHOTOS as u64));
}

#[test]
fn two_processes_do_not_work_on_one_run() {
    let bench = bench();
    assert_eq!(bench.types("reprocess --rate 100/s").status, 0);
    let run = bench.runs().pop().unwrap();
    let file = File::open(bench.folder.path().join(format!("{run}.jsonl"))).unwrap();
    file.lock().unwrap();
    let said = bench.types(&format!("resume {run}"));
    assert_eq!((said.status, said.errors), (1, format!("error: run `{run}` is under way, in another process\n")));
}

#[test]
fn a_run_belongs_to_its_stack() {
    let mut bench = bench();
    bench.types_until("reprocess --rate 5/s", pressed_after(12));
    assert!(bench.is_planned());
    let run = bench.runs().pop().unwrap();
    let said = bench.types_on("test", &format!("resume {run}"));
    let words = format!("error: run `{run}` is of another stack: type --stack prod\n");
    assert_eq!((said.status, said.errors), (1, words));
    bench.places.uploads = bench.world.create("https://sqs/prod-uploads-anew");
    let said = bench.types(&format!("resume {run}"));
    assert_eq!(said.status, 1);
    assert!(said.errors.contains("the stack was made anew"), "{said:?}");
    let said = bench.types("resume 20261121T201500Z-photos-3f9a");
    assert!(said.errors.contains("there is no run `20261121T201500Z-photos-3f9a` on this machine"), "{said:?}");
}
