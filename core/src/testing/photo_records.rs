//! [`PhotoRecords`] of the world in memory: pages are small, and one that is empty may have another behind it.

use std::collections::BTreeSet;

use super::World;
use super::world::{State, Version};
use crate::ids::ShopId;
use crate::keys::PhotoKey;
use crate::outcome::Outcome;
use crate::ports::{Found, OriginalVersion, OutcomeMark, OutcomePage, PhotoRecords, PortError};

/// How many items a page has.
const PAGE_ITEMS: usize = 3;

fn mark(PhotoKey { shop_id, photo_id }: &PhotoKey) -> OutcomeMark {
    OutcomeMark { shop_id: shop_id.to_string(), photo_id: photo_id.to_string() }
}

fn page(state: &State, shop_id: Option<&ShopId>, after: Option<&OutcomeMark>) -> OutcomePage {
    let photos: BTreeSet<&PhotoKey> = state.outcomes.keys().chain(&state.spoilt).collect();
    let is_after = |photo: &&PhotoKey| after.is_none_or(|after| mark(photo) > *after);
    let is_of_shop = |photo: &&PhotoKey| shop_id.is_none_or(|shop_id| photo.shop_id == *shop_id);
    let mut photos: Vec<&PhotoKey> = photos.into_iter().filter(is_of_shop).filter(is_after).collect();
    // As in DynamoDB, a page that is full has another behind it, which may be empty.
    let is_full = photos.len() >= PAGE_ITEMS;
    photos.truncate(PAGE_ITEMS);
    let next = photos.last().filter(|_| is_full).map(|photo| mark(photo));
    OutcomePage { outcomes: photos.into_iter().filter_map(|photo| state.item(photo)).collect(), next }
}

impl State {
    /// The photo's item, if there is one.
    pub(super) fn item(&self, photo: &PhotoKey) -> Option<Result<Outcome, PortError>> {
        let spoilt = || PortError::new("photos.get", format!("{photo} cannot be understood: spoilt"));
        if self.spoilt.contains(photo) { Some(Err(spoilt())) } else { self.outcomes.get(photo).cloned().map(Ok) }
    }
}

impl State {
    /// Every item of the table, in the order of the keys.
    pub(super) fn all_items(&self) -> Vec<(PhotoKey, Result<Outcome, PortError>)> {
        let photos: BTreeSet<&PhotoKey> = self.outcomes.keys().chain(&self.spoilt).collect();
        photos.into_iter().filter_map(|photo| Some((photo.clone(), self.item(photo)?))).collect()
    }
}

impl PhotoRecords for World {
    async fn outcomes(&self, shop_id: Option<&ShopId>, after: Option<&OutcomeMark>) -> Result<OutcomePage, PortError> {
        self.call("photos.page", |state| page(state, shop_id, after)).await
    }

    async fn outcomes_of(&self, photos: &[PhotoKey]) -> Result<Found<PhotoKey, Outcome>, PortError> {
        self.call("photos.get", |state| {
            photos.iter().filter_map(|photo| Some((photo.clone(), state.item(photo)?))).collect()
        })
        .await
    }

    async fn versions(&self, photo: &PhotoKey) -> Result<Vec<OriginalVersion>, PortError> {
        self.call("originals.versions", |state| {
            let versions = state.originals.get(photo).into_iter().flatten().rev().enumerate();
            let version = |(i, Version { id, written_at, object }): (usize, &Version)| OriginalVersion {
                version_id: id.clone(),
                written_at: *written_at,
                bytes: object.as_ref().map(|(body, _)| body.len() as u64),
                is_latest: i == 0,
            };
            versions.map(version).collect()
        })
        .await
    }
}
