//! How alike the renditions are to the photo: SSIMULACRA2 against a full decode with direct Lanczos3.
//!
//! Of 1080 and 480 pixels. Not of the squares of 160: engines cut them half a pixel apart, which says nothing of quality.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use image::{ImageDecoder as _, ImageFormat, ImageReader, RgbImage};

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
            same_work(&folder).with_context(|| format!("{} did not do what the others did", engine.name))?;
            let [full, card] = ["1080.jpg", "480.jpg"].map(|name| alike(&bytes, &folder.join(name), &mut references));
            if let Some(of_photo) = engine.photos.get_mut(at) {
                (of_photo.ssimulacra2_1080, of_photo.ssimulacra2_480) = (Some(full?), Some(card?));
            }
        }
    }
    *measured = std::mem::take(measured).into_iter().map(Measured::summed).collect();
    Ok(())
}

/// That renditions are of the sizes that were asked for, and carry no metadata: who makes smaller ones is faster.
fn same_work(folder: &Path) -> Result<()> {
    for (name, long, short) in [("1080.jpg", 1080, None), ("480.jpg", 480, None), ("160.jpg", 160, Some(160))] {
        let jpeg = fs::read(folder.join(name)).with_context(|| format!("{name} cannot be read"))?;
        let (width, height) = reference::pixels(&jpeg).dimensions();
        ensure!(
            width.max(height) == long && short.is_none_or(|short| width.min(height) == short),
            "{name} is {width}x{height}"
        );
        let mut decoder = ImageReader::with_format(Cursor::new(&jpeg), ImageFormat::Jpeg).into_decoder()?;
        let metadata = decoder.exif_metadata()?.is_some() || decoder.icc_profile()?.is_some();
        ensure!(!metadata, "{name} carries EXIF or a profile");
    }
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
