//! A placeholder of about 30 bytes for a picture that is still loading (<https://evanw.github.io/thumbhash/>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_image_resize::Resizer;
use image::DynamicImage;
use image::imageops::FilterType;

use super::jpeg;
use super::picture::Picture;

/// The longest side that the algorithm takes, in pixels.
const SIDE_MAX: u32 = 100;

pub(super) fn base64(picture: &Picture, resizer: &mut Resizer) -> String {
    let pixels = match picture {
        Picture::Planes(planes) => DynamicImage::from(jpeg::rgb(planes, resizer)),
        Picture::Pixels(pixels) => pixels.clone(),
    };
    let small = if pixels.width() > SIDE_MAX || pixels.height() > SIDE_MAX {
        pixels.resize(SIDE_MAX, SIDE_MAX, FilterType::Triangle)
    } else {
        pixels
    };
    let rgba = small.into_rgba8();
    let [width, height] = [rgba.width(), rgba.height()].map(|side| side as usize);
    STANDARD.encode(thumbhash::rgba_to_thumb_hash(width, height, &rgba))
}
