//! How alike the renditions are to the photo: SSIMULACRA2 against a full decode with direct Lanczos3.
//!
//! Of 1080 and 480 pixels. Not of the squares of 160: engines cut them half a pixel apart, which says nothing of quality.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use image::RgbImage;

use crate::measure::renditions;
use crate::pictures::Picture;
use crate::results::Measured;
use crate::say;

#[expect(clippy::unwrap_used, reason = "shared with the tests: photos that came this far are decoded by it too")]
#[path = "../../tests/it/reference.rs"]
mod reference;

/// Compares what the engines wrote.
pub(crate) fn add(measured: &mut Vec<Measured>, photos: &[Picture], work: &Path) -> Result<()> {
    say("comparing the renditions ..");
    for (at, photo) in photos.iter().enumerate() {
        let bytes = fs::read(&photo.path)?;
        // Engines may round a side differently.
        let mut references: HashMap<(u32, u32), RgbImage> = HashMap::new();
        for engine in measured.iter_mut() {
            let folder = renditions(work, engine.name, &photo.name);
            let [full, card] = ["1080.jpg", "480.jpg"].map(|name| alike(&bytes, &folder.join(name), &mut references));
            if let Some(of_photo) = engine.photos.get_mut(at) {
                (of_photo.ssimulacra2_1080, of_photo.ssimulacra2_480) = (Some(full?), Some(card?));
            }
        }
    }
    *measured = std::mem::take(measured).into_iter().map(Measured::summed).collect();
    Ok(())
}

fn alike(photo: &[u8], rendition: &Path, references: &mut HashMap<(u32, u32), RgbImage>) -> Result<f64> {
    let jpeg = fs::read(rendition).with_context(|| format!("{} cannot be read", rendition.display()))?;
    let rendition = reference::pixels(&jpeg);
    let size = rendition.dimensions();
    let of_photo = match references.entry(size) {
        Entry::Occupied(made) => made.into_mut(),
        Entry::Vacant(none) => none.insert(reference::reference(photo, size).context("the photo is not decoded")?),
    };
    Ok(reference::alike(of_photo, &rendition))
}
