//! The bucket in memory keeps the contract of its port.

use coffeeshop_core::testing::{UploadWorld, uploads_contract};
use futures::executor::block_on;

#[test]
fn in_parts() {
    block_on(uploads_contract::in_parts(&UploadWorld::default(), "x"));
}

#[test]
fn given_up() {
    block_on(uploads_contract::given_up(&UploadWorld::default(), "x"));
}

#[test]
fn too_small() {
    block_on(uploads_contract::too_small(&UploadWorld::default(), "x"));
}

#[test]
fn whole() {
    block_on(uploads_contract::whole(&UploadWorld::default(), "x"));
}
