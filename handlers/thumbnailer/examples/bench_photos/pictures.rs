//! The photos that are measured with, and the pictures that are made for it: without photos, and by size.
//!
//! Made with an encoder that no engine has, as phones write: 4:2:0, in one scan, standard Huffman tables.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use coffeeshop_thumbnailer::render::inspect;
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

#[expect(
    dead_code,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shared with the fixtures, which need more of it; it makes known pictures of known sizes"
)]
#[path = "../../tests/fixtures/scene.rs"]
mod scene;

const QUALITY: u8 = 90;
/// By the side of which, in the order of their tags, a TIFF block says that a picture lies on its side (EXIF, orientation 6).
const TURNED: &[u8] = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
/// Megapixels, and whether it is progressive.
const SIZES: [(f64, bool); 7] =
    [(3.0, false), (6.0, false), (12.0, false), (24.0, false), (48.0, false), (12.0, true), (24.0, true)];

/// A file to make renditions of.
pub(crate) struct Picture {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) megapixels: f64,
    pub(crate) bytes: u64,
    pub(crate) progressive: bool,
}

impl Picture {
    fn read(path: PathBuf) -> Result<Self> {
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let header = inspect(&bytes).with_context(|| format!("{} cannot be used", path.display()))?;
        let (width, height) = header.upright();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let megapixels = f64::from(width) * f64::from(height) / 1e6;
        Ok(Self { name, path, megapixels, bytes: bytes.len() as u64, progressive: false })
    }
}

/// The JPEG files of a folder, by name.
pub(crate) fn photos(folder: &Path) -> Result<Vec<Picture>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        ending == "jpg" || ending == "jpeg"
    });
    paths.sort();
    ensure!(!paths.is_empty(), "there are no photos in {}", folder.display());
    paths.into_iter().map(Picture::read).collect()
}

/// Pictures of the fixtures' scene, in a folder: one as it is, one on its side, one of half the pixels.
pub(crate) fn own(folder: &Path) -> Result<Vec<Picture>> {
    fs::create_dir_all(folder)?;
    let of = |name: &str, (width, height), sampling, exif: Option<&[u8]>| {
        let path = folder.join(name);
        let picture = scene::scene(width, height);
        fs::write(&path, encoded(&picture.rgb(), (width, height), false, sampling, exif)?)?;
        Picture::read(path)
    };
    Ok(vec![
        of("made-1.jpg", (4032, 3024), SamplingFactor::F_2_2, None)?,
        of("made-2-turned.jpg", (4032, 3024), SamplingFactor::F_2_2, Some(TURNED))?,
        of("made-3-422.jpg", (2880, 2160), SamplingFactor::F_2_1, None)?,
    ])
}

/// The largest of the photos in all sizes, as files in a folder.
pub(crate) fn sizes(photos: &[Picture], folder: &Path) -> Result<Vec<Picture>> {
    fs::create_dir_all(folder)?;
    let largest = photos.iter().max_by(|a, b| a.megapixels.total_cmp(&b.megapixels)).context("there are no photos")?;
    let source = image::open(&largest.path)?.into_rgb8();
    let made = SIZES.iter().map(|(megapixels, progressive)| {
        let name = if *progressive { format!("{megapixels} MP, progressive") } else { format!("{megapixels} MP") };
        let size = of_megapixels(source.dimensions(), *megapixels);
        let path = folder.join(format!("{}.jpg", name.replace(", ", "-").replace(' ', "-")));
        fs::write(&path, encoded(&resized(&source, size)?, size, *progressive, SamplingFactor::F_2_2, None)?)?;
        Ok(Picture { name, progressive: *progressive, ..Picture::read(path)? })
    });
    made.collect()
}

/// The size of this shape that has so many pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides of at most 65,535")]
fn of_megapixels((width, height): (u32, u32), megapixels: f64) -> (u32, u32) {
    let [width, height] = [width, height].map(f64::from);
    let scale = (megapixels * 1e6 / (width * height)).sqrt();
    ((width * scale).round() as u32, (height * scale).round() as u32)
}

fn resized(source: &RgbImage, (width, height): (u32, u32)) -> Result<Vec<u8>> {
    let from = Image::from_vec_u8(source.width(), source.height(), source.to_vec(), PixelType::U8x3)?;
    let mut to = Image::new(width, height, PixelType::U8x3);
    Resizer::new().resize(&from, &mut to, None)?;
    Ok(to.into_vec())
}

fn encoded(
    rgb: &[u8],
    (width, height): (u32, u32),
    progressive: bool,
    sampling: SamplingFactor,
    exif: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, QUALITY);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(progressive);
    if let Some(exif) = exif {
        encoder.add_exif_metadata(exif)?;
    }
    encoder.encode(rgb, width.try_into()?, height.try_into()?, ColorType::Rgb)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_keeps_the_shape() {
        assert_eq!(of_megapixels((4000, 3000), 48.0), (8000, 6000));
        assert_eq!(of_megapixels((4288, 2848), 3.0), (2125, 1412));
    }

    #[test]
    fn what_is_made_is_what_it_says() {
        let picture = scene::scene(40, 24);
        let file = encoded(&picture.rgb(), (40, 24), false, SamplingFactor::F_2_2, Some(TURNED)).unwrap();
        assert_eq!(inspect(&file).unwrap().upright(), (24, 40), "it lies on its side");
        let start_of_frame = |file: &[u8]| file.windows(2).any(|bytes| bytes == [0xFF, 0xC2]);
        assert!(!start_of_frame(&file));
        let progressive = encoded(&picture.rgb(), (40, 24), true, SamplingFactor::F_2_2, None).unwrap();
        assert!(start_of_frame(&progressive));
    }
}
