//! A shop's contributions and ratings side by side, in the order of users, a page at a time.
//!
//! A contribution is always read before its rating: whoever replaces it on condition of the version that was read here
//! cannot have missed a rating that was settled before. Nothing is compared here.

use std::collections::VecDeque;

use coffeeshop_core::contribution::Contribution;
use coffeeshop_core::ids::{ShopId, UserId};
use coffeeshop_core::ports::{PortError, ShopRecords, Users};
use coffeeshop_core::rating::RatingItem;

/// A user's contribution and rating of a shop; at least one of them is there.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) user_id: UserId,
    /// An error: there is one, and it cannot be understood.
    pub(crate) contribution: Option<Result<Contribution, PortError>>,
    pub(crate) rating: Option<RatingItem>,
}

/// A walk through a shop.
pub(crate) struct Walk<'a, S> {
    store: &'a S,
    shop_id: &'a ShopId,
    place: Place,
}

enum Place {
    /// A page of contributions comes next, of the users above this one.
    Contributions(Option<UserId>),
    /// Ratings of the users of a page come next.
    Ratings { page: VecDeque<(UserId, Result<Contribution, PortError>)>, users: Users },
    /// There is no more.
    End,
}

impl<'a, S: ShopRecords> Walk<'a, S> {
    pub(crate) fn new(store: &'a S, shop_id: &'a ShopId) -> Self {
        Self { store, shop_id, place: Place::Contributions(None) }
    }

    /// Some more pairs, in order; `None`: there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Pair>>, PortError> {
        if let Place::Contributions(above) = &self.place {
            let read = self.store.contributions_of(self.shop_id, above.as_ref()).await?;
            // The users of the page and those between them; the first page has all before it, the last all after it.
            let users = Users { above: above.clone(), up_to: read.next };
            self.place = Place::Ratings { page: read.items.into(), users };
        }
        let Place::Ratings { page, users } = &mut self.place else { return Ok(None) };
        let read = self.store.ratings_of(self.shop_id, users).await?;
        let pairs = pairs(page, read.items, read.next.as_ref());
        match (read.next, users.up_to.take()) {
            (Some(next), up_to) => *users = Users { above: Some(next), up_to },
            (None, Some(last)) => self.place = Place::Contributions(Some(last)),
            (None, None) => self.place = Place::End,
        }
        Ok(Some(pairs))
    }
}

/// Takes the contributions up to a user from the page (`None`: all), and puts the ratings beside them.
fn pairs(
    page: &mut VecDeque<(UserId, Result<Contribution, PortError>)>,
    ratings: Vec<(UserId, RatingItem)>,
    up_to: Option<&UserId>,
) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(page.len() + ratings.len());
    let alone = |page: &mut VecDeque<_>, pairs: &mut Vec<Pair>, before: &dyn Fn(&UserId) -> bool| {
        while page.front().is_some_and(|(user_id, _)| before(user_id)) {
            let Some((user_id, contribution)) = page.pop_front() else { return };
            pairs.push(Pair { user_id, contribution: Some(contribution), rating: None });
        }
    };
    for (user_id, rating) in ratings {
        alone(page, &mut pairs, &|other| *other < user_id);
        let contribution = match page.front() {
            Some((other, _)) if *other == user_id => page.pop_front().map(|(_, contribution)| contribution),
            _ => None,
        };
        pairs.push(Pair { user_id, contribution, rating: Some(rating) });
    }
    alone(page, &mut pairs, &|other| up_to.is_none_or(|last| other <= last));
    pairs
}
