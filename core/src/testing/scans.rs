//! [`Scan`] of the worlds in memory: small pages, and one that is empty may have another behind it.

use super::World;
use super::scores::{ScoreWorld, spoilt};
use crate::outcome::Outcome;
use crate::ports::{PortError, Scan, ScanMark, ScanPage, Segment};
use crate::score::Score;

/// How many items a page has, whatever segment they are of: as in a filtered scan, a page may be empty.
const PAGE_ITEMS: usize = 3;

/// Which segment the items of a partition are in.
fn segment_of(partition: &str, of: u32) -> u32 {
    partition.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % of
}

/// A page of items, in the order of their keys as texts.
fn page<T>(
    items: impl IntoIterator<Item = ([String; 2], Result<T, PortError>)>,
    segment: Segment,
    after: Option<&ScanMark>,
) -> ScanPage<T> {
    let is_after =
        |[partition, sort]: &[String; 2]| after.is_none_or(|after| (partition, sort) > (&after.partition, &after.sort));
    let mut left: Vec<_> = items.into_iter().filter(|(key, _)| is_after(key)).collect();
    left.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut left = left.into_iter().peekable();
    let (mut page, mut last) = (Vec::new(), None);
    for (key, item) in left.by_ref().take(PAGE_ITEMS) {
        if segment_of(&key[0], segment.of) == segment.number {
            page.push(item);
        }
        last = Some(key);
    }
    let more = left.peek().is_some();
    ScanPage { items: page, next: last.filter(|_| more).map(|[partition, sort]| ScanMark { partition, sort }) }
}

impl Scan<Score> for ScoreWorld {
    async fn page(&self, segment: Segment, after: Option<&ScanMark>) -> Result<ScanPage<Score>, PortError> {
        let reply = self.calls.enter("scores.scan").await?;
        let spoilt_key = self.spoilt_score();
        let items = self.stored_scores().into_iter().map(|(key, score)| {
            let is_spoilt = spoilt_key.as_ref() == Some(&key);
            let item = if is_spoilt { Err(spoilt("scores.scan")) } else { Ok(score) };
            ([key.shop_id.to_string(), key.period.to_string()], item)
        });
        reply.leave(page(items, segment, after))
    }
}

impl Scan<Outcome> for World {
    async fn page(&self, segment: Segment, after: Option<&ScanMark>) -> Result<ScanPage<Outcome>, PortError> {
        let items = self.call("photos.scan", |state| state.all_items()).await?;
        let key =
            |(photo, item): (crate::keys::PhotoKey, _)| ([photo.shop_id.to_string(), photo.photo_id.to_string()], item);
        Ok(page(items.into_iter().map(key), segment, after))
    }
}
