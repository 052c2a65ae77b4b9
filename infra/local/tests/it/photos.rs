//! Photos end to end: S3 -> SQS -> the real function -> S3 and DynamoDB, on the shared emulator.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use coffeeshop_aws::photos::RENDITION_CACHE_CONTROL;
use coffeeshop_core::SOURCE_BYTES_MAX;
use coffeeshop_core::edition::Revision;
use coffeeshop_core::outcome::{Answer, Outcome, Reason};
use futures::StreamExt as _;

use crate::post::presigned_post;
use crate::stack;
use crate::world::{Emulated, fixture, photo};

#[tokio::test]
async fn a_presigned_put_becomes_renditions_and_an_outcome() {
    let on = Emulated::new(stack().await);
    let photo = photo("put");
    let put = on.s3.put_object().bucket(&on.originals).key(photo.original()).metadata("user-id", "user-1");
    let url = put.presigned(PresigningConfig::expires_in(Duration::from_mins(1)).unwrap()).await.unwrap();

    // Somebody else's id is not what was signed.
    let forged = send(&url, &[("x-amz-meta-user-id", "user-2")], fixture("jpeg/orientation-6.jpg"));
    assert_eq!(forged.await, 403);
    assert_eq!(send(&url, &[], fixture("jpeg/orientation-6.jpg")).await, 200);

    let outcome = on.answered(&photo, Revision(1)).await;
    assert_eq!(outcome.user_id.as_ref().map(ToString::to_string).as_deref(), Some("user-1"));
    let Answer::Ready { renditions, thumbhash } = &outcome.answer else { panic!("{outcome:?}") };
    assert!(!thumbhash.is_empty());
    assert_eq!(renditions.len(), 3);
    for rendition in renditions {
        let key = rendition.key.to_string();
        let object = on.s3.get_object().bucket(&on.renditions).key(&key).send().await.unwrap();
        assert_eq!(object.content_type(), Some("image/jpeg"));
        assert_eq!(object.cache_control(), Some(RENDITION_CACHE_CONTROL));
        let bytes = object.body.collect().await.unwrap().into_bytes();
        assert_eq!(bytes.len() as u64, rendition.bytes);
        assert!(bytes.starts_with(&[0xFF, 0xD8, 0xFF]), "{key}");
    }
}

/// Sends what was presigned, with some headers changed; returns the status.
async fn send(presigned: &aws_sdk_s3::presigning::PresignedRequest, changed: &[(&str, &str)], body: Vec<u8>) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.put(presigned.uri());
    for (name, value) in presigned.headers() {
        let value = changed.iter().find(|(changed, _)| *changed == name).map_or(value, |(_, value)| *value);
        request = request.header(name, value);
    }
    tokio::task::spawn_blocking(move || request.send(&body).unwrap().status().as_u16()).await.unwrap()
}

#[tokio::test]
async fn a_presigned_post_bounds_the_size() {
    let on = Emulated::new(stack().await);
    let photo = photo("post");
    let (status, answer) = presigned_post(&on, &photo, vec![0; 40_000], 30_000).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains("EntityTooLarge"), "{answer}");
    let (status, answer) = presigned_post(&on, &photo, fixture("png/rgba8.png"), 300_000).await;
    assert!((200..300).contains(&status), "{status} {answer}");
    let outcome = on.answered(&photo, Revision(1)).await;
    assert_eq!(outcome.answer.status(), "ready");
    assert_eq!(outcome.user_id.map(String::from).as_deref(), Some("user-of-post"));
}

#[tokio::test]
async fn a_photo_follows_what_is_in_the_bucket() {
    let on = Emulated::new(stack().await);
    let photo = photo("follows");
    on.upload(&photo, fixture("png/rgb8.png"), None).await;
    let first = on.answered(&photo, Revision(1)).await;
    assert_eq!(first.answer.status(), "ready");

    let first_version = first.source.unwrap().version_id;
    let second_version = on.upload(&photo, fixture("hostile/text.jpg"), None).await;
    let second = on.answered(&photo, Revision(2)).await;
    let detected = Some("text/plain".to_owned());
    assert_eq!(second.answer, Answer::Rejected { reason: Reason::UnsupportedFormat, detected });
    on.settled(&photo, &second).await;

    on.delete_version(&photo, &second_version).await;
    let third = on.answered(&photo, Revision(3)).await;
    assert_eq!(third.source.as_ref().map(|source| source.version_id.as_str()), Some(first_version.as_str()));
    on.settled(&photo, &third).await;

    let removed = on.s3.delete_object().bucket(&on.originals).key(photo.original()).send().await.unwrap();
    let fourth = on.answered(&photo, Revision(4)).await;
    assert_eq!(fourth.answer, Answer::Removed);
    on.settled(&photo, &fourth).await;

    on.delete_version(&photo, removed.version_id().unwrap()).await;
    let fifth = on.answered(&photo, Revision(5)).await;
    assert_eq!(fifth.answer.status(), "ready", "undeleted");
    on.settled(&photo, &fifth).await;
}

#[tokio::test]
async fn one_byte_too_many_is_rejected() {
    let on = Emulated::new(stack().await);
    let photo = photo("large");
    on.upload(&photo, vec![0xFF; usize::try_from(SOURCE_BYTES_MAX).unwrap() + 1], None).await;
    let outcome = on.answered(&photo, Revision(1)).await;
    assert_eq!(outcome.answer, Answer::Rejected { reason: Reason::TooManyBytes, detected: None });
    assert_eq!(outcome.source.unwrap().bytes, SOURCE_BYTES_MAX + 1);
}

#[tokio::test]
async fn umlauts_and_spaces_do_no_harm() {
    let on = Emulated::new(stack().await);
    let named = photo("umlaut");
    on.upload(&named, fixture("png/grey8.png"), Some("Jürgen Groß")).await;
    let outcome = on.answered(&named, Revision(1)).await;
    assert_eq!((outcome.answer.status(), outcome.user_id), ("ready", None), "nobody is told, the photo is there");

    let key = "uploads/Café am Markt/Foto 1+1 100%.jpg";
    let body = ByteStream::from(fixture("png/grey8.png"));
    on.s3.put_object().bucket(&on.originals).key(key).body(body).send().await.unwrap();
    let parked = on.parked("unexpected_key", key, None).await;
    assert!(parked.body().unwrap().contains("Caf%C3%A9"), "as S3 wrote it: {parked:?}");

    // As the operator replays it.
    let mark = MessageAttributeValue::builder().data_type("String").string_value("2/some-run").build().unwrap();
    let send = on.sqs.send_message().queue_url(&on.queue).set_message_body(parked.body);
    send.message_attributes("replayed", mark).send().await.unwrap();
    on.parked("unexpected_key", key, Some("2/some-run")).await;
}

#[tokio::test]
async fn a_hundred_at_once() {
    let on = Emulated::new(stack().await);
    let files =
        ["jpeg/orientation-5.jpg", "png/palette.png", "webp/lossy.webp", "gif/animated.gif", "hostile/cut-50.jpg"];
    let photos: Vec<_> = (0..100).map(|i| photo(&format!("hundred-{i}"))).collect();
    let uploads = photos.iter().zip(files.into_iter().cycle());
    futures::stream::iter(uploads)
        .for_each_concurrent(16, |(photo, file)| async { drop(on.upload(photo, fixture(file), None).await) })
        .await;
    let mut statuses = std::collections::BTreeMap::new();
    for photo in &photos {
        let outcome = on.answered(photo, Revision(1)).await;
        on.settled(photo, &outcome).await;
        *statuses.entry(outcome.answer.status()).or_insert(0) += 1;
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [("ready", 80), ("rejected", 20)]);
}

/// A message that can never be worked on ends in the dead-letter queue, its companions are done, and when the cause is
/// gone it is replayed from there.
#[tokio::test]
async fn a_poison_message_rests_in_the_dlq_until_it_is_replayed() {
    let on = Emulated::new(stack().await);
    let poison = photo("poison");
    // An item that a later version wrote: not to be understood, not to be replaced.
    let id = |id: &str| AttributeValue::S(id.to_owned());
    let item = on.dynamodb.put_item().table_name(&on.table).item("status", id("from the future"));
    let item = item.item("shop_id", id(poison.shop_id.as_str())).item("photo_id", id(poison.photo_id.as_str()));
    item.send().await.unwrap();

    on.upload(&poison, fixture("png/rgb8.png"), None).await;
    let companions: Vec<_> = (0..8).map(|i| photo(&format!("companion-{i}"))).collect();
    for companion in &companions {
        on.upload(companion, fixture("png/rgb8.png"), None).await;
    }
    for companion in &companions {
        assert_eq!(on.answered(companion, Revision(1)).await.answer.status(), "ready");
    }
    on.in_dlq(&poison.original()).await;

    let delete = on.dynamodb.delete_item().table_name(&on.table);
    let delete = delete.key("shop_id", id(poison.shop_id.as_str())).key("photo_id", id(poison.photo_id.as_str()));
    delete.send().await.unwrap();
    on.redrive_all().await;
    let outcome = on.answered(&poison, Revision(1)).await;
    assert_eq!(outcome.answer.status(), "ready");
    on.settled(&poison, &outcome).await;
}

fn about(message: &Message, key: &str) -> bool {
    message.body().is_some_and(|body| body.contains(key))
}

impl Emulated {
    /// Waits until a message about `key` lies in the dead-letter queue, and leaves it there.
    async fn in_dlq(&self, key: &str) {
        for _ in 0..900 {
            if self.dlq().await.iter().any(|message| about(message, key)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no message about {key} in the dead-letter queue");
    }

    /// Waits for the parked message of this reason whose error names `text`, with this mark or none.
    async fn parked(&self, reason: &str, text: &str, replayed: Option<&str>) -> Message {
        let is_it = |message: &Message| {
            let attribute = |name: &str| message.message_attributes()?.get(name)?.string_value();
            attribute("reason") == Some(reason)
                && attribute("error").is_some_and(|error| error.contains(text))
                && attribute("replayed") == replayed
        };
        for _ in 0..300 {
            if let Some(message) = self.dlq().await.into_iter().find(is_it) {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing parked as {reason} about {text}, replayed {replayed:?}");
    }

    /// What the outcome names is what the bucket holds of this photo.
    async fn settled(&self, photo: &coffeeshop_core::keys::PhotoKey, outcome: &Outcome) {
        let named: BTreeSet<String> = match &outcome.answer {
            Answer::Ready { renditions, .. } => renditions.iter().map(|rendition| rendition.key.to_string()).collect(),
            Answer::Rejected { .. } | Answer::Removed => BTreeSet::new(),
        };
        let mut stored = BTreeSet::new();
        for _ in 0..100 {
            let list = self.s3.list_objects_v2().bucket(&self.renditions).prefix(photo.renditions_prefix());
            let listed = list.send().await.unwrap();
            stored = listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
            // The sweep comes after the outcome.
            if stored == named {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(stored, named, "{photo}");
    }
}
