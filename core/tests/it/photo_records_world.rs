//! The photos of the world in memory keep the contract of their port.

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::keys::PhotoKey;
use coffeeshop_core::testing::{World, photo_records_contract};
use futures::executor::block_on;

fn shop() -> ShopId {
    "shop".parse().unwrap()
}

#[test]
fn outcomes() {
    let world = World::default();
    block_on(photo_records_contract::outcomes(&world, &world, &shop()));
}

#[test]
fn outcomes_of() {
    let world = World::default();
    block_on(photo_records_contract::outcomes_of(&world, &world, &shop()));
}

#[test]
fn versions() {
    let world = World::default();
    let photo = PhotoKey::from_original("uploads/shop/photo").unwrap();
    block_on(photo_records_contract::versions(&world, &world, &photo));
}
