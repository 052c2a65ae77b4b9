//! What people say of some shops: made up, and the same each time.
//!
//! A few shops are rated by most, and not all are equally good. It knows nothing of the stack.

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::rating::RatingKey;
use coffeeshop_core::score::City;
use coffeeshop_local::app::Said;
use fastrand::Rng;

const SEED: u64 = 3;

/// How many ratings are given.
const RATINGS: usize = 400;

/// One of so many of them is edited, or withdrawn, later.
const EDITED_ONE_IN: usize = 8;
const WITHDRAWN_ONE_IN: usize = 16;

const NO_DATE: &str = "yesterday";

/// Name, city, and how good it is in hundredths of a star; the most popular first.
const SHOPS: [(&str, &str, i64); 12] = [
    ("Corner Roast", "Eastmere", 400),
    ("Blue Kettle", "Norrhaven", 430),
    ("Third Cup", "Eastmere", 340),
    ("Copper Pot", "Highmoor", 455),
    ("Slow Drip", "Norrhaven", 380),
    ("Two Beans", "Eastmere", 290),
    ("Window Seat", "Highmoor", 420),
    ("Paper Filter", "Brookfield", 360),
    ("Old Mill", "Brookfield", 470),
    ("Steam Room", "Norrhaven", 310),
    ("Crema Bar", "Highmoor", 440),
    ("Last Sip", "Brookfield", 250),
];

/// A shop that ratings are of.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) id: ShopId,
    pub(crate) name: &'static str,
    pub(crate) city: City,
}

/// What becomes of one rating: the writes of one key, in their order.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) rating: RatingKey,
    pub(crate) writes: Vec<Write>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    Put(Said),
    Delete,
}

impl Write {
    /// Whether it is one that belongs into the quarantine.
    pub(crate) fn is_nonsense(&self) -> bool {
        matches!(self, Self::Put(said) if !(1..=5).contains(&said.stars) || said.rated_at == NO_DATE)
    }
}

/// The shops, the most popular first.
pub(crate) fn shops() -> anyhow::Result<Vec<Shop>> {
    SHOPS
        .iter()
        .map(|(name, city, _)| {
            let id = name.to_lowercase().replace(' ', "-").parse()?;
            Ok(Shop { id, name, city: city.parse()? })
        })
        .collect()
}

/// What is said of them. No rating comes back to what it was before, so that one look at it tells whether all of its
/// writes have arrived.
pub(crate) fn histories(shops: &[Shop]) -> anyhow::Result<Vec<History>> {
    let mut rng = Rng::with_seed(SEED);
    let mut histories = Vec::new();
    for number in 0..RATINGS {
        let position = by_zipf(&mut rng, shops.len());
        let Some((shop, (_, _, quality))) = shops.get(position).zip(SHOPS.get(position)) else { continue };
        let rating = RatingKey { shop_id: shop.id.clone(), user_id: format!("user-{number}").parse()? };
        let first = said(&mut rng, *quality);
        let mut writes = vec![Write::Put(first.clone())];
        if rng.usize(..EDITED_ONE_IN) == 0 {
            let stars = first.stars % 5 + 1;
            writes.push(Write::Put(Said { stars, comment: "Went there again.".to_owned(), ..first }));
        }
        if rng.usize(..WITHDRAWN_ONE_IN) == 0 {
            writes.push(Write::Delete);
        }
        histories.push(History { rating, writes });
    }
    // Three that make no sense: two from the start, and one edit, by which a rating counts no more.
    let nonsense = [
        (0, Said { stars: 6, ..said(&mut rng, 500) }),
        (1, Said { rated_at: NO_DATE.to_owned(), ..said(&mut rng, 300) }),
    ];
    for (position, nonsense) in nonsense {
        let Some(shop) = shops.get(position) else { continue };
        let user_id = format!("user-{}", RATINGS + position).parse()?;
        let rating = RatingKey { shop_id: shop.id.clone(), user_id };
        histories.push(History { rating, writes: vec![Write::Put(nonsense)] });
    }
    if let Some(edited) = histories.iter_mut().find(|history| history.writes.len() == 1) {
        edited.writes.push(Write::Put(Said { stars: 0, ..said(&mut rng, 300) }));
    }
    Ok(histories)
}

/// The k-th is chosen k times less often than the first.
fn by_zipf(rng: &mut Rng, count: usize) -> usize {
    let weight = |position: usize| 1_000_000 / (position + 1);
    let mut at = rng.usize(..(0..count).map(weight).sum::<usize>().max(1));
    (0..count)
        .find(|position| {
            let found = at < weight(*position);
            at = at.saturating_sub(weight(*position));
            found
        })
        .unwrap_or_default()
}

/// Around the quality, in hundredths of a star; in October or November.
fn said(rng: &mut Rng, quality: i64) -> Said {
    let stars = ((quality + rng.i64(-150..=150) + 50) / 100).clamp(1, 5);
    let (month, day) = if rng.u8(..4) == 0 { (10, rng.u8(1..=31)) } else { (11, rng.u8(1..=20)) };
    let rated_at = format!("2026-{month}-{day:02}T{:02}:{:02}:00Z", rng.u8(..24), rng.u8(..60));
    Said { stars, rated_at, comment: rng.choice(["", "", "Friendly.", "A bit loud."]).unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_stream_has_everything_that_can_happen() {
        let shops = shops().unwrap();
        let histories = histories(&shops).unwrap();
        let keys: BTreeSet<_> = histories.iter().map(|history| &history.rating).collect();
        assert_eq!(keys.len(), histories.len(), "one history a rating");
        let writes = || histories.iter().flat_map(|history| &history.writes);
        let edited = histories.iter().filter(|h| matches!(h.writes.as_slice(), [_, Write::Put(_), ..])).count();
        let withdrawn = writes().filter(|write| **write == Write::Delete).count();
        let count = |of: usize| {
            let rated = |history: &&History| shops.get(of).is_some_and(|shop| shop.id == history.rating.shop_id);
            histories.iter().filter(rated).count()
        };
        let nonsense = writes().filter(|write| write.is_nonsense()).count();
        assert!(edited > 30 && withdrawn > 15 && nonsense == 3, "{edited} {withdrawn} {nonsense}");
        assert!(count(0) > 100 && (0..shops.len()).all(|shop| count(shop) > 3), "{:?}", (count(0), count(11)));
    }

    #[test]
    fn no_rating_comes_back_to_what_it_was() {
        for History { writes, rating } in histories(&shops().unwrap()).unwrap() {
            let said: Vec<_> =
                writes.iter().filter_map(|w| if let Write::Put(said) = w { Some(said) } else { None }).collect();
            let stars: BTreeSet<_> = said.iter().map(|said| said.stars).collect();
            assert_eq!(stars.len(), said.len(), "{rating:?}");
        }
    }
}
