//! [`PhotoRecords`] over S3 and DynamoDB, beside the [`PhotoStore`](coffeeshop_core::ports::PhotoStore) of the same names.
//!
//! Every read is consistent. Objects are listed by [`objects`](crate::objects), and nothing is written.

use std::collections::HashMap;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::outcome::Outcome;
use coffeeshop_core::ports::{Found, OriginalVersion, OutcomeMark, OutcomePage, PhotoRecords, PortError};
use jiff::Timestamp;

use crate::failed;
use crate::photos::AwsPhotoStore;
use crate::tables::{Batch, Item, found, text, unable, understood};

/// How many outcomes are read in one call; with four renditions each has about 1.5 KB, so that DynamoDB's answer of 1 MB is full before.
const PAGE_ITEMS: i32 = 1_000;

const PAGE: &str = "photos.page";
const VERSIONS: &str = "originals.versions";

fn key(OutcomeMark { shop_id, photo_id }: &OutcomeMark) -> Item {
    HashMap::from([("shop_id".to_owned(), text(shop_id)), ("photo_id".to_owned(), text(photo_id))])
}

/// The key of an item of the table, whatever it says.
fn mark(item: &Item) -> Result<OutcomeMark, PortError> {
    let attribute = |name: &str| {
        let text = item.get(name).and_then(|value| value.as_s().ok());
        text.cloned().ok_or_else(|| PortError::new(PAGE, format!("an item without {name}")))
    };
    Ok(OutcomeMark { shop_id: attribute("shop_id")?, photo_id: attribute("photo_id")? })
}

fn page(items: Option<Vec<Item>>, last: Option<Item>) -> Result<OutcomePage, PortError> {
    let outcome = |item: Item| {
        let OutcomeMark { shop_id, photo_id } = mark(&item)?;
        understood(PAGE, &format_args!("{shop_id}/{photo_id}"), item)
    };
    let next = last.filter(|last| !last.is_empty()).map(|last| mark(&last)).transpose()?;
    Ok(OutcomePage { outcomes: items.unwrap_or_default().into_iter().map(outcome).collect(), next })
}

fn time(written_at: Option<&DateTime>) -> Result<Timestamp, PortError> {
    let seconds = written_at.ok_or_else(|| PortError::new(VERSIONS, "a version without a time"))?.secs();
    Timestamp::new(seconds, 0).map_err(failed(VERSIONS))
}

/// What a page says of this key.
fn versions(page: &ListObjectVersionsOutput, key: &str, to: &mut Vec<OriginalVersion>) -> Result<(), PortError> {
    let id = |id: Option<&str>| id.unwrap_or("null").to_owned();
    for version in page.versions().iter().filter(|version| version.key() == Some(key)) {
        to.push(OriginalVersion {
            version_id: id(version.version_id()),
            written_at: time(version.last_modified())?,
            bytes: Some(version.size().unwrap_or_default().try_into().map_err(failed(VERSIONS))?),
            is_latest: version.is_latest() == Some(true),
        });
    }
    for marker in page.delete_markers().iter().filter(|marker| marker.key() == Some(key)) {
        to.push(OriginalVersion {
            version_id: id(marker.version_id()),
            written_at: time(marker.last_modified())?,
            bytes: None,
            is_latest: marker.is_latest() == Some(true),
        });
    }
    Ok(())
}

impl PhotoRecords for AwsPhotoStore {
    async fn outcomes(&self, shop_id: Option<&ShopId>, after: Option<&OutcomeMark>) -> Result<OutcomePage, PortError> {
        let (client, table) = (self.dynamodb(), &self.names().photos_table);
        let after = after.map(key);
        let Some(shop_id) = shop_id else {
            let scan = client.scan().table_name(table).consistent_read(true).limit(PAGE_ITEMS);
            let answer = scan.set_exclusive_start_key(after).send().await.map_err(|error| unable(PAGE, error))?;
            return page(answer.items, answer.last_evaluated_key);
        };
        let query = client.query().table_name(table).consistent_read(true).limit(PAGE_ITEMS);
        let query = query.key_condition_expression("shop_id = :shop_id");
        let query = query.expression_attribute_values(":shop_id", text(shop_id));
        let answer = query.set_exclusive_start_key(after).send().await.map_err(|error| unable(PAGE, error))?;
        page(answer.items, answer.last_evaluated_key)
    }

    async fn outcomes_of(&self, photos: &[PhotoKey]) -> Result<Found<PhotoKey, Outcome>, PortError> {
        const CALL: &str = "photos.get";
        let (client, table) = (self.dynamodb(), &self.names().photos_table);
        Ok(found(CALL, Batch { client, call: CALL, table, attributes: None }.read(photos).await?))
    }

    async fn versions(&self, photo: &PhotoKey) -> Result<Vec<OriginalVersion>, PortError> {
        let (key, mut listed) = (photo.original(), Vec::new());
        let (mut after, mut after_version) = (None, None);
        loop {
            let list = self.s3().list_object_versions().bucket(&self.names().originals_bucket).prefix(&key);
            let list = list.set_key_marker(after).set_version_id_marker(after_version);
            let answer = list.send().await.map_err(failed(VERSIONS))?;
            versions(&answer, &key, &mut listed)?;
            // Longer keys begin the same, and come behind.
            let is_over = answer.next_key_marker() != Some(key.as_str());
            if answer.is_truncated() != Some(true) || is_over {
                break;
            }
            (after, after_version) = (answer.next_key_marker, answer.next_version_id_marker);
        }
        // Versions and delete markers come apart.
        listed.sort_by_key(|version| (!version.is_latest, std::cmp::Reverse(version.written_at)));
        Ok(listed)
    }
}
