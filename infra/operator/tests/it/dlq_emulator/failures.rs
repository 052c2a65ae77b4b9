//! Five failures for each place, as the functions, the queues and SNS leave them: what differs from message to message
//! is in the bodies and in the errors.
//!
//! What the functions' parsers say of a body is asked of them. What is to be done about it is the tests' business.

use coffeeshop_core::ports::ParkReason;
use serde_json::{Value, json};

use super::pipeline::Resting;
use crate::dlq::bench::notification as upload;

/// How many messages each of the five has: together a thousand.
pub(super) const MESSAGES: [usize; 5] = [200, 350, 250, 120, 80];

/// A place, and what rests there. Of the failures the first is one that the function handles when it is replayed.
pub(super) struct Case {
    pub(super) place: &'static str,
    /// The output of the template that is the queue which a replay goes to.
    pub(super) source: &'static str,
    pub(super) failures: [Failure; 5],
}

/// A failure as `groups` shows it.
pub(super) struct Failure {
    pub(super) reason: Option<&'static str>,
    pub(super) pattern: &'static str,
    /// The `i`-th message of it; `owner` is the bucket that notifications are about, or the person that events are about.
    pub(super) message: fn(i: usize, owner: &str) -> Resting,
}

const fn parked(reason: &'static str, pattern: &'static str, message: fn(usize, &str) -> Resting) -> Failure {
    Failure { reason: Some(reason), pattern, message }
}

const fn given_up(pattern: &'static str, message: fn(usize, &str) -> Resting) -> Failure {
    Failure { reason: None, pattern, message }
}

/// The places of a stack with a score feed.
pub(super) fn cases() -> [Case; 5] {
    let not_json = || given_up("not JSON", |i, _| plain(format!("message {i} is in no language")));
    let uploads = [
        given_up("ObjectCreated:Put", |i, bucket| plain(upload(bucket, &photo_key(i), &format!("{i:016X}")))),
        parked("unexpected_key", "the key … is not …/SHOP/PHOTO", |i, bucket| {
            refused_upload(upload(bucket, &format!("uploads/stray-{i}"), "00"), bucket)
        }),
        parked("bad_sequencer", "a sequencer is … to … hexadecimal digits", |i, bucket| {
            refused_upload(upload(bucket, &photo_key(i), &format!("x{i}")), bucket)
        }),
        parked("unexpected_bucket", "the bucket … is not …", |i, bucket| {
            refused_upload(upload(&format!("elsewhere-{i}"), &photo_key(i), "00"), bucket)
        }),
        not_json(),
    ];
    let notifications = [
        parked("malformed_subscription", "the subscription user#…/… cannot be read", |i, user| {
            let error = format!("the subscription user#{user}/app-{i} cannot be read");
            said(rejected(i, user).to_string(), "malformed_subscription", error)
        }),
        parked("unknown_type", "… is no type that is known here", |i, user| {
            refused_event(&event("coffeeshop.photo.rejected.v9", i, user))
        }),
        parked("not_an_event", "missing field … at line … column …", |i, user| {
            refused_event(&json!({ "id": i, "user_id": user }))
        }),
        given_up("coffeeshop.leaderboard.changed.v1", |i, user| plain(board(i, user).to_string())),
        not_json(),
    ];
    let undelivered = [
        given_up("coffeeshop.photo.rejected.v1", |i, user| of_sns(&rejected(i, user))),
        given_up("coffeeshop.photo.ready.v1", |i, user| of_sns(&event("coffeeshop.photo.ready.v1", i, user))),
        given_up("coffeeshop.photo.removed.v1", |i, user| of_sns(&event("coffeeshop.photo.removed.v1", i, user))),
        given_up("coffeeshop.score.updated.v1", |i, user| of_sns(&event("coffeeshop.score.updated.v1", i, user))),
        given_up("coffeeshop.leaderboard.changed.v1", |i, user| of_sns(&board(i, user))),
    ];
    let deliveries = [
        parked("status_4xx", "the webhook answered …: order … is unknown", |i, user| {
            let error = format!("the webhook answered 404: order A{i} is unknown");
            said(delivery(i, user), "status_4xx", error)
        }),
        parked("status_5xx", "the webhook answered …: ", |i, user| {
            said(delivery(i, user), "status_5xx", format!("the webhook answered {}: ", 500 + i % 5))
        }),
        parked("unreachable", "….….….…:… of … refused", |i, user| {
            let error = format!("10.0.{}.{}:443 of \"hook-{i}.example\" refused", i / 250, i % 250);
            said(delivery(i, user), "unreachable", error)
        }),
        given_up("delivery of coffeeshop.photo.rejected.v1", |i, user| plain(delivery(i, user))),
        not_json(),
    ];
    let feed = [
        given_up("coffeeshop.score.updated.v1", |i, user| of_sns(&event("coffeeshop.score.updated.v1", i, user))),
        given_up("coffeeshop.score.updated.v2", |i, user| of_sns(&event("coffeeshop.score.updated.v2", i, user))),
        given_up("JSON array", |i, _| of_sns(&json!([i]))),
        given_up("JSON object of score", |i, _| of_sns(&json!({ "score": i }))),
        not_json(),
    ];
    let case = |place, source, failures| Case { place, source, failures };
    [
        case("deliveries-dlq", "DeliveriesQueueUrl", deliveries),
        case("notifications-dlq", "NotificationsQueueUrl", notifications),
        case("notifications-subscription-dlq", "NotificationsQueueUrl", undelivered),
        case("score-feed-subscription-dlq", "ScoreFeedQueueUrl", feed),
        case("uploads-dlq", "UploadsQueueUrl", uploads),
    ]
}

/// The photo that the `i`-th message is about, where it is about one.
pub(super) fn photo_key(i: usize) -> String {
    format!("uploads/shop-dlq/photo-{i}")
}

/// The event that the `i`-th message about a person is of.
pub(super) fn event_id(i: usize, user: &str) -> String {
    format!("photo/shop-dlq/{user}-{i}/1")
}

fn event(kind: &str, i: usize, user: &str) -> Value {
    let id = event_id(i, user);
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "/coffeeshop",
        "subject": id.trim_end_matches("/1"),
        "time": "2026-11-20T08:15:00Z",
        "datacontenttype": "application/json",
        "type": kind,
        "data": {
            "shop_id": "shop-dlq",
            "photo_id": format!("{user}-{i}"),
            "revision": 1,
            "user_id": user,
            "cause": "event",
            "reason": "empty",
        },
    })
}

fn rejected(i: usize, user: &str) -> Value {
    event("coffeeshop.photo.rejected.v1", i, user)
}

fn board(i: usize, user: &str) -> Value {
    event("coffeeshop.leaderboard.changed.v1", i, user)
}

fn delivery(i: usize, user: &str) -> String {
    json!({ "subscriber": format!("user#{user}"), "channel_id": "app", "event": rejected(i, user) }).to_string()
}

pub(super) fn plain(body: String) -> Resting {
    Resting { body, attributes: Vec::new() }
}

fn said(body: String, reason: &str, error: String) -> Resting {
    Resting { body, attributes: vec![("reason", reason.to_owned()), ("error", error)] }
}

/// What SNS says of a message that it could not deliver.
fn of_sns(body: &Value) -> Resting {
    let attributes = [("RequestID", "0f2b"), ("ErrorCode", "AccessDenied"), ("ErrorMessage", "no permission")];
    let attributes = attributes.map(|(name, text)| (name, text.to_owned())).into();
    Resting { body: body.to_string(), attributes }
}

fn refused_upload(body: String, bucket: &str) -> Resting {
    let ParkReason { code, error } = coffeeshop_thumbnailer::envelope::check(&body, bucket).unwrap_err();
    said(body, code, error)
}

fn refused_event(body: &Value) -> Resting {
    let body = body.to_string();
    let ParkReason { code, error } = coffeeshop_notifier::envelope::event(&body).unwrap_err();
    said(body, code, error)
}
