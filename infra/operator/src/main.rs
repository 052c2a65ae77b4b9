//! The `coffeeshop` command.
fn main() {}
