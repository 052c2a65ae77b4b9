//! What Lambda delivers: batches of a stream of ratings, as the bytes that the function receives.
//!
//! Shops are rated by Zipf's law, seeded. No rating is in a batch twice, so nothing of it is coalesced away.

use std::collections::BTreeSet;

use fastrand::Rng;

const STREAM: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/coffeeshop-RatingsTable-1QXGZ5KWYA3BC/stream/\
                      2026-11-01T06:00:00.125";

/// In minutes.
const DAY: usize = 24 * 60;

/// What people write, some of it nothing.
const COMMENTS: [&str; 8] = [
    "",
    "",
    "Very good.",
    "Friendly, and quick even when it is full. The flat white was a little too hot.",
    "Würde wieder hingehen: der beste Käsekuchen der Straße, und man sitzt ruhig.",
    "The \"house blend\" is worth the detour.\nThe toilets are not.",
    "Loud, but the espresso makes up for it; they roast it themselves on Tuesdays, and you can watch if you ask.",
    "Twenty minutes for a filter coffee, then it was cold. They did not charge for it, and the second one was fine.",
];

/// A rating as it is now.
#[derive(Clone)]
struct Rating {
    shop: usize,
    user: usize,
    stars: usize,
    /// Minutes since the beginning of October.
    minute: usize,
    comment: &'static str,
}

/// What Lambda delivers at once.
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// Number of the shop, and stars, of each record.
    pub(crate) rated: Vec<(usize, usize)>,
}

/// A stream of ratings, and what was rated so far.
pub(crate) struct Feed {
    rng: Rng,
    one_month: bool,
    /// The share of the first shop, the first two, and so on.
    shares: Vec<f64>,
    given: Vec<Rating>,
    records: usize,
}

impl Feed {
    /// The k-th shop is rated `k` to the `exponent` times less often than the first: with 0, all are alike.
    pub(crate) fn new(seed: u64, shops: i32, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=shops).map(|shop| f64::from(shop).powf(-exponent)).collect();
        let total: f64 = weights.iter().sum();
        let mut share = 0.0;
        let add = |weight: f64| {
            share += weight / total;
            share
        };
        let shares = weights.into_iter().map(add).collect();
        Self { rng: Rng::with_seed(seed), one_month: false, shares, given: Vec::new(), records: 0 }
    }

    /// All ratings of one month, instead of some of the month before.
    pub(crate) fn of_one_month(self) -> Self {
        Self { one_month: true, ..self }
    }

    /// A batch of new ratings.
    pub(crate) fn ratings(&mut self, count: usize) -> Batch {
        let ratings: Vec<Rating> = (0..count).map(|number| self.rating(self.given.len() + number)).collect();
        self.inserts(ratings)
    }

    /// A batch with a new rating of each shop.
    pub(crate) fn one_a_shop(&mut self) -> Batch {
        let first = self.given.len();
        let ratings = (0..self.shares.len()).map(|shop| Rating { shop, ..self.rating(first + shop) }).collect();
        self.inserts(ratings)
    }

    fn inserts(&mut self, ratings: Vec<Rating>) -> Batch {
        let records: Vec<String> = ratings.iter().map(|rating| self.record("INSERT", rating, None)).collect();
        let batch = batch(&records, &ratings);
        self.given.extend(ratings);
        batch
    }

    /// A batch of edits of ratings that were given before, each another.
    pub(crate) fn edits(&mut self, count: usize) -> Batch {
        let mut positions = BTreeSet::new();
        while positions.len() < count.min(self.given.len()) {
            positions.insert(self.rng.usize(..self.given.len()));
        }
        let (mut records, mut ratings) = (Vec::new(), Vec::new());
        for position in positions {
            let Some(old) = self.given.get(position).cloned() else { continue };
            let new = Rating { shop: old.shop, ..self.rating(old.user) };
            records.push(self.record("MODIFY", &new, Some(&old)));
            self.given.splice(position..=position, [new.clone()]);
            ratings.push(new);
        }
        batch(&records, &ratings)
    }

    fn rating(&mut self, user: usize) -> Rating {
        const OCTOBER: usize = 31 * DAY;
        /// As far as it is by now.
        const NOVEMBER: usize = 20 * DAY;
        let at = self.rng.f64();
        let late = !self.one_month && self.rng.u8(..10) == 0;
        Rating {
            shop: self.shares.partition_point(|share| *share < at).min(self.shares.len() - 1),
            user,
            stars: self.rng.choice([1, 2, 3, 3, 4, 4, 4, 5, 5, 5]).unwrap_or(5),
            // Some were given without a network, in October's last days.
            minute: if late {
                self.rng.usize(OCTOBER - 5 * DAY..OCTOBER)
            } else {
                OCTOBER + self.rng.usize(..NOVEMBER)
            },
            comment: self.rng.choice(COMMENTS).unwrap_or_default(),
        }
    }

    fn record(&mut self, event_name: &str, new: &Rating, old: Option<&Rating>) -> String {
        self.records += 1;
        let (event_id, sequence) = (self.rng.u128(..), 1_000_000 + self.records);
        let new_image = image(new);
        let old_image = old.map(|old| format!(r#""OldImage":{},"#, image(old))).unwrap_or_default();
        let size = new_image.len() / 2 + old_image.len() / 2;
        let (shop, user) = (shop_id(new.shop), new.user);
        let key = format!(r#"{{"shop_id":{{"S":"{shop}"}},"user_id":{{"S":"user-{user:07}"}}}}"#);
        let change =
            format!(r#"{{"ApproximateCreationDateTime":1795255200,"Keys":{key},"NewImage":{new_image},{old_image}"#)
                + &format!(r#""SequenceNumber":"{sequence}00000000{sequence:015}","SizeBytes":{size},"#)
                + r#""StreamViewType":"NEW_AND_OLD_IMAGES"}"#;
        format!(r#"{{"eventID":"{event_id:032x}","eventName":"{event_name}","eventVersion":"1.1","#)
            + r#""eventSource":"aws:dynamodb","awsRegion":"eu-central-1","#
            + &format!(r#""dynamodb":{change},"eventSourceARN":"{STREAM}"}}"#)
    }
}

fn image(rating: &Rating) -> String {
    let Rating { shop, user, stars, minute, comment } = rating;
    let shop = shop_id(*shop);
    let (day, hour, minute) = (minute / DAY, minute / 60 % 24, minute % 60);
    let (month, day) = if day < 31 { (10, day + 1) } else { (11, day - 30) };
    let rated_at = format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.481Z", user % 60);
    let comment = match *comment {
        "" => String::new(),
        comment => format!(r#""comment":{{"S":"{}"}},"#, comment.replace('"', "\\\"").replace('\n', "\\n")),
    };
    format!(r#"{{"shop_id":{{"S":"{shop}"}},"user_id":{{"S":"user-{user:07}"}},{comment}"#)
        + &format!(r#""stars":{{"N":"{stars}"}},"rated_at":{{"S":"{rated_at}"}}}}"#)
}

fn batch(records: &[String], ratings: &[Rating]) -> Batch {
    let bytes = format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes();
    Batch { bytes, rated: ratings.iter().map(|rating| (rating.shop, rating.stars)).collect() }
}

/// The id of a shop by its number.
pub(crate) fn shop_id(shop: usize) -> String {
    format!("shop-{shop:04}")
}
