//! A function that was deployed broken: what it was to do rests in the DLQ, and is done when it is mended and that moved
//! back.

use std::time::Duration;

use coffeeshop_core::edition::Revision;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Answer;
use coffeeshop_local::{Options, Stack, StackInfo};
use serde_json::json;

use crate::world::{Emulated, fixture, photo};

/// So short that the five receives are over soon. A photo of these takes less.
const VISIBILITY_SECONDS: &str = "2";

/// What `aws lambda update-function-code` asks for; returns status and answer. The emulator does not check signatures of
/// Lambda's API, but who calls must be in the header.
async fn update_function_code(stack: &StackInfo, function: &str, bucket: &str, key: &str) -> (u16, String) {
    let url = format!("{}/2015-03-31/functions/{function}/code", stack.endpoint);
    let credential = format!("{}/20261120/{}/lambda/aws4_request", stack.access_key_id, stack.region);
    let signed = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
    let code = json!({ "S3Bucket": bucket, "S3Key": key }).to_string();
    let put = move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.put(&url).header("Authorization", &signed).send(&code).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    tokio::task::spawn_blocking(put).await.unwrap()
}

/// Waits until all of them are in the DLQ, where S3's own test messages are as well.
async fn rests(on: &Emulated, photos: &[PhotoKey]) -> bool {
    for _ in 0..300 {
        let bodies: Vec<String> = on.dlq().await.into_iter().filter_map(|message| message.body).collect();
        if photos.iter().all(|photo| bodies.iter().any(|body| body.contains(&photo.original()))) {
            return on.app.messages_in(&on.queue).await.unwrap() == 0;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    false
}

#[tokio::test]
async fn what_a_broken_function_left_is_done_when_it_is_mended() {
    let options = Options { stack_name: "broken".to_owned(), ..Options::new() }.broken("thumbnailer");
    let stack = Stack::start(&options.clone().parameter("UploadsVisibilityTimeout", VISIBILITY_SECONDS)).await.unwrap();
    let on = Emulated::new(stack.info().clone());
    let photos = [photo("broken-1"), photo("broken-2")];
    for photo in &photos {
        on.upload(photo, fixture("jpeg/orientation-6.jpg"), None).await;
    }
    assert!(rests(&on, &photos).await, "{}", stack.log_path().display());
    for photo in &photos {
        assert_eq!(on.app.outcome(photo).await.unwrap(), None);
    }
    let log = std::fs::read_to_string(stack.log_path()).unwrap();
    assert!(log.contains("broken on purpose"), "{}", stack.log_path().display());

    let function = on.stack.output("ThumbnailerFunction").unwrap();
    let mended = update_function_code(&on.stack, function, &options.code_bucket(), "thumbnailer.zip").await;
    assert_eq!(mended.0, 200, "{}", mended.1);
    on.redrive_all().await;

    for photo in &photos {
        let outcome = on.answered(photo, Revision(1)).await;
        assert!(matches!(outcome.answer, Answer::Ready { .. }), "{outcome:?}");
    }
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_function_that_is_not_there_cannot_be_broken() {
    let options = Options { stack_name: "unbroken".to_owned(), ..Options::new() }.broken("baker");
    let refused = format!("{:#}", Stack::start(&options).await.unwrap_err());
    assert!(refused.contains("baker"), "{refused}");
}
