//! Operators who rebuild shops while workers are active: now and then killed, and begun again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::PortError;
use coffeeshop_core::testing::ScoreWorld;
use coffeeshop_operator::difference::Difference;
use coffeeshop_operator::rebuild::{Mode, Rebuilt, rebuild_shop};
use coffeeshop_operator::shops;
use coffeeshop_operator::verify::verify_shop;
use fastrand::Rng;

use super::store::{Sabotage, Store};
use crate::lanes::{killed_after, turns};

/// What a history has seen of its rebuilds.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// Writes of rebuilds that came too late.
    pub(super) lost_races: u64,
    /// Scores that had changed when they were read again.
    pub(super) moved: u64,
    /// What was repaired while workers were active.
    pub(super) scores_repaired: u64,
    pub(super) contributions_repaired: u64,
    pub(super) killed: u64,
    pub(super) failed: u64,
    /// Rebuilds that began while another was at work.
    pub(super) side_by_side: u64,
    /// Scores said to differ from contributions.
    pub(super) scores_said: u64,
}

/// Where operators work, each with two hands.
pub(super) struct Office<'a> {
    world: &'a ScoreWorld,
    sabotage: Sabotage,
    shops: Vec<ShopId>,
    rng: RefCell<Rng>,
    slow: usize,
    at_work: Cell<u64>,
    /// Whether the aggregator's workers are active.
    pub(super) open: Cell<bool>,
    /// Shops that were rebuilt whole.
    pub(super) whole: RefCell<BTreeSet<ShopId>>,
    pub(super) seen: RefCell<Seen>,
}

impl<'a> Office<'a> {
    pub(super) fn new(world: &'a ScoreWorld, sabotage: Sabotage, shops: Vec<ShopId>, slow: usize, rng: Rng) -> Self {
        Self {
            world,
            sabotage,
            shops,
            slow,
            rng: RefCell::new(rng),
            at_work: Cell::new(0),
            open: Cell::new(true),
            whole: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    fn store(&self) -> Store<'a> {
        Store::new(self.world, self.sabotage, self.slow, self.rng.borrow_mut().u64(..))
    }

    /// Whether each shop was rebuilt whole.
    pub(super) fn is_done(&self) -> bool {
        self.shops.iter().all(|shop| self.whole.borrow().contains(shop))
    }

    /// Rebuilds every shop after so many turns, and again where it was killed, or failed, or simply so.
    pub(super) async fn rebuild(&self, mode: Mode, wait: usize) {
        turns(wait).await;
        for _ in 0..3 {
            let (polls, pause, enough) = {
                let mut rng = self.rng.borrow_mut();
                let killed = rng.u8(..4) == 0;
                (
                    if killed { rng.usize(..80 * (1 + self.slow / 2)) } else { usize::MAX },
                    rng.usize(..40),
                    rng.u8(..4) > 0,
                )
            };
            let store = self.store();
            self.at_work.update(|others| others + 1);
            self.seen.borrow_mut().side_by_side += u64::from(self.at_work.get() > 1);
            let result = killed_after(polls, self.once(&store, mode)).await;
            self.at_work.update(|all| all - 1);
            let ended_well = matches!(result, Some(Ok(())));
            {
                let mut seen = self.seen.borrow_mut();
                seen.lost_races += store.lost_races();
                seen.moved += store.moved();
                seen.killed += u64::from(result.is_none());
                seen.failed += u64::from(matches!(result, Some(Err(_))));
            }
            if ended_well && enough {
                return;
            }
            turns(pause).await;
        }
    }

    async fn once(&self, store: &Store<'_>, mode: Mode) -> Result<(), PortError> {
        let found = |difference| self.found(&difference);
        if self.rng.borrow_mut().bool() {
            let one = async |shop: &ShopId| rebuild_shop(store, self.world, shop, mode, &found).await;
            let after = |shop: &ShopId, rebuilt, _| self.rebuilt(shop, mode, &rebuilt);
            return shops::all(store, None, one, after).await;
        }
        let mut shops = self.shops.clone();
        self.rng.borrow_mut().shuffle(&mut shops);
        for shop in &shops {
            let rebuilt = rebuild_shop(store, self.world, shop, mode, &found).await?;
            self.rebuilt(shop, mode, &rebuilt);
        }
        Ok(())
    }

    fn rebuilt(&self, shop: &ShopId, mode: Mode, rebuilt: &Rebuilt) {
        assert_eq!(rebuilt.unreadable, 0, "everything can be understood");
        if mode == Mode::Write && rebuilt.busy == 0 {
            self.whole.borrow_mut().insert(shop.clone());
        }
    }

    fn found(&self, difference: &Difference) {
        let (mut seen, open) = (self.seen.borrow_mut(), u64::from(self.open.get()));
        match difference {
            // One that is wrong only because its contributions are is behind, with a record that is under way.
            Difference::Score { as_contributed, .. } => {
                seen.scores_said += u64::from(!as_contributed);
                seen.scores_repaired += open;
            }
            Difference::Contribution(_) => seen.contributions_repaired += open,
            Difference::Unreadable { shop_id, error } => panic!("{shop_id}: {error}"),
        }
    }

    /// Verifies every shop after so many turns, until something fails.
    pub(super) async fn verify(&self, wait: usize) {
        turns(wait).await;
        for shop in &self.shops {
            let store = self.store();
            if verify_shop(&store, self.world, shop, &|difference| self.found(&difference)).await.is_err() {
                return;
            }
        }
    }
}
