//! What every implementation of [`Queues`] must do, whatever lies behind it.
//!
//! Each function takes queues that are empty, and that nobody else uses or consumes; it leaves them empty.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;

use crate::ports::{
    Attribute, AttributeValue, Clock, Content, Depth, MESSAGE_ATTRIBUTES_MAX, MESSAGE_BYTES_MAX, Message, MessageId,
    NotDeleted, NotSent, QueueUrl, Queues, RECEIVE_MESSAGES_MAX, Receipt,
};

/// Longer than any of these takes.
const LONG: Duration = Duration::from_mins(10);

/// How far the clocks of a queue and of a test may be apart.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_secs(5);

fn says(body: impl Into<String>) -> Content {
    Content { body: body.into(), ..Content::default() }
}

/// All that a message can say.
fn everything() -> Content {
    let text = |data_type: &str, text: &str| Attribute {
        data_type: data_type.to_owned(),
        value: AttributeValue::Text(text.to_owned()),
    };
    let binary = |data_type: &str, bytes: &'static [u8]| Attribute {
        data_type: data_type.to_owned(),
        value: AttributeValue::Binary(Bytes::from_static(bytes)),
    };
    let attributes = BTreeMap::from([
        ("reason".to_owned(), Attribute::text("unexpected_key")),
        ("error".to_owned(), text("String.chain", "\"Café\" is not ☕:\n\t<b>&amp;</b>")),
        ("times".to_owned(), text("Number", "-12.50")),
        ("revision".to_owned(), text("Number.int", "18446744073709551615")),
        ("digest".to_owned(), binary("Binary", &[0, 255, 13, 10, 128])),
        ("thumb.hash-1".to_owned(), binary("Binary.gif", b"GIF89a")),
    ]);
    let body = "{\"key\": \"uploads/Café/\u{1F375}+%2B\"}\r\n\tand <what> is & no \"JSON\" ".to_owned();
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    Content { body, attributes, trace_header: Some(root.to_owned()) }
}

async fn sent(queues: &impl Queues, queue: &QueueUrl, contents: &[Content]) -> Vec<MessageId> {
    let results = queues.send(queue, contents).await;
    assert_eq!(results.len(), contents.len());
    results.into_iter().map(Result::unwrap).collect()
}

/// Receives and hides all that can be received, each once.
async fn drain(queues: &impl Queues, queue: &QueueUrl) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let some = queues.receive(queue, RECEIVE_MESSAGES_MAX, LONG).await.unwrap();
        if some.is_empty() {
            return all;
        }
        assert!(some.len() <= RECEIVE_MESSAGES_MAX);
        all.extend(some);
    }
}

async fn the_only(queues: &impl Queues, queue: &QueueUrl, hidden: Duration) -> Message {
    let mut received = queues.receive(queue, 1, hidden).await.unwrap();
    let message = received.pop();
    assert!(received.is_empty(), "one was asked for");
    message.unwrap()
}

async fn delete_all(queues: &impl Queues, queue: &QueueUrl, messages: Vec<Message>) {
    let receipts: Vec<Receipt> = messages.into_iter().map(|message| message.receipt).collect();
    let results = queues.delete(queue, &receipts).await;
    assert_eq!(results.len(), receipts.len());
    results.into_iter().for_each(Result::unwrap);
    assert_eq!(queues.depth(queue).await.unwrap(), Depth::default());
}

/// What a message says survives, here and when it is sent elsewhere; what the queue knows about it is told.
pub async fn contents(queues: &impl Queues, clock: &impl Clock, a: &QueueUrl, b: &QueueUrl) {
    let earliest = clock.now() - CLOCKS_APART_MAX;
    let plain = says("1");
    let ids = sent(queues, a, &[everything(), plain.clone()]).await;
    let latest = clock.now() + CLOCKS_APART_MAX;
    let received = drain(queues, a).await;
    assert_eq!(received.len(), 2);
    let by_id = |id: &MessageId| received.iter().find(|message| message.id == *id).unwrap();
    assert_eq!(by_id(&ids[0]).content, everything());
    assert_eq!(by_id(&ids[1]).content, plain);
    assert_ne!(received[0].receipt, received[1].receipt);
    for message in &received {
        assert_eq!(message.receive_count, 1);
        assert!((earliest..=latest).contains(&message.sent_at), "{} is not about {latest}", message.sent_at);
    }

    let again = sent(queues, b, &[by_id(&ids[0]).content.clone()]).await;
    let elsewhere = drain(queues, b).await;
    let [message] = elsewhere.as_slice() else { panic!("one was sent, received {elsewhere:?}") };
    assert_eq!((&message.content, message.receive_count), (&everything(), 1));
    assert_eq!(message.id, again[0]);
    assert!(!ids.contains(&message.id), "it is another message");
    delete_all(queues, a, received).await;
    delete_all(queues, b, elsewhere).await;
}

/// Received messages are hidden, given back and deleted by their last receipts.
pub async fn receipts(queues: &impl Queues, a: &QueueUrl) {
    let ids = sent(queues, a, &[says("a")]).await;
    let first = the_only(queues, a, LONG).await;
    assert_eq!((&first.id, first.receive_count), (&ids[0], 1));
    assert_eq!(queues.receive(a, 1, LONG).await.unwrap(), [], "it is hidden");
    for result in queues.give_back(a, std::slice::from_ref(&first.receipt)).await {
        result.unwrap();
    }
    let second = the_only(queues, a, Duration::ZERO).await;
    assert_eq!((&second.id, second.receive_count), (&ids[0], 2));
    let third = the_only(queues, a, LONG).await;
    assert_eq!((&third.id, third.receive_count, third.sent_at), (&ids[0], 3, first.sent_at));
    let all: BTreeSet<&str> = [&first, &second, &third].map(|message| message.receipt.0.as_str()).into();
    assert_eq!(all.len(), 3, "each receive has a receipt of its own");

    let old = [first.receipt, second.receipt.clone()];
    let given_back = queues.give_back(a, &old).await;
    assert_eq!(given_back.len(), 2);
    given_back.into_iter().for_each(Result::unwrap);
    for result in queues.delete(a, &old).await {
        assert!(matches!(result, Ok(()) | Err(NotDeleted::Expired)), "{result:?}");
    }
    // Either may have deleted it, or not.
    let deleted = queues.delete(a, std::slice::from_ref(&third.receipt)).await;
    assert!(matches!(deleted.as_slice(), [Ok(()) | Err(NotDeleted::Expired)]), "{deleted:?}");
    assert_eq!(queues.depth(a).await.unwrap(), Depth::default());
    let gone = [third.receipt, second.receipt];
    for result in queues.delete(a, &gone).await {
        assert!(matches!(result, Ok(()) | Err(NotDeleted::Expired)), "{result:?}");
    }
    queues.give_back(a, &gone).await.into_iter().for_each(Result::unwrap);
    assert_eq!(queues.receive(a, 1, LONG).await.unwrap(), [], "it stays deleted");
}

/// More than a call takes, by number and by bytes, is sent, given back and deleted, with results in order.
pub async fn many(queues: &impl Queues, a: &QueueUrl) {
    assert!(queues.send(a, &[]).await.is_empty());
    assert!(queues.give_back(a, &[]).await.is_empty());
    assert!(queues.delete(a, &[]).await.is_empty());

    let contents: Vec<Content> = (0..25).map(|i| says(format!("{i:02}").repeat(50_000))).collect();
    let ids = sent(queues, a, &contents).await;
    let all = drain(queues, a).await;
    let mut found: Vec<_> = all.iter().map(|message| (&message.id, &message.content)).collect();
    let mut expected: Vec<_> = ids.iter().zip(&contents).collect();
    found.sort_by_key(|(id, _)| *id);
    expected.sort_by_key(|(id, _)| *id);
    assert!(found == expected, "each once, and each by the id that was said");
    assert_eq!(queues.depth(a).await.unwrap(), Depth { visible: 0, hidden: 25, delayed: 0 });

    let receipts: Vec<Receipt> = all.into_iter().map(|message| message.receipt).collect();
    let given_back = queues.give_back(a, &receipts).await;
    assert_eq!(given_back.len(), 25);
    given_back.into_iter().for_each(Result::unwrap);
    assert_eq!(queues.depth(a).await.unwrap(), Depth { visible: 25, hidden: 0, delayed: 0 });
    let again = drain(queues, a).await;
    assert!(again.len() == 25 && again.iter().all(|message| message.receive_count == 2));
    delete_all(queues, a, again).await;
}

/// What a queue does not take is refused for certain, and holds up nothing else.
pub async fn refused(queues: &impl Queues, a: &QueueUrl) {
    let attributes = |count: usize| (0..count).map(|i| (format!("a{i}"), Attribute::text("x"))).collect();
    let with = |count| Content { attributes: attributes(count), ..says("attributes") };
    let largest = "x".repeat(MESSAGE_BYTES_MAX);
    let contents = [
        says("first"),
        says(format!("{largest}x")),
        says(""),
        says(largest),
        with(MESSAGE_ATTRIBUTES_MAX + 1),
        with(MESSAGE_ATTRIBUTES_MAX),
        says("last"),
    ];
    let results = queues.send(a, &contents).await;
    let refused = |result: &Result<MessageId, NotSent>| result.as_ref().is_err_and(|not_sent| not_sent.certain);
    let sent: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(sent, [true, false, false, true, false, true, true]);
    assert!(results.iter().filter(|result| result.is_err()).all(refused));
    let all = drain(queues, a).await;
    let mut found: Vec<_> = all.iter().map(|message| (message.content.body.len(), message.content.clone())).collect();
    found.sort_by_key(|(length, _)| *length);
    let found: Vec<Content> = found.into_iter().map(|(_, content)| content).collect();
    let [_, _, _, largest, _, attributes, _] = &contents;
    assert!(found == [says("last"), says("first"), attributes.clone(), largest.clone()]);
    delete_all(queues, a, all).await;
}

/// A queue that is not there fails every call, and has certainly not got what is sent to it.
pub async fn gone(queues: &impl Queues, gone: &QueueUrl) {
    assert_eq!(queues.receive(gone, 1, LONG).await.unwrap_err().call, "queues.receive");
    assert_eq!(queues.depth(gone).await.unwrap_err().call, "queues.depth");
    let sent = queues.send(gone, &[says("a"), says("b")]).await;
    assert!(sent.len() == 2 && sent.iter().all(|result| result.as_ref().is_err_and(|not_sent| not_sent.certain)));
    let receipts = ["x", "y"].map(|receipt| Receipt(receipt.to_owned()));
    let deleted = queues.delete(gone, &receipts).await;
    assert!(matches!(deleted.as_slice(), [Err(NotDeleted::Failed(_)), Err(NotDeleted::Failed(_))]), "{deleted:?}");
    let given_back = queues.give_back(gone, &receipts).await;
    assert!(given_back.len() == 2 && given_back.iter().all(Result::is_err), "{given_back:?}");
}
