//! The commands, and what they share.
//!
//! What is right, and how it is repaired, is decided in `verify` and `rebuild` of this crate, and in `coffeeshop-core`.

pub mod dlq;
pub(crate) mod export;
pub mod photos;
pub(crate) mod rebuild;
pub(crate) mod show;
pub(crate) mod top;
pub(crate) mod verify;

use std::cell::{Cell, RefCell};
use std::io::Write;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::{PortError, ShopRecords};

use crate::cli::{Invocation, Which};
use crate::failure::{Failure, Why};
use crate::output::Output;
use crate::shops;
use crate::table::counted;

/// One run of a command.
pub(crate) struct Session<'a, W> {
    pub(crate) invocation: &'a Invocation,
    pub(crate) output: Output<W>,
    /// Up to which shop everything is done.
    last: RefCell<Option<ShopId>>,
    /// How many differences were said.
    differences: Cell<u64>,
}

/// How far a walk through shops is, for the bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) shops: u64,
    pub(crate) ratings: u64,
}

impl<'a, W: Write> Session<'a, W> {
    pub(crate) fn new(invocation: &'a Invocation, output: Output<W>) -> Self {
        Self { invocation, output, last: RefCell::new(None), differences: Cell::new(0) }
    }

    /// The failure, with how to go on.
    pub(crate) fn stopped(&self, failure: Failure) -> Failure {
        let goes_on = !matches!(failure.why, Why::UnknownShop { .. });
        let again = goes_on.then(|| self.invocation.again(self.last.borrow().as_ref())).flatten();
        Failure { again, ..failure }
    }

    pub(crate) fn unknown(&self, shop_id: &ShopId) -> Failure {
        Why::UnknownShop { shop_id: shop_id.clone(), target: self.invocation.target.to_string() }.into()
    }

    pub(crate) fn without_scores(&self, shop_id: &ShopId) -> Failure {
        let (target, examine) = (self.invocation.target.to_string(), self.invocation.examine(shop_id));
        Why::NoScores { shop_id: shop_id.clone(), target, examine }.into()
    }

    /// Counts one difference more, for the bar.
    pub(crate) fn difference(&self) {
        self.differences.set(self.differences.get() + 1);
    }

    /// Works on the shops; `done` hears what became of each, in order, and says how far that is.
    pub(crate) async fn on_shops<S: ShopRecords, T>(
        &self,
        store: &S,
        which: &Which,
        work: impl AsyncFn(&ShopId) -> Result<T, PortError>,
        mut done: impl FnMut(&ShopId, T) -> Progress,
    ) -> Result<(), Failure> {
        let bar = self.output.bar();
        match which {
            Which::One(shop_id) => {
                bar.set_message(shop_id.to_string());
                done(shop_id, work(shop_id).await?);
                Ok(())
            }
            Which::All { after } => {
                self.last.replace(after.clone());
                let walk = shops::all(store, after.clone(), work, |shop_id, result, listed| {
                    let Progress { shops, ratings } = done(shop_id, result);
                    bar.set_length(listed as u64);
                    bar.set_position(shops);
                    let (ratings, differences) = (counted(ratings, "rating"), self.differences.get());
                    bar.set_message(format!(", {ratings}, {}, up to {shop_id}", counted(differences, "difference")));
                    self.last.replace(Some(shop_id.clone()));
                });
                Ok(walk.await?)
            }
        }
    }
}

/// What is said when there was nothing to look at.
fn no_shop(which: &Which) -> String {
    match which {
        Which::All { after: Some(after) } => format!("no shop after {after} has a rating or a score"),
        _ => "no shop has a rating or a score".to_owned(),
    }
}
