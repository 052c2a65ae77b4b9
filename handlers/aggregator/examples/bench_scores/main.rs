//! What scores cost, in time and in money: `cargo xtask bench scores`.
//!
//! Prints, and saves nothing. No limit is set here: the numbers are for people.

mod cost;
mod feed;
mod memory;
mod metering;
mod speed;

use lambda_runtime::Error;

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
fn main() -> Result<(), Error> {
    println!("{}", speed::report()?);
    println!("{}", cost::report()?);
    Ok(())
}
