//! Every call of every step fails, before its effect and after it, and the process dies at every point: in the end
//! everybody has been told.

use coffeeshop_core::testing::Fault;

use super::bench::{Bench, NowOrNever as _, Step, board, changed, inbox, ready, user, webhook};
use super::endpoints::Behaviour;

/// A story with every kind of channel and ending in it.
fn begun() -> Bench {
    let bench = Bench::new();
    let ada = user("ada");
    for (host, behaviour) in [
        ("good.example", Behaviour::Status(200)),
        ("slow.example", Behaviour::Recovers { status: 503, after: 2 }),
        ("gone.example", Behaviour::Status(410)),
        ("bad.example", Behaviour::Status(400)),
        ("busy.example", Behaviour::Busy { seconds: 30 }),
    ] {
        bench.endpoints.set(host, behaviour);
        bench.world.subscribe(webhook(&ada, host.strip_suffix(".example").unwrap(), host));
    }
    bench.world.subscribe(inbox(&ada, "app", "ada"));
    bench.world.subscribe(inbox(&board("global"), "ada", "ada"));
    bench.publish(&ready("ada", "photo", 1));
    bench.publish(&changed("global", 1));
    bench.world.notifications().send("no event at all");
    bench
}

/// What must be so in the end, whatever went wrong `faults` times.
#[track_caller]
fn assert_all_told(bench: &Bench, faults: usize, what: &str) {
    let event = ready("ada", "photo", 1);
    for host in ["good.example", "slow.example", "busy.example"] {
        bench.assert_told(host, &event, faults);
    }
    let ada = user("ada");
    let gone = bench.world.subscribed(&ada, &"gone".parse().unwrap()).unwrap();
    assert!(!gone.enabled, "{what}: what answers 410 is disabled");
    assert_eq!(bench.world.inboxes().len(), 2, "{what}: an inbox is told once");
    let parked = bench.world.deliveries().parked();
    assert!((1..=1 + faults).contains(&parked.len()), "{what}: {parked:?}");
    assert!(parked.iter().all(|parked| parked.reason == "status_4xx"), "{what}: {parked:?}");
    let parked = bench.world.notifications().parked();
    assert!((1..=1 + faults).contains(&parked.len()), "{what}: {parked:?}");
    assert!(parked.iter().all(|parked| parked.reason == "not_an_event"), "{what}: {parked:?}");
    assert_eq!(bench.endpoints.twice_at_once(), [""; 0], "{what}");
    let dead = [bench.world.notifications().dead(), bench.world.deliveries().dead()].concat();
    assert!(dead.is_empty(), "{what}: {dead:?}");
}

#[test]
fn every_call_fails_once_before_and_after_its_effect() {
    let whole = begun();
    whole.settle();
    assert_all_told(&whole, 0, "nothing failed");
    let calls = whole.world.calls();
    assert!(calls > 40, "there is something to fail: {calls}");
    for call in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Busy] {
            let bench = begun();
            bench.world.fail(call, fault);
            bench.settle();
            assert_all_told(&bench, 1, &format!("call {call}, {fault:?}"));
        }
    }
}

#[test]
fn the_process_dies_at_every_point_of_either_step() {
    let mut deaths = 0;
    for step in [Step::Notifications, Step::Deliveries] {
        for polls in 0.. {
            let bench = begun();
            if step == Step::Deliveries {
                bench.invoke_now(Step::Notifications);
            }
            let messages = bench.queue(step).receive(10);
            let ended = bench.invoke(step, messages, 1).crashing_after(polls).is_some();
            bench.settle();
            assert_all_told(&bench, 1, &format!("{step:?} died after {polls} polls"));
            if ended {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths > 20, "{deaths}");
}

/// The worker died in the middle of the call: nobody calls before its lease has ended, and then somebody does.
#[test]
fn a_lease_is_taken_over_after_a_death() {
    let bench = Bench::new();
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    bench.endpoints.set("hook.example", Behaviour::Hangs);
    bench.world.subscribe(webhook(&ada, "hook", "hook.example"));
    bench.publish(&event);
    // SQS delivers it twice, and the second time while the first is under way.
    bench.publish(&event);
    bench.invoke_now(Step::Notifications);
    let first = bench.queue(Step::Deliveries).receive(1);
    let second = bench.queue(Step::Deliveries).receive(1);
    assert!(bench.invoke(Step::Deliveries, first, 1).crashing_after(1000).is_none(), "it died while it waited");
    bench.endpoints.set("hook.example", Behaviour::Status(200));
    bench.invoke(Step::Deliveries, second, 2).now_or_never_polled();
    assert_eq!(bench.endpoints.calls("hook.example").len(), 1, "the lease lives");
    assert_eq!(bench.queue(Step::Deliveries).queued(), 2, "and neither message is acknowledged");

    // 60 seconds of the first invocation and 5 more; its message would have come after 720.
    assert!(bench.world.advance_to_next_message());
    let again = bench.queue(Step::Deliveries).receive(10);
    assert_eq!(again.len(), 1);
    bench.invoke(Step::Deliveries, again, 3).now_or_never_polled();
    bench.assert_told("hook.example", &event, 0);
    bench.settle();
    assert_eq!(bench.endpoints.calls("hook.example").len(), 2, "and nobody calls once more");
}
