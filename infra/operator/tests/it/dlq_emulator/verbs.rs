//! One message corrected in an editor, all of them archived in a bucket, and some discarded.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_local::Options;
use serde_json::Value;

use super::failures::plain;
use super::pipeline::{Pipeline, Resting, ended, eventually};
use super::process::lines;
use crate::dlq::bench::notification as upload;
use crate::emulator::alone;

const BUCKET: &str = "verbs-archives";

/// Messages that are no notifications.
const OTHERS: usize = 25;

fn bodies(archive: &str) -> BTreeSet<String> {
    let lines = archive.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["body"].as_str().unwrap().to_owned()).collect()
}

/// The message with a wrong key is corrected by `$EDITOR`, and handled.
async fn edited(on: &Pipeline, id: &str) {
    let dlq = on.output("UploadsDlqUrl");
    let edit = format!("edit uploads-dlq {id}");
    let [would] = on.objects(&edit).await.try_into().unwrap();
    let difference = would["difference"].as_str().unwrap();
    assert!(difference.contains("uplaods/shop/photo") && difference.contains("uploads/shop/photo"), "{difference}");
    assert_eq!(on.depth(&dlq).await, [OTHERS + 1, 0]);

    let [summary] = on.objects(&format!("{edit} --execute")).await.try_into().unwrap();
    assert_eq!((&summary["done"], &summary["to"]), (&1.into(), &"uploads".into()), "{summary}");
    assert_eq!(on.depth(&dlq).await, [OTHERS, 0]);
    let journal = lines(Path::new(summary["journal"].as_str().unwrap()));
    assert!(journal[0]["original"]["body"].as_str().unwrap().contains("uplaods/shop/photo"), "{journal:?}");
    let photo = PhotoKey::from_original("uploads/shop/photo").unwrap();
    eventually("the photo is answered", async || on.app.outcome(&photo).await.unwrap().is_some()).await;
}

#[tokio::test]
async fn a_message_is_corrected_and_the_others_are_archived_and_discarded() {
    let _alone = alone().await;
    let on = Pipeline::start(Options { stack_name: "verbs".to_owned(), ..Options::new() }).await;
    let dlq = on.output("UploadsDlqUrl");
    let wrong = upload(&on.output("OriginalsBucket"), "uplaods/shop/photo", "0066");
    let [id] = on.rest(&dlq, &[plain(wrong)]).await.try_into().unwrap();
    let others: Vec<Resting> = (0..OTHERS).map(|i| plain(format!("{i} is no notification"))).collect();
    on.rest(&dlq, &others).await;
    edited(&on, &id).await;

    let constraint = format!("LocationConstraint={}", on.info().region);
    let create = ["s3api", "create-bucket", "--bucket", BUCKET, "--create-bucket-configuration", &constraint];
    on.aws(&create).await;
    let to = format!("s3://{BUCKET}/all.jsonl");
    let archive = format!("archive uploads-dlq --to {to}");
    let [archived] = on.objects(&archive).await.try_into().unwrap();
    assert_eq!((&archived["messages"], &archived["to"]), (&OTHERS.into(), &to.as_str().into()));
    let expected: BTreeSet<String> = others.into_iter().map(|message| message.body).collect();
    assert_eq!(bodies(&on.aws(&["s3", "cp", &to, "-"]).await), expected);
    assert_eq!(on.depth(&dlq).await, [OTHERS, 0]);
    let again = ended(on.command(&archive, "state")).await;
    assert!(again.status == Some(1) && again.stderr.contains(&to), "it is there already: {again:?}");

    let discard = format!("discard uploads-dlq --max 5 --to s3://{BUCKET}/five.jsonl");
    let [would] = on.objects(&discard).await.try_into().unwrap();
    assert_eq!((&would["kind"], &would["messages"]), (&"would_discard".into(), &5.into()));
    assert_eq!(on.depth(&dlq).await, [OTHERS, 0], "a dry run");
    let [summary] = on.objects(&format!("{discard} --execute")).await.try_into().unwrap();
    assert_eq!(summary["done"], 5, "{summary}");
    assert_eq!(on.depth(&dlq).await, [OTHERS - 5, 0]);
    let discarded = bodies(&on.aws(&["s3", "cp", &format!("s3://{BUCKET}/five.jsonl"), "-"]).await);
    assert!(discarded.len() == 5 && discarded.is_subset(&expected), "{discarded:?}");

    let [summary] = on.objects("discard uploads-dlq --execute").await.try_into().unwrap();
    assert_eq!(summary["done"], OTHERS - 5, "{summary}");
    assert_eq!(on.depth(&dlq).await, [0, 0]);
    let beside = Path::new(summary["journal"].as_str().unwrap()).with_extension("archive.jsonl");
    assert_eq!(bodies(&fs::read_to_string(beside).unwrap()), &expected - &discarded);
    on.stop().await;
}
