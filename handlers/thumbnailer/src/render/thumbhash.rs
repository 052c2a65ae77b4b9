//! A placeholder of about 30 bytes for a picture that is still loading (<https://evanw.github.io/thumbhash/>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::DynamicImage;
use image::imageops::FilterType;

/// The longest side that the algorithm takes, in pixels.
const SIDE_MAX: u32 = 100;

pub(super) fn base64(picture: &DynamicImage) -> String {
    let small = if picture.width() > SIDE_MAX || picture.height() > SIDE_MAX {
        picture.resize(SIDE_MAX, SIDE_MAX, FilterType::Triangle)
    } else {
        picture.clone()
    };
    let rgba = small.into_rgba8();
    let [width, height] = [rgba.width(), rgba.height()].map(|side| side as usize);
    STANDARD.encode(thumbhash::rgba_to_thumb_hash(width, height, &rgba))
}
