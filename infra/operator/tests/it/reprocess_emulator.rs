//! `coffeeshop photos reprocess` as a process, on the emulator: 1,000 photos get another set of renditions while uploads go on.
//!
//! Whoever looks, at any time, finds the renditions that an outcome names.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use coffeeshop_core::edition::Revision;
use coffeeshop_core::keys::{PhotoKey, RenditionKey};
use coffeeshop_core::outcome::{Answer, Cause, Outcome};
use coffeeshop_core::ports::PhotoStore as _;
use coffeeshop_local::Options;
use futures::stream::{self, StreamExt as _};
use image::{DynamicImage, ImageFormat};
use serde_json::Value;

use crate::dlq_emulator::pipeline::{Pipeline, ended, eventually};
use crate::emulator::alone;

const PHOTOS: usize = 1000;

/// Of those, how many are uploaded anew, and how many removed, meanwhile.
const OVERWRITTEN: usize = 60;
const REMOVED: usize = 30;

/// How many are new meanwhile.
const NEW: usize = 60;

const OWNER: &str = "ada";

const BEFORE: &str = "thumb=16x16:cover";
const AFTER: &str = "thumb=16x16:cover,card=24:fit";

fn photo(i: usize) -> PhotoKey {
    PhotoKey::from_original(&format!("uploads/shop-{}/photo-{i}", i % 7)).unwrap()
}

/// A small picture, a different one for each shade.
fn picture(shade: usize) -> Vec<u8> {
    let shade = [u8::try_from(shade % 256).unwrap(), u8::try_from(shade / 256).unwrap(), 7];
    let mut png = std::io::Cursor::new(Vec::new());
    DynamicImage::from(image::RgbImage::from_pixel(32, 24, image::Rgb(shade)))
        .write_to(&mut png, ImageFormat::Png)
        .unwrap();
    png.into_inner()
}

async fn upload(on: &Pipeline, i: usize, shade: usize) {
    on.app.upload(&photo(i), picture(shade), Some(OWNER)).await.unwrap();
}

async fn outcome(on: &Pipeline, i: usize) -> Option<Outcome> {
    on.app.outcome(&photo(i)).await.unwrap()
}

fn named(outcome: &Outcome) -> Vec<RenditionKey> {
    match &outcome.answer {
        Answer::Ready { renditions, .. } => renditions.iter().map(|rendition| rendition.key.clone()).collect(),
        Answer::Rejected { .. } | Answer::Removed => Vec::new(),
    }
}

/// Has the thumbnailer make other renditions, as a deployment does.
async fn configure(on: &Pipeline, renditions: &str) {
    let function = on.output("ThumbnailerFunction");
    let get = ["lambda", "get-function-configuration", "--function-name", &function];
    let mut answer: Value = serde_json::from_str(&on.aws(&get).await).unwrap();
    answer["Environment"]["Variables"]["RENDITIONS"] = renditions.into();
    let environment = answer["Environment"].to_string();
    on.aws(&["lambda", "update-function-configuration", "--function-name", &function, "--environment", &environment])
        .await;
}

/// Waits until every event of the uploads is handled, and everybody is told.
async fn at_rest(on: &Pipeline) {
    for queue in ["UploadsQueueUrl", "NotificationsQueueUrl", "DeliveriesQueueUrl"] {
        on.drained(&[&on.output(queue)]).await;
    }
}

/// Looks at one photo after the other until told to stop; how often, and how often a rendition was missed.
async fn look(on: &Pipeline, is_over: &Cell<bool>) -> (usize, usize) {
    let (mut looks, mut missed) = (0, 0);
    for i in (0..).map(|n| n * 37 % (PHOTOS + NEW)) {
        if is_over.get() {
            break;
        }
        let Some(outcome) = outcome(on, i).await else { continue };
        looks += 1;
        let there: BTreeSet<RenditionKey> =
            on.app.store().renditions(&outcome.photo).await.unwrap().into_iter().collect();
        if named(&outcome).iter().all(|key| there.contains(key)) {
            continue;
        }
        missed += 1;
        let again = on.app.outcome(&outcome.photo).await.unwrap().unwrap();
        assert!(again.revision > outcome.revision, "an outcome names what is not there: {outcome:?}, there {there:?}");
    }
    (looks, missed)
}

/// What happens to the shop's photos meanwhile.
async fn uploads_go_on(on: &Pipeline) {
    for i in 0..OVERWRITTEN.max(NEW) {
        upload(on, i * 7, PHOTOS + i).await;
        upload(on, PHOTOS + i, PHOTOS + i).await;
        if i < REMOVED {
            let (bucket, key) = (on.output("OriginalsBucket"), photo(i * 7 + 3).original());
            on.aws(&["s3api", "delete-object", "--bucket", &bucket, "--key", &key]).await;
        }
    }
}

/// The revisions of each photo that its owner was told of.
async fn told(on: &Pipeline) -> BTreeMap<String, BTreeSet<u64>> {
    let mut told: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for item in on.app.inbox(&OWNER.parse().unwrap()).await.unwrap() {
        let id = item.event_id.to_string();
        let (photo, revision) = id.rsplit_once('/').unwrap();
        told.entry(photo.to_owned()).or_default().insert(revision.parse().unwrap());
    }
    told
}

/// Every photo has its outcome with the new renditions, and its owner was told of events alone.
async fn check(on: &Pipeline) {
    let told = told(on).await;
    let mut expected = BTreeSet::new();
    let (mut reprocessed, mut removed) = (0, 0);
    for i in 0..PHOTOS + NEW {
        let outcome = outcome(on, i).await.unwrap();
        let keys = named(&outcome);
        if outcome.answer == Answer::Removed {
            removed += 1;
        } else {
            assert_eq!(keys.len(), 2, "{outcome:?}");
        }
        expected.extend(keys.into_iter().map(|key| key.to_string()));
        let revisions = &told[&format!("photo/{}", photo(i))];
        let is_untouched = (i % 7 != 0 || i / 7 >= OVERWRITTEN) && (i % 7 != 3 || i / 7 >= REMOVED) && i < PHOTOS;
        if is_untouched {
            assert_eq!((outcome.cause, outcome.revision), (Cause::Reprocess, Revision(2)), "{outcome:?}");
            assert_eq!(*revisions, BTreeSet::from([1]), "{}", photo(i));
            reprocessed += 1;
        }
    }
    assert_eq!((reprocessed, removed), (PHOTOS - OVERWRITTEN - REMOVED, REMOVED));
    let listed: BTreeSet<String> = on.renditions().await.into_keys().collect();
    assert!(listed == expected, "{:?}", listed.symmetric_difference(&expected).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_thousand_photos_are_made_anew_while_uploads_go_on() {
    let _alone = alone().await;
    let on = Pipeline::start(Options::new().parameter("Renditions", BEFORE)).await;
    on.subscribe(OWNER).await;
    stream::iter(0..PHOTOS).map(|i| upload(&on, i, i)).buffer_unordered(8).collect::<Vec<()>>().await;
    let all = async || told(&on).await.len() == PHOTOS;
    eventually("the owner is told of each", all).await;
    at_rest(&on).await;

    configure(&on, AFTER).await;
    let command = on.coffeeshop("photos reprocess --rate 100/s --json", "state");
    let is_over = Cell::new(false);
    let looks = look(&on, &is_over);
    let work = async {
        let (said, ()) = tokio::join!(ended(command), uploads_go_on(&on));
        assert_eq!(said.status, Some(0), "{said:?}");
        let summary = said.objects().pop().unwrap();
        assert!(summary["sent"].as_u64().unwrap() >= PHOTOS as u64, "{summary}");
        at_rest(&on).await;
        let is_made = async || {
            let outcomes = stream::iter(0..PHOTOS + NEW).map(|i| outcome(&on, i)).buffer_unordered(8);
            let made = |outcome: Option<Outcome>| outcome.is_some_and(|outcome| named(&outcome).len() != 1);
            outcomes.all(|outcome| std::future::ready(made(outcome))).await
        };
        eventually("each photo has both renditions, or none", is_made).await;
        at_rest(&on).await;
        is_over.set(true);
    };
    let ((looks, missed), ()) = tokio::join!(looks, work);
    assert!(looks > PHOTOS, "{looks} looks, {missed} of them missed a rendition that was replaced meanwhile");
    let told_all = async || told(&on).await.len() == PHOTOS + NEW;
    eventually("the owner is told of the new ones", told_all).await;
    at_rest(&on).await;
    check(&on).await;
    on.stop().await;
}
