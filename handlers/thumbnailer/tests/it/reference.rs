//! What a rendition should look like: decoded whole by the decoders of `image`, converted, and resized directly.

use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, RgbImage, imageops};
use moxcms::{ColorProfile, Layout, TransformOptions};

/// The picture at this size, upright, on white; a profile for colour is applied. `None` if it is not decoded.
pub(crate) fn reference(bytes: &[u8], (width, height): (u32, u32)) -> Option<RgbImage> {
    let reader = ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().unwrap();
    let mut decoder = reader.into_decoder().ok()?;
    let icc = decoder.icc_profile().ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    let mut flat = RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|c| u8::try_from((c * a + 255 * (255 - a) + 127) / 255).unwrap()))
    });
    if let Some(icc) = icc {
        let profile = ColorProfile::new_from_slice(&icc).unwrap();
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let transform = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options).unwrap();
        let source = flat.clone();
        transform.transform(&source, &mut flat).unwrap();
    }
    Some(imageops::resize(&flat, width, height, imageops::FilterType::Lanczos3))
}

/// SSIMULACRA2: 100 is the same, 70 high quality, 30 low.
pub(crate) fn alike(reference: &RgbImage, rendition: &RgbImage) -> f64 {
    compute_ssimulacra2(&slice(reference), &slice(rendition)).unwrap()
}

fn slice(picture: &RgbImage) -> PixelSlice<'_> {
    let (width, height) = picture.dimensions();
    PixelSlice::new(picture, width, height, width as usize * 3, PixelDescriptor::RGB8_SRGB).unwrap()
}

/// A rendition, decoded.
pub(crate) fn pixels(jpeg: &[u8]) -> RgbImage {
    image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap().into_rgb8()
}
