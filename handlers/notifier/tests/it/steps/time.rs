//! However long calls take, an invocation ends before its deadline, and a lease outlasts it.

use coffeeshop_core::delivery::DeliveryKey;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::ports::{Lease, NotificationStore as _, PortError};
use coffeeshop_notifier::batch::CALL_MAX;
use futures::executor::block_on;
use jiff::SignedDuration;

use super::bench::{Bench, NowOrNever as _, Step, TIMEOUT_SECONDS, inbox, ready, user, webhook};
use super::endpoints::Behaviour;

/// One invocation with so many seconds left, in which each call of AWS takes as long as it may, and each call of a webhook
/// as long as it was given.
#[track_caller]
fn check(step: Step, seconds: i64, behaviour: Behaviour) {
    let bench = Bench::new();
    let ada = user("ada");
    bench.endpoints.set("hook.example", behaviour);
    bench.world.subscribe(webhook(&ada, "hook", "hook.example"));
    for number in 0..7 {
        bench.world.subscribe(inbox(&ada, &format!("app-{number}"), "ada"));
    }
    bench.publish(&ready("ada", "photo", 1));
    if step == Step::Deliveries {
        bench.invoke_now(Step::Notifications);
    }
    let messages = bench.queue(step).receive(1);
    let deadline = bench.world.now() + SignedDuration::from_secs(seconds);
    bench.world.take_calls_of(SignedDuration::try_from(CALL_MAX).unwrap());
    bench.endpoints.take_all_their_time(&bench.world);
    bench.invoke_within(step, messages, seconds).now_or_never_polled();
    let late = bench.world.now().duration_since(deadline);
    assert!(late.is_negative(), "{step:?} with {seconds} seconds, {behaviour:?}: {late:?} late");
}

#[test]
fn an_invocation_ends_before_its_deadline_however_long_calls_take() {
    for seconds in 1..=TIMEOUT_SECONDS {
        check(Step::Notifications, seconds, Behaviour::Status(200));
        for behaviour in [200, 410, 404, 503].map(Behaviour::Status) {
            check(Step::Deliveries, seconds, behaviour);
        }
    }
}

#[test]
fn nothing_is_begun_that_there_is_no_time_for() {
    for (seconds, calls) in [(6, 0), (8, 1)] {
        let bench = Bench::new();
        bench.world.subscribe(inbox(&user("ada"), "app", "ada"));
        bench.publish(&ready("ada", "photo", 1));
        bench.world.notifications().send("no event");
        bench.world.take_calls_of(SignedDuration::from_secs(2));
        let messages = bench.queue(Step::Notifications).receive(1);
        bench.invoke_within(Step::Notifications, messages, seconds).now_or_never_polled();
        assert_eq!(bench.world.take_log().len(), calls, "{seconds} seconds left");
        assert_eq!(bench.queue(Step::Notifications).queued(), 2, "it comes again");
    }
}

/// A call that could not come to an end is not one of the webhook's attempts.
#[test]
fn no_call_is_made_that_there_is_no_time_for() {
    let bench = Bench::new();
    bench.endpoints.set("hook.example", Behaviour::Status(200));
    bench.world.subscribe(webhook(&user("ada"), "hook", "hook.example"));
    bench.publish(&ready("ada", "photo", 1));
    bench.invoke_now(Step::Notifications);
    bench.world.take_calls_of(SignedDuration::from_millis(400));
    let messages = bench.queue(Step::Deliveries).receive(1);
    bench.invoke_within(Step::Deliveries, messages, 8).now_or_never_polled();
    assert!(bench.endpoints.calls("hook.example").is_empty());
    bench.settle();
    bench.assert_told("hook.example", &ready("ada", "photo", 1), 0);
}

/// The lease of a worker that is in the middle of its call.
#[test]
fn a_lease_outlasts_the_deadline_and_a_call_does_not() {
    let bench = Bench::new();
    let (ada, event) = (user("ada"), ready("ada", "photo", 1));
    bench.endpoints.set("hook.example", Behaviour::Hangs);
    bench.world.subscribe(webhook(&ada, "hook", "hook.example"));
    bench.publish(&event);
    bench.invoke_now(Step::Notifications);
    let messages = bench.queue(Step::Deliveries).receive(1);
    let (now, deadline) = (bench.world.now(), bench.world.now() + SignedDuration::from_secs(TIMEOUT_SECONDS));
    assert!(bench.invoke(Step::Deliveries, messages, 1).crashing_after(1000).is_none());

    let key = DeliveryKey { event_id: event.id, subscriber: ada, channel_id: "hook".parse().unwrap() };
    let lease = block_on(bench.world.lease(&key, "somebody else", now, deadline));
    let Ok::<_, PortError>(Lease::Others { until }) = lease else { panic!("{lease:?}") };
    assert!(until > deadline, "{until} is not after {deadline}");
    let within = SignedDuration::try_from(bench.endpoints.within("hook.example")).unwrap();
    assert!(now + within < deadline, "{within:?}");
}
