//! A fake that no contract holds is a lie in waiting: the notifier's.

use coffeeshop_core::ids::UserId;
use coffeeshop_core::testing::{NotificationWorld, contract, notifications_contract};
use futures::executor::block_on;

fn user() -> UserId {
    "user".parse().unwrap()
}

#[test]
fn subscriptions() {
    let world = NotificationWorld::new(5);
    block_on(notifications_contract::subscriptions(&world, &world, &user()));
}

#[test]
fn leases() {
    block_on(notifications_contract::leases(&NotificationWorld::new(5), &user()));
}

#[test]
fn inbox() {
    let world = NotificationWorld::new(5);
    block_on(notifications_contract::inbox(&world, &world, &user()));
}

#[test]
fn deliveries() {
    let world = NotificationWorld::new(5);
    let receive = async || {
        let received = world.deliveries().receive(1000);
        received.into_iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    };
    block_on(notifications_contract::deliveries(&world, &user(), receive));
}

#[test]
fn both_queues() {
    let world = NotificationWorld::new(5);
    for queue in [world.notifications(), world.deliveries()] {
        block_on(contract::source_queue(&queue, &queue));
    }
}
