//! What every implementation of [`PhotoRecords`] must do.
//!
//! Each function takes a store that may hold anything but must not hold the shop or the photo it is given.

use std::collections::BTreeMap;
use std::future::Future;

use bytes::Bytes;

use super::World;
use super::contract::{App, ready};
use crate::ids::ShopId;
use crate::keys::PhotoKey;
use crate::outcome::Outcome;
use crate::ports::{OriginalVersion, PhotoRecords, PhotoStore, PortError, Put};

/// Whoever writes items that nobody can understand.
pub trait Spoiler {
    /// Writes one as the photo's outcome.
    fn spoil(&self, photo: &PhotoKey) -> impl Future<Output = ()>;
}

impl Spoiler for World {
    async fn spoil(&self, photo: &PhotoKey) {
        World::spoil(self, photo);
    }
}

fn photo_of(shop_id: &ShopId, i: usize) -> PhotoKey {
    PhotoKey { shop_id: shop_id.clone(), photo_id: format!("photo-{i:03}").parse().unwrap() }
}

async fn answer(store: &impl PhotoStore, photo: &PhotoKey) {
    assert_eq!(store.put_outcome(&ready(photo, 1)).await.unwrap(), Put::Stored);
}

/// All pages, of a shop or of all.
async fn all(store: &impl PhotoRecords, shop_id: Option<&ShopId>) -> Vec<Result<Outcome, PortError>> {
    let (mut outcomes, mut after) = (Vec::new(), None);
    loop {
        let page = store.outcomes(shop_id, after.as_ref()).await.unwrap();
        outcomes.extend(page.outcomes);
        after = page.next;
        if after.is_none() {
            return outcomes;
        }
    }
}

/// Every outcome is on one page, once; and one that cannot be understood holds up nobody.
pub async fn outcomes(store: &(impl PhotoRecords + PhotoStore), spoiler: &impl Spoiler, shop_id: &ShopId) {
    assert!(all(store, Some(shop_id)).await.is_empty());
    let longer: ShopId = format!("{shop_id}-2").parse().unwrap();
    for i in [4, 2, 0, 1, 5, 6] {
        answer(store, &photo_of(shop_id, i)).await;
    }
    answer(store, &photo_of(&longer, 0)).await;
    let spoilt = photo_of(shop_id, 3);
    spoiler.spoil(&spoilt).await;

    let of_shop = all(store, Some(shop_id)).await;
    let read: Vec<PhotoKey> = of_shop.iter().flatten().map(|outcome| outcome.photo.clone()).collect();
    assert_eq!(read, [0, 1, 2, 4, 5, 6].map(|i| photo_of(shop_id, i)), "in order, and none of {longer}");
    assert!(of_shop.iter().flatten().all(|outcome| *outcome == ready(&outcome.photo, 1)));
    let errors: Vec<String> = of_shop.iter().filter_map(|outcome| outcome.as_ref().err()).map(in_words).collect();
    assert!(matches!(errors.as_slice(), [error] if error.contains(&spoilt.to_string())), "it is named: {errors:?}");

    let mut times = BTreeMap::new();
    for outcome in all(store, None).await.into_iter().flatten() {
        *times.entry(outcome.photo).or_insert(0) += 1;
    }
    let expected = [0, 1, 2, 4, 5, 6].map(|i| photo_of(shop_id, i)).into_iter().chain([photo_of(&longer, 0)]);
    assert!(expected.into_iter().all(|photo| times.get(&photo) == Some(&1)), "{times:?}");
}

fn in_words(error: &PortError) -> String {
    error.again().cause.to_string()
}

/// Outcomes are found by their keys, however many.
pub async fn outcomes_of(store: &(impl PhotoRecords + PhotoStore), spoiler: &impl Spoiler, shop_id: &ShopId) {
    assert!(store.outcomes_of(&[]).await.unwrap().is_empty());
    let photos: Vec<PhotoKey> = (0..230).map(|i| photo_of(shop_id, i)).collect();
    for i in [0, 99, 100, 229] {
        answer(store, &photos[i]).await;
    }
    spoiler.spoil(&photos[150]).await;
    let mut found = store.outcomes_of(&photos).await.unwrap();
    found.remove(&photos[150]).unwrap().unwrap_err();
    let mut read: Vec<Outcome> = found.into_values().map(Result::unwrap).collect();
    read.sort_by(|a, b| a.photo.cmp(&b.photo));
    assert_eq!(read, [0, 99, 100, 229].map(|i| ready(&photos[i], 1)));
}

/// Versions are those of this original alone, the latest first.
pub async fn versions(store: &impl PhotoRecords, app: &impl App, photo: &PhotoKey) {
    assert_eq!(store.versions(photo).await.unwrap(), [], "what was never there is no error");
    let longer = PhotoKey { photo_id: format!("{}-2", photo.photo_id).parse().unwrap(), ..photo.clone() };
    app.upload(&longer, Bytes::from_static(b"another"), None).await;
    assert_eq!(store.versions(photo).await.unwrap(), []);

    let first = app.upload(photo, Bytes::from_static(b"one"), None).await;
    let of = |version: &OriginalVersion| (version.version_id.clone(), version.bytes, version.is_latest);
    let read: Vec<_> = store.versions(photo).await.unwrap().iter().map(of).collect();
    assert_eq!(read, [(first.clone(), Some(3), true)]);

    app.remove(photo).await;
    let read: Vec<_> = store.versions(photo).await.unwrap().iter().map(of).collect();
    assert!(matches!(read.as_slice(), [(_, None, true), (older, Some(3), false)] if *older == first), "{read:?}");

    app.undelete(photo).await;
    let second = app.upload(photo, Bytes::new(), None).await;
    let read = store.versions(photo).await.unwrap();
    assert_eq!(read.iter().map(of).collect::<Vec<_>>(), [(second, Some(0), true), (first, Some(3), false)]);
    assert!(read[0].written_at >= read[1].written_at);
}
