//! A placeholder of about 30 bytes for a picture that is still loading (<https://evanw.github.io/thumbhash/>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_image_resize::Resizer;

use super::jpeg;
use super::picture::Picture;
use super::resize::resize_whole;

/// The longer side of what is looked at, in pixels. The algorithm takes up to 100; a hash holds seven waves a side, for
/// which this is enough.
const SIDE: u32 = 32;

pub(super) fn base64(picture: &Picture, resizer: &mut Resizer) -> String {
    let (width, height) = (picture.width(), picture.height());
    let longer = width.max(height);
    let side = |side: u32| if longer > SIDE { (side * SIDE / longer).max(1) } else { side };
    let (width, height) = (side(width), side(height));
    let rgba = match resize_whole(picture, (width, height), resizer) {
        Picture::Planes(planes) => image::DynamicImage::from(jpeg::rgb(&planes, resizer)),
        Picture::Pixels(pixels) => pixels,
    }
    .into_rgba8();
    STANDARD.encode(thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba))
}
