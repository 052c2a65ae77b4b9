//! A fake that no contract holds is a lie in waiting.

use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::testing::{World, contract};
use futures::executor::block_on;

fn photo() -> PhotoKey {
    PhotoKey::from_original("uploads/shop/photo").unwrap()
}

#[test]
fn outcomes() {
    block_on(contract::outcomes(&World::default(), &photo()));
}

#[test]
fn renditions() {
    block_on(contract::renditions(&World::default(), &photo()));
}

#[test]
fn originals() {
    let world = World::default();
    block_on(contract::originals(&world, &world, &photo()));
}

#[test]
fn large_originals() {
    let world = World::default();
    block_on(contract::large_originals(&world, &world, &photo()));
}

#[test]
fn source_queue() {
    let world = World::default();
    block_on(contract::source_queue(&world, &world));
}
