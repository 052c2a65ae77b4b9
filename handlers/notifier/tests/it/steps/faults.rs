//! Every call of every step fails, before its effect and after it, and the process dies at every point: in the end
//! everybody has been told.

use std::pin::pin;

use coffeeshop_core::testing::Fault;

use super::bench::{
    Bench, DELIVERY_ATTEMPTS, NowOrNever as _, Step, board, changed, inbox, poll_times, ready, user, webhook,
};
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

/// The last copy of a message is parked with a reason when a lease is in its way: SQS would take it without one.
#[test]
fn what_is_received_for_the_last_time_while_another_is_at_it_is_parked() {
    let bench = Bench::new();
    bench.endpoints.set("hook.example", Behaviour::Hangs);
    bench.world.subscribe(webhook(&user("ada"), "hook", "hook.example"));
    for _ in 0..2 {
        bench.publish(&ready("ada", "photo", 1));
    }
    bench.invoke_now(Step::Notifications);
    let first = bench.queue(Step::Deliveries).receive(1);
    let mut last = bench.queue(Step::Deliveries).receive(1);
    assert!(bench.invoke(Step::Deliveries, first, 1).crashing_after(1000).is_none());
    for message in &mut last {
        message.receive_count = DELIVERY_ATTEMPTS;
    }
    bench.invoke(Step::Deliveries, last, 2).now_or_never_polled();
    let parked = bench.world.deliveries().parked();
    assert_eq!(parked.iter().map(|parked| parked.reason.as_str()).collect::<Vec<_>>(), ["leased_by_another"]);
    assert_eq!(bench.queue(Step::Deliveries).queued(), 1);
}

/// The webhook has moved, and the old one says so before anybody knows.
#[test]
fn a_webhook_that_moves_while_the_old_one_answers_410_is_told_at_its_new_place() {
    let bench = Bench::new();
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    bench.endpoints.set("old.example", Behaviour::Status(410));
    bench.endpoints.set("new.example", Behaviour::Status(200));
    bench.world.subscribe(webhook(&ada, "hook", "old.example"));
    bench.publish(&event);
    bench.invoke_now(Step::Notifications);
    let messages = bench.queue(Step::Deliveries).receive(1);
    {
        let mut invocation = pin!(bench.invoke(Step::Deliveries, messages, 1));
        while bench.endpoints.calls("old.example").is_empty() {
            assert!(poll_times(&mut invocation, 1).is_none());
        }
        bench.world.subscribe(webhook(&ada, "hook", "new.example"));
        poll_times(&mut invocation, 1000).unwrap();
    }
    bench.settle();
    bench.assert_told("new.example", &event, 0);
    assert!(bench.world.subscribed(&ada, &"hook".parse().unwrap()).unwrap().enabled);
}

/// What was parked and could not be noted is not parked again.
#[test]
fn a_result_that_cannot_be_noted_is_no_reason_to_do_it_again() {
    for (behaviour, parked) in [(Behaviour::Status(404), 1), (Behaviour::Status(200), 0)] {
        let bench = Bench::new();
        bench.endpoints.set("hook.example", behaviour);
        bench.world.subscribe(webhook(&user("ada"), "hook", "hook.example"));
        bench.publish(&ready("ada", "photo", 1));
        bench.invoke_now(Step::Notifications);
        bench.world.take_log();
        let before = bench.world.calls();
        let dry = begun_delivery(&bench);
        assert_eq!(dry.last(), Some(&"deliveries.finish"), "{dry:?}");
        bench.world.fail(dry.len() - 1 - (bench.world.calls() - before), Fault::Before);
        bench.invoke_now(Step::Deliveries);
        assert_eq!(bench.queue(Step::Deliveries).queued(), 0);
        assert_eq!(bench.world.deliveries().parked().len(), parked, "{behaviour:?}");
    }
}

/// The calls of a delivery, tried on another bench like this one.
fn begun_delivery(like: &Bench) -> Vec<&'static str> {
    let bench = Bench::new();
    let status = like.endpoints.behaviour("hook.example");
    bench.endpoints.set("hook.example", status);
    bench.world.subscribe(webhook(&user("ada"), "hook", "hook.example"));
    bench.publish(&ready("ada", "photo", 1));
    bench.invoke_now(Step::Notifications);
    bench.world.take_log();
    bench.invoke_now(Step::Deliveries);
    bench.world.take_log()
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
