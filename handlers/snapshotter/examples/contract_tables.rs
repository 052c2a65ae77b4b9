//! Writes the columns into `CONTRACT.md` anew: `cargo run -p coffeeshop-snapshotter --example contract_tables`.

#[path = "../tests/tables/mod.rs"]
mod tables;

use std::fs;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../CONTRACT.md");
    fs::write(&path, tables::renewed(&fs::read_to_string(&path)?).map_err(anyhow::Error::msg)?)?;
    Ok(())
}
