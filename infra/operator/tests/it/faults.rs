//! Every call of a rebuild fails once, before its effect and after it, and as too much at once; then it is run again.

use std::time::Duration;

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::Clock as _;
use coffeeshop_core::testing::{Fault, ScoreWorld};
use coffeeshop_operator::rebuild::{Mode, Rebuilt, rebuild_shop};
use coffeeshop_operator::shops;
use futures::executor::block_on;

use crate::world::{DAMAGES, assert_right, rating, shop, world};

/// All damage at once.
fn damaged() -> ScoreWorld {
    let world = world();
    for (_, inflict, _) in DAMAGES {
        inflict(&world);
    }
    world
}

#[test]
fn every_call_may_fail() {
    let calls = {
        let world = damaged();
        let before = world.calls();
        block_on(rebuild_shop(&world, &world, &shop(), Mode::Write, &|_| ())).unwrap();
        assert_right(&world, "nothing failed");
        world.calls() - before
    };
    assert!(calls > 12, "{calls}");
    for fault in [Fault::Before, Fault::After, Fault::Busy] {
        for call in 0..calls {
            let world = damaged();
            world.fail(call, fault);
            let first = block_on(rebuild_shop(&world, &world, &shop(), Mode::Write, &|_| ()));
            let why = format!("{fault:?} at call {call}");
            // What was too much at once is tried again by itself.
            assert_eq!(first.is_ok(), fault == Fault::Busy, "{why}");
            if first.is_err() {
                block_on(rebuild_shop(&world, &world, &shop(), Mode::Write, &|_| ())).unwrap();
            }
            assert_right(&world, &why);
        }
    }
}

#[test]
fn a_world_that_is_always_too_busy_ends() {
    let world = damaged();
    world.fail_always(Some(Fault::Busy));
    assert!(block_on(rebuild_shop(&world, &world, &shop(), Mode::Write, &|_| ())).unwrap_err().busy);
    world.fail_always(None);
    block_on(rebuild_shop(&world, &world, &shop(), Mode::Write, &|_| ())).unwrap();
    assert_right(&world, "afterwards");
}

fn id(number: usize) -> ShopId {
    format!("shop-{number:03}").parse().unwrap()
}

#[test]
fn all_shops_are_worked_on_in_order_and_it_goes_on_where_it_stopped() {
    let world = ScoreWorld::default();
    for number in (0..40).rev() {
        let mut rating = rating("user-1");
        rating.shop_id = id(number);
        world.put_rating(rating, crate::world::item("5", "2026-11-01"));
    }
    let seen = std::cell::RefCell::new(Vec::new());
    // Every other one takes its time.
    let work = async |shop: &ShopId| {
        let turns = if shop.as_str().ends_with(['0', '2', '4', '6', '8']) { 30 } else { 0 };
        for _ in 0..turns {
            world.sleep(Duration::ZERO).await;
        }
        rebuild_shop(&world, &world, shop, Mode::Write, &|_| ()).await
    };
    let done = |shop: &ShopId, _: Rebuilt, listed: usize| {
        assert_eq!(listed, 40);
        seen.borrow_mut().push(shop.clone());
    };
    world.fail(100, Fault::Before);
    block_on(shops::all(&world, None, work, done)).unwrap_err();
    let so_far = seen.borrow().len();
    assert!((5..35).contains(&so_far), "{so_far}");
    assert_eq!(*seen.borrow(), (0..so_far).map(id).collect::<Vec<_>>(), "all up to the last of them are done");

    let done = |shop: &ShopId, _: Rebuilt, _: usize| seen.borrow_mut().push(shop.clone());
    let last = seen.borrow().last().cloned();
    block_on(shops::all(&world, last, work, done)).unwrap();
    assert_eq!(*seen.borrow(), (0..40).map(id).collect::<Vec<_>>());
    assert_right(&world, "all shops");
}

#[test]
fn there_may_be_more_shops_than_are_listed_at_once() {
    const SHOPS: usize = 50_001;
    let world = ScoreWorld::default();
    for number in 0..SHOPS {
        let mut rating = rating("user-1");
        rating.shop_id = format!("shop-{number:05}").parse().unwrap();
        world.put_rating(rating, crate::world::item("5", "2026-11-01"));
    }
    let (mut seen, mut last) = (0, 0);
    let done = |_: &ShopId, (): (), listed: usize| (seen, last) = (seen + 1, listed);
    block_on(shops::all(&world, None, async |_: &ShopId| Ok(()), done)).unwrap();
    assert_eq!((seen, last), (SHOPS, SHOPS));
}
