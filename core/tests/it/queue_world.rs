//! Queues in memory keep the contract of the port, and go wrong where a test asks for it.

use std::time::Duration;

use coffeeshop_core::ports::{Clock as _, Content, MessageId, NotDeleted, NotSent, QueueUrl, Queues as _, Receipt};
use coffeeshop_core::testing::{Fault, QueueWorld, queues_contract};
use futures::executor::block_on;
use jiff::Timestamp;

const LONG: Duration = Duration::from_mins(1);

fn world() -> (QueueWorld, QueueUrl, QueueUrl) {
    let world = QueueWorld::default();
    let (a, b) = (world.create("a"), world.create("b"));
    (world, a, b)
}

fn says(bodies: &[&str]) -> Vec<Content> {
    bodies.iter().map(|body| Content { body: (*body).to_owned(), ..Content::default() }).collect()
}

#[test]
fn contents() {
    let (world, a, b) = world();
    block_on(queues_contract::contents(&world, &world, &a, &b));
}

#[test]
fn receipts() {
    let (world, a, _) = world();
    block_on(queues_contract::receipts(&world, &a));
}

#[test]
fn many() {
    let (world, a, _) = world();
    block_on(queues_contract::many(&world, &a));
}

#[test]
fn refused() {
    let (world, a, _) = world();
    block_on(queues_contract::refused(&world, &a));
}

#[test]
fn gone() {
    let (world, a, _) = world();
    world.remove_queue(&a);
    block_on(queues_contract::gone(&world, &a));
}

async fn receive(world: &QueueWorld, queue: &QueueUrl) -> Vec<(String, Receipt)> {
    let received = world.receive(queue, 10, LONG).await.unwrap();
    received.into_iter().map(|message| (message.content.body, message.receipt)).collect()
}

#[test]
fn a_message_comes_again_after_its_time_and_only_its_last_receipt_counts() {
    block_on(async {
        let (world, a, _) = world();
        let sent_at = Timestamp::from_second(-5).unwrap();
        assert_eq!(world.send_as(&a, Some("id"), says(&["a"])[0].clone(), sent_at), MessageId("id".into()));
        let first = world.receive(&a, 10, LONG).await.unwrap().remove(0);
        assert_eq!((&first.id, first.sent_at), (&MessageId("id".into()), sent_at));
        world.sleep(LONG.checked_sub(Duration::from_nanos(1)).unwrap()).await;
        assert_eq!(receive(&world, &a).await, []);
        assert_eq!((world.visible(&a), world.messages(&a)), (Vec::new(), says(&["a"])));
        world.advance(Duration::from_nanos(1));
        assert_eq!(world.visible(&a), says(&["a"]));
        let second = receive(&world, &a).await.remove(0).1;
        assert!(matches!(world.delete(&a, std::slice::from_ref(&first.receipt)).await[..], [Err(NotDeleted::Expired)]));
        world.give_back(&a, &[first.receipt]).await.remove(0).unwrap();
        assert_eq!(world.visible(&a), [], "the receipt did not count");

        world.expire_receipts(&a);
        assert_eq!(world.visible(&a), says(&["a"]));
        assert!(matches!(world.delete(&a, &[second]).await[..], [Err(NotDeleted::Expired)]));
        let third = receive(&world, &a).await.remove(0).1;
        world.delete(&a, &[third]).await.remove(0).unwrap();
        assert_eq!(world.messages(&a), []);
    });
}

#[test]
fn a_send_goes_wrong_as_a_whole() {
    block_on(async {
        for (fault, certain, busy, there) in [
            (Fault::Before, false, false, vec![]),
            (Fault::Busy, true, true, vec![]),
            (Fault::After, false, false, says(&["1", "2"])),
        ] {
            let (world, a, _) = world();
            world.fail(0, fault);
            let results = world.send(&a, &says(&["1", "2"])).await;
            assert_eq!(results.len(), 2);
            for result in results {
                let NotSent { certain: said, error } = result.unwrap_err();
                assert_eq!((said, error.busy, error.call), (certain, busy, "queues.send"));
            }
            assert_eq!(world.messages(&a), there);
            assert_eq!((world.take_log(), world.calls()), (vec!["queues.send"], 1));
        }
    });
}

#[test]
fn entries_go_wrong_alone_and_only_in_the_next_call() {
    block_on(async {
        let (world, a, _) = world();
        world.fail_entries("queues.send", &[1], Fault::Before);
        world.fail_entries("queues.send", &[0], Fault::After);
        world.fail_entries("queues.delete", &[0, 2], Fault::Busy);
        let contents = says(&["1", "2", "3"]);
        let certain =
            |result: Result<MessageId, NotSent>| result.err().map(|not_sent| (not_sent.certain, not_sent.error.busy));
        let sent: Vec<_> = world.send(&a, &contents).await.into_iter().map(certain).collect();
        assert_eq!(sent, [None, Some((true, false)), None]);
        let sent: Vec<_> = world.send(&a, &says(&["4", "5"])).await.into_iter().map(certain).collect();
        assert_eq!(sent, [Some((false, false)), None]);
        assert_eq!(world.messages(&a), says(&["1", "3", "4", "5"]));

        let receipts: Vec<Receipt> = receive(&world, &a).await.into_iter().map(|(_, receipt)| receipt).collect();
        let deleted = world.delete(&a, &receipts).await;
        let busy = |result: &Result<(), NotDeleted>| match result {
            Ok(()) => None,
            Err(NotDeleted::Failed(error)) => Some(error.busy),
            Err(NotDeleted::Expired) => panic!("{result:?}"),
        };
        assert_eq!(deleted.iter().map(busy).collect::<Vec<_>>(), [Some(true), None, Some(true), None]);
        assert_eq!(world.messages(&a), says(&["1", "4"]));
    });
}
