//! What can become of contributions and scores behind the aggregator's back.
//!
//! Everything is done at rest, while no worker has read what is damaged.

use std::collections::HashMap;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::fence::Fence;
use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ledger::{Change, View, plan};
use coffeeshop_core::period::Month;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::rating::{Held, RatingKey, Stars};
use coffeeshop_core::score::{Score, ScoreKey};
use coffeeshop_core::testing::ScoreWorld;
use fastrand::Rng;

use crate::support::rating;

/// The tables of an earlier time.
#[derive(Default)]
pub(super) struct Backup {
    contributions: Vec<(RatingKey, Contribution)>,
    scores: Vec<(ScoreKey, Score)>,
}

impl Backup {
    pub(super) fn of(world: &ScoreWorld) -> Self {
        Self {
            contributions: world.stored_contributions().into_iter().collect(),
            scores: world.stored_scores().into_iter().collect(),
        }
    }
}

/// What is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// Nothing.
    None,
    /// Anything; some records of the stream are lost, too.
    Any,
    /// A contribution is lost, so that scores count one rating more than there is.
    LostContribution,
}

/// Damages something; says whether a fence was lost.
pub(super) fn damage(world: &ScoreWorld, backup: &Backup, harm: Harm, rng: &mut Rng) -> bool {
    let contributions: Vec<_> = world.stored_contributions().into_values().collect();
    let shop: ShopId = format!("shop-{}", rng.u8(..3)).parse().unwrap();
    let kind = match harm {
        Harm::None => return false,
        Harm::Any => rng.u8(..9),
        Harm::LostContribution => 2,
    };
    match kind {
        0 => score_of(world, rng),
        1 => {
            if let Some(lost) = rng.choice(world.stored_scores().into_keys()) {
                world.remove_score(&lost);
            }
        }
        2 => {
            // A deletion's tombstone as well as a contribution.
            let Some(lost) = rng.choice(contributions) else { return false };
            world.put_contribution(&lost.rating, None);
            return true;
        }
        3 => {
            for lost in contributions.iter().filter(|contribution| contribution.rating.shop_id == shop) {
                world.put_contribution(&lost.rating, None);
            }
            return true;
        }
        4 => {
            let scores = world.stored_scores();
            scores.keys().filter(|key| key.shop_id == shop).for_each(|key| world.remove_score(key));
        }
        5 => {
            let orphan = rating(shop.as_str(), &format!("user-{}x", rng.u8(..9)));
            contribution_of(world, &orphan, Some(any_held(rng)), rng.bool());
        }
        6 => {
            let Some(wrong) = rng.choice(contributions) else { return false };
            let held = (rng.u8(..4) > 0).then(|| any_held(rng));
            contribution_of(world, &wrong.rating, held, rng.bool());
        }
        7 => {
            for lost in &contributions {
                world.put_contribution(&lost.rating, None);
            }
            backup.contributions.iter().for_each(|(rating, item)| world.put_contribution(rating, Some(item.clone())));
            return true;
        }
        _ => {
            world.stored_scores().keys().for_each(|key| world.remove_score(key));
            backup.scores.iter().for_each(|(_, score)| world.put_score(score.clone()));
        }
    }
    false
}

/// Makes a score another than its contributions make.
fn score_of(world: &ScoreWorld, rng: &mut Rng) {
    let Some(mut score) = rng.choice(world.stored_scores().into_values()) else { return };
    match rng.u8(..6) {
        0 => score.score_micros += 1,
        1 => score.rank = None,
        2 => "star-lcb/0".clone_into(&mut score.formula),
        kind => {
            let (mut histogram, stars) = (score.histogram, Stars::try_from(rng.u8(1..=5)).unwrap());
            let mut city = score.city.clone();
            if kind == 3 {
                city = rng.bool().then(|| "Milan".parse().unwrap());
            } else if rng.bool() || !histogram.remove(stars) {
                histogram.add(stars);
            }
            score = Score::new(score.key, histogram, score.revision, city, score.updated_at);
        }
    }
    score.revision += 1;
    world.put_score(score);
}

fn any_held(rng: &mut Rng) -> Held {
    Held { stars: Stars::try_from(rng.u8(1..=5)).unwrap(), month: Month::new(2026, rng.i8(9..=12)).unwrap() }
}

/// Makes a contribution hold something else; its fence stays. `counted`: scores follow, if they can.
fn contribution_of(world: &ScoreWorld, rating: &RatingKey, held: Option<Held>, counted: bool) {
    let before = world.stored_contributions().remove(rating);
    if counted {
        let change = Change { rating: rating.clone(), fence: None, held };
        let view = View {
            contributions: before.iter().map(|before| (rating.clone(), Ok(before.clone()))).collect(),
            scores: world.stored_scores().into_iter().map(|(key, score)| (key, Ok(score))).collect(),
            cities: HashMap::new(),
        };
        let transactions = plan(&[change], &view, world.now()).transactions;
        transactions.into_iter().flat_map(|one| one.scores).for_each(|put| world.put_score(put.item));
    }
    let fence = before.as_ref().map_or_else(Fence::lowest, |before| before.fence.clone());
    let after = Contribution::after(before.as_ref(), rating.clone(), fence, held, world.now());
    world.put_contribution(rating, Some(after));
}
