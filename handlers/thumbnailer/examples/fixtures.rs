//! Writes `fixtures/images` anew: `cargo run -p coffeeshop-thumbnailer --example fixtures`.

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    for (path, bytes) in fixtures::all() {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
