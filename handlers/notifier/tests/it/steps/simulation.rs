//! Histories, each from a seed: several workers whose calls interleave, events twice, late and in any order, calls that
//! fail, processes that die. `SEEDS=10000` tries more, `SEED=7` one alone.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};

use coffeeshop_core::delivery::{Delivery, DeliveryKey};
use coffeeshop_core::event::Event;
use coffeeshop_core::ports::DeliveryResult;
use coffeeshop_core::subscription::{Channel, Subscriber, Subscription};
use fastrand::Rng;
use jiff::SignedDuration;

use super::bench::{Bench, Step, board, changed, inbox, ready, user, webhook};
use super::endpoints::Behaviour;

const SEEDS: u64 = 1000;

struct Story {
    bench: Bench,
    events: Vec<(Subscriber, Event)>,
    channels: Vec<(Subscription, Option<(String, Behaviour)>)>,
}

fn story(rng: &mut Rng) -> Story {
    let bench = Bench::new();
    let (mut channels, mut events) = (Vec::new(), Vec::new());
    let subscribers = [user("ada"), user("bob"), board("global")];
    for (number, subscriber) in subscribers.iter().enumerate() {
        for channel in 0..rng.usize(1..4) {
            let id = format!("channel-{channel}");
            if rng.bool() {
                channels.push((inbox(subscriber, &id, &format!("reader-{number}")), None));
                continue;
            }
            let behaviour = match rng.u8(..6) {
                0 => Behaviour::Recovers { status: 500, after: rng.usize(1..3) },
                1 => Behaviour::Busy { seconds: rng.u64(1..1000) },
                2 => Behaviour::Status(410),
                3 => Behaviour::Status(404),
                _ => Behaviour::Status(200),
            };
            let host = format!("hook-{number}-{channel}.example");
            bench.endpoints.set(&host, behaviour);
            channels.push((webhook(subscriber, &id, &host), Some((host, behaviour))));
        }
    }
    for (subscription, _) in &channels {
        bench.world.subscribe(subscription.clone());
    }
    for revision in 1..=rng.u64(1..5) {
        events.push((user("ada"), ready("ada", "photo-a", revision)));
        events.push((user("bob"), ready("bob", "photo-b", revision)));
        events.push((board("global"), changed("global", revision)));
    }
    Story { bench, events, channels }
}

type Invocation<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Delivers everything, in any order, some of it twice, to workers that die.
fn deliver(story: &Story, rng: &mut Rng) {
    let bench = &story.bench;
    let mut waiting: Vec<&Event> = story.events.iter().map(|(_, event)| event).collect();
    waiting.extend(story.events.iter().filter(|_| rng.u8(..3) == 0).map(|(_, event)| event));
    rng.shuffle(&mut waiting);
    let mut running: Vec<Invocation<'_>> = Vec::new();
    let mut deaths = rng.u8(..6);
    let mut context = TaskContext::from_waker(Waker::noop());
    for request in 0..1_000_000 {
        if rng.u8(..4) == 0
            && let Some(event) = waiting.pop()
        {
            bench.publish(event);
        }
        if running.len() < 3 {
            let step = if rng.bool() { Step::Notifications } else { Step::Deliveries };
            let messages = bench.queue(step).receive(rng.usize(1..=10));
            if !messages.is_empty() {
                running.push(Box::pin(bench.invoke(step, messages, request)));
            }
        }
        if running.is_empty() {
            // Time passes only while nobody works: an invocation is over, or has died, before its deadline.
            if !bench.world.advance_to_next_message() && waiting.is_empty() {
                return;
            }
            if rng.u8(..8) == 0 {
                bench.world.advance(SignedDuration::from_secs(rng.i64(0..100)));
            }
            continue;
        }
        let one = rng.usize(..running.len());
        if deaths > 0 && rng.u16(..100) == 0 {
            deaths -= 1;
            drop(running.swap_remove(one));
        } else if let Poll::Ready(()) = running[one].as_mut().poll(&mut context) {
            drop(running.swap_remove(one));
        }
    }
    panic!("it never comes to rest");
}

fn check(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let story = story(&mut rng);
    let one_in = if rng.bool() { 0 } else { rng.u32(10..60) };
    story.bench.world.fail_at_random(rng.u64(..), one_in);
    deliver(&story, &mut rng);

    let bench = &story.bench;
    let dead = [bench.world.notifications().dead(), bench.world.deliveries().dead()].concat();
    let parked = bench.world.deliveries().parked();
    assert_eq!(bench.endpoints.twice_at_once(), [""; 0], "SEED={seed}");
    for (subscriber, event) in &story.events {
        for (subscription, endpoint) in story.channels.iter().filter(|(of, _)| of.subscriber == *subscriber) {
            let key = DeliveryKey {
                event_id: event.id.clone(),
                subscriber: subscriber.clone(),
                channel_id: subscription.channel_id.clone(),
            };
            // An event at rest may be anybody's; a delivery is of one channel.
            let rests = |body: &String| match serde_json::from_str::<Delivery>(body) {
                Ok(delivery) => delivery.key() == key,
                Err(_) => body.contains(event.id.as_str()),
            };
            let at_rest = dead.iter().any(rests) || parked.iter().any(|parked| rests(&parked.body));
            let what = format!("SEED={seed}: {} to {}", event.id, subscription.channel_id);
            match (&subscription.channel, endpoint) {
                (Channel::Inbox { user_id }, _) => {
                    let items = bench.world.inboxes();
                    let found = items.iter().filter(|item| item.user_id == *user_id && item.event_id == event.id);
                    let found = found.count();
                    assert!(found == 1 || found == 0 && at_rest, "{what}: {found} items");
                }
                (_, Some((host, Behaviour::Status(410)))) => {
                    let enabled = bench.world.subscribed(subscriber, &subscription.channel_id).unwrap().enabled;
                    assert!(!enabled || at_rest, "{what}: {host} is called no more");
                }
                (_, Some((_, Behaviour::Status(404)))) => assert!(at_rest, "{what}: it is seen by an operator"),
                (_, Some((host, _))) => {
                    let delivered = matches!(bench.result(subscription, event), Some(DeliveryResult::Delivered { .. }));
                    let calls = bench.endpoints.calls(host);
                    let taken =
                        calls.iter().any(|call| call.message.id == event.id.as_str() && call.status == Some(200));
                    assert!(taken || at_rest, "{what}: {host} was not told");
                    assert!(taken || !delivered, "{what}: noted as delivered, and was not");
                }
                (channel, None) => panic!("{what}: {channel:?}"),
            }
        }
    }
}

#[test]
fn everybody_is_told_whatever_happens() {
    #[expect(clippy::disallowed_methods, reason = "how many to try is said by who runs the test")]
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    };
    seeds.for_each(check);
}
