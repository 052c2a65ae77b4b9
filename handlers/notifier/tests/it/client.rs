//! One call after another, to receivers on this machine.
//!
//! There is no test of a proxy: the process's environment cannot be set safely, and nothing in the client reads it.

use std::time::Duration;

use coffeeshop_notifier::webhook::client::{
    Answer, CALL_MAX, EXCERPT_BYTES_MAX, HttpPost, Message, Post as _, RetryAfter,
};
use coffeeshop_notifier::webhook::connection::SystemNames;
use coffeeshop_notifier::webhook::target::{Refused, Target};

use crate::receiver::{Receiver, Reply, Script, Seen, addresses, message, post};

/// Calls a receiver that is allowed.
async fn call(receiver: &Receiver) -> Answer {
    post(&HttpPost::new(), &receiver.url(), &receiver.address.to_string()).await
}

fn ok() -> Reply {
    Reply::Text("HTTP/1.1 204 No Content\r\n\r\n".to_owned())
}

fn status(status: u16, excerpt: &str) -> Answer {
    Answer::Status { status, retry_after: None, excerpt: excerpt.to_owned() }
}

fn refused(address: &str) -> Answer {
    Answer::Refused(Refused::Address { address: address.parse().unwrap() })
}

#[track_caller]
fn unreachable_text(answer: Answer) -> String {
    match answer {
        Answer::Unreachable(text) => text,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_sent_arrives_as_it_is() {
    let mut receiver = Receiver::start(ok()).await;
    let address = receiver.address;
    let url = format!("http://user:password@{address}/a%20b/?c=d&e#f");
    assert_eq!(post(&HttpPost::new(), &url, &address.to_string()).await, status(204, ""));
    let expected = [
        "POST /a%20b/?c=d&e HTTP/1.1",
        &format!("host: {address}"),
        "user-agent: coffeeshop-notifier",
        "content-type: application/cloudevents+json; charset=utf-8",
        "webhook-id: evt_1",
        "webhook-timestamp: 1614265330",
        "webhook-signature: v1,AAAA v1,BBBB",
        "content-length: 13",
        "",
        r#"{"data":"é"}"#,
    ];
    assert_eq!(receiver.request().await, expected.join("\r\n"));
}

#[tokio::test]
async fn an_answer_is_handed_on_as_it_is() {
    let in_seconds = |seconds| Some(RetryAfter::In(Duration::from_secs(seconds)));
    let at = |time: &str| Some(RetryAfter::At(time.parse().unwrap()));
    let rows = [
        ("200 OK", "", "fine", None),
        ("100 Continue\r\n\r\nHTTP/1.1 200 OK", "", "", None),
        ("410 Gone", "", "gone\n", None),
        ("429 Too Many Requests", "retry-after: 120\r\n", "", in_seconds(120)),
        ("503 Service Unavailable", "Retry-After:   0\r\n", "", in_seconds(0)),
        ("503 Service Unavailable", "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "", at("1994-11-06T08:49:37Z")),
        ("503 Service Unavailable", "retry-after: Sunday, 06-Nov-94 08:49:37 GMT\r\n", "", at("1994-11-06T08:49:37Z")),
        ("503 Service Unavailable", "retry-after: Sun Nov  6 08:49:37 1994\r\n", "", at("1994-11-06T08:49:37Z")),
        ("503 Service Unavailable", "retry-after: +5\r\n", "", None),
        ("503 Service Unavailable", "retry-after: -5\r\n", "", None),
        ("503 Service Unavailable", "retry-after: 1.5\r\n", "", None),
        ("503 Service Unavailable", "retry-after: soon\r\n", "", None),
        ("503 Service Unavailable", "retry-after:\r\n", "", None),
        ("503 Service Unavailable", "retry-after: 99999999999999999999\r\n", "", None),
        ("999 Strange", "x: y\r\n", "\u{0}é", None),
    ];
    for (line, header, body, retry_after) in rows {
        let text = format!("HTTP/1.1 {line}\r\n{header}\r\n{body}");
        let receiver = Receiver::start(Reply::Text(text)).await;
        let status = line.rsplit_once("HTTP/1.1 ").map_or(line, |(_, last)| last)[..3].parse().unwrap();
        let expected = Answer::Status { status, retry_after, excerpt: body.to_owned() };
        assert_eq!(call(&receiver).await, expected, "{line} {header}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let mut other = Receiver::start(ok()).await;
    for code in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {code} Elsewhere\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.url());
        let receiver = Receiver::start(Reply::Text(head)).await;
        let allow = format!("{},{}", receiver.address, other.address);
        assert_eq!(post(&HttpPost::new(), &receiver.url(), &allow).await, status(code, ""));
    }
    assert!(other.is_alone());
}

#[tokio::test]
async fn of_a_body_no_more_is_read_than_its_beginning() {
    let excerpt = "x".repeat(EXCERPT_BYTES_MAX);
    // It is not the time that ends these calls.
    for header in ["", "content-length: 4000000000\r\n"] {
        let mut receiver = Receiver::start(Reply::Endless(format!("HTTP/1.1 500 Oh\r\n{header}\r\n"))).await;
        let client = HttpPost::with(SystemNames, Duration::from_hours(1));
        assert_eq!(post(&client, &receiver.url(), &receiver.address.to_string()).await, status(500, &excerpt));
        receiver.request().await;
        assert_eq!(receiver.next().await, Seen::Gone);
    }
    let chunk = "x".repeat(3000);
    let chunks = format!("bb8\r\n{chunk}\r\n").repeat(3);
    let head = "HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n";
    let receiver = Receiver::start(Reply::Text(format!("{head}{chunks}0\r\n\r\n"))).await;
    assert_eq!(call(&receiver).await, status(500, &excerpt));
}

#[tokio::test]
async fn of_a_head_no_more_is_read_than_a_receiver_needs() {
    let with = |bytes| Reply::Text(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(bytes)));
    let endless = Reply::Endless("HTTP/1.1 200 OK\r\nx: ".to_owned());
    assert_eq!(call(&Receiver::start(with(32 << 10)).await).await, status(200, ""));
    for reply in [with(128 << 10), endless] {
        let text = unreachable_text(call(&Receiver::start(reply).await).await);
        assert_eq!(text, "there was no answer in HTTP: message head is too large");
    }
}

#[tokio::test]
async fn what_does_not_answer_in_time_is_unreachable() {
    let within = Duration::from_millis(200);
    let silent = Receiver::start(Reply::Stall(String::new())).await;
    let half = Receiver::start(Reply::Stall("HTTP/1.1 200 OK\r\ncontent-".to_owned())).await;
    for receiver in [silent, half] {
        let client = HttpPost::with(SystemNames, within);
        let answer = post(&client, &receiver.url(), &receiver.address.to_string()).await;
        assert_eq!(unreachable_text(answer), "no answer within 200ms");
    }
    // The call itself has less than the client.
    let silent = Receiver::start(Reply::Stall(String::new())).await;
    let target = Target::parse(&silent.url(), &silent.address.to_string().parse().unwrap()).unwrap();
    let answer = HttpPost::with(SystemNames, Duration::from_hours(1)).post(&target, &message(), within).await;
    assert_eq!(unreachable_text(answer), "no answer within 200ms");
    // A name that is never found.
    let names = Script::default();
    let answer = post(&HttpPost::with(&names, within), "https://hooks.example/", "").await;
    assert_eq!(unreachable_text(answer), "no answer within 200ms");
    assert_eq!(CALL_MAX, Duration::from_secs(10));
}

#[tokio::test]
async fn a_status_counts_though_its_body_is_slow_or_broken_off() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nso far";
    let slow = Receiver::start(Reply::Stall(head.to_owned())).await;
    let client = HttpPost::with(SystemNames, Duration::from_secs(1));
    assert_eq!(post(&client, &slow.url(), &slow.address.to_string()).await, status(200, "so far"));
    let broken = Receiver::start(Reply::Text(head.to_owned())).await;
    assert_eq!(call(&broken).await, status(200, "so far"));
}

#[tokio::test]
async fn what_is_not_http_is_unreachable() {
    let rows = [
        ("SSH-2.0-x\r\n", "there was no answer in HTTP: invalid HTTP version parsed"),
        ("", "there was no answer in HTTP: connection closed before message completed"),
    ];
    for (text, expected) in rows {
        let receiver = Receiver::start(Reply::Text(text.to_owned())).await;
        assert_eq!(unreachable_text(call(&receiver).await), expected);
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = post(&HttpPost::new(), &format!("http://{closed}/secret"), &closed.to_string()).await;
    assert!(unreachable_text(answer).starts_with("no connection could be made: Connection refused"));
}

#[tokio::test]
async fn one_address_that_is_not_public_refuses_the_name() {
    let rows: [(&[&str], &str); 6] = [
        (&["127.0.0.1"], "127.0.0.1"),
        (&["10.0.0.1", "1.1.1.1"], "10.0.0.1"),
        (&["1.1.1.1", "2606:4700:4700::1111", "169.254.169.254"], "169.254.169.254"),
        (&["::1"], "::1"),
        (&["::ffff:1.1.1.1"], "::ffff:1.1.1.1"),
        (&["64:ff9b::101:101", "1.1.1.1"], "64:ff9b::101:101"),
    ];
    for (found, bad) in rows {
        let names = Script::new([Ok(addresses(found))]);
        let client = HttpPost::with(&names, CALL_MAX);
        assert_eq!(post(&client, "https://hooks.example/", "").await, refused(bad), "{found:?}");
    }
    // A port that is allowed exempts no other.
    let mut receiver = Receiver::start(ok()).await;
    let names = Script::new([Ok(addresses(&["127.0.0.1"]))]);
    let allow = format!("hooks.example:{}", receiver.address.port());
    assert_eq!(post(&HttpPost::with(&names, CALL_MAX), "https://hooks.example/", &allow).await, refused("127.0.0.1"));
    assert!(receiver.is_alone());
}

#[tokio::test]
async fn localhost_is_refused_by_its_address() {
    let answer = post(&HttpPost::new(), "https://localhost/", "").await;
    assert!([refused("127.0.0.1"), refused("::1")].contains(&answer), "{answer:?}");
}

/// What was found once is not believed again, and what was checked is not asked for again.
#[tokio::test]
async fn each_call_looks_up_once_and_checks_anew() {
    let names = Script::new([
        Err("no such name"),
        Ok(addresses(&[])),
        Ok(addresses(&["192.168.0.1"])),
        Ok(addresses(&["127.0.0.1"])),
    ]);
    let client = HttpPost::with(&names, CALL_MAX);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(post(&client, "https://hooks.example/", "").await);
    }
    let expected = [
        Answer::Unreachable("the name could not be looked up: no such name".to_owned()),
        Answer::Unreachable("no connection could be made: the name has no address".to_owned()),
        refused("192.168.0.1"),
        refused("127.0.0.1"),
    ];
    assert_eq!(answers, expected);
    assert_eq!(names.asked(), ["hooks.example"; 4]);
}

/// The name is known to nobody else, so what arrives came by the address that was answered.
#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_found() {
    let mut one = Receiver::start(ok()).await;
    let port = one.address.port();
    let mut other = Receiver::at(&format!("127.0.0.2:{port}"), ok(), None).await;
    let nobody = "127.0.0.3";
    let names = Script::new([
        Ok(addresses(&["127.0.0.1"])),
        Ok(addresses(&["127.0.0.2", "127.0.0.1"])),
        Ok(addresses(&[nobody, "127.0.0.1"])),
    ]);
    let client = HttpPost::with(&names, CALL_MAX);
    let host = format!("hooks.example:{port}");
    for (call, is_at_one) in [true, false, true].into_iter().enumerate() {
        assert_eq!(post(&client, &format!("http://{host}/"), &host).await, status(204, ""));
        let (here, there) = if is_at_one { (&mut one, &mut other) } else { (&mut other, &mut one) };
        assert!(here.request().await.contains(&format!("host: {host}\r\n")), "{call}");
        assert!(there.is_alone(), "{call}");
    }
    assert_eq!(names.asked().len(), 3);
}

#[tokio::test]
async fn a_message_that_no_header_can_carry_is_not_sent() {
    let mut receiver = Receiver::start(ok()).await;
    let target = Target::parse(&receiver.url(), &receiver.address.to_string().parse().unwrap()).unwrap();
    let answer = HttpPost::new().post(&target, &Message { id: "a\r\nb: c".to_owned(), ..message() }, CALL_MAX).await;
    assert_eq!(unreachable_text(answer), "the message does not fit into HTTP: failed to parse header value");
    assert!(receiver.is_alone());
}
