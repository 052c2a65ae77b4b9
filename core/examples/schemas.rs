//! Writes `core/schemas` anew: `cargo run -p coffeeshop-core --example schemas`.

#[path = "../tests/schemas/mod.rs"]
mod schemas;

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    fs::create_dir_all(&folder)?;
    for (name, text) in schemas::all() {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}
