//! Bytes become a picture: 8 bits a channel, grey or colour, alpha flattened on white.
//!
//! Orientation and profile are still those of the file.

use coffeeshop_core::outcome::Format;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageResult, Luma, LumaA, Rgb, RgbImage, Rgba};

use super::inspect::{Header, open};
use super::picture::Picture;
use super::{Buffers, Rejection, jpeg};

pub(super) fn decode(bytes: &[u8], header: &Header, shrink: u32, buffers: &mut Buffers) -> Result<Picture, Rejection> {
    let picture = match header.format {
        Format::Jpeg => match jpeg::decode(bytes, shrink, buffers)? {
            Picture::Pixels(pixels) => Picture::Pixels(flatten(pixels)),
            planes @ Picture::Planes(_) => planes,
        },
        Format::Png | Format::Webp | Format::Gif => {
            let pixels = other(bytes, header.format).map_err(|error| Rejection::corrupt(error.to_string()))?;
            Picture::Pixels(flatten(pixels))
        }
    };
    if (picture.width(), picture.height()) != header.stored {
        return Err(Rejection::corrupt("another size than the header says"));
    }
    Ok(picture)
}

fn other(bytes: &[u8], format: Format) -> ImageResult<DynamicImage> {
    let pixel_bytes = open(bytes, format, 0)?.total_bytes();
    let decoder = open(bytes, format, pixel_bytes)?;
    DynamicImage::from_decoder(decoder)
}

/// 8 bits a channel, on white.
fn flatten(picture: DynamicImage) -> DynamicImage {
    use DynamicImage::{ImageLuma8, ImageLuma16, ImageLumaA8, ImageLumaA16, ImageRgb8};
    match picture {
        ImageLuma8(_) | ImageRgb8(_) => picture,
        ImageLuma16(_) => picture.into_luma8().into(),
        ImageLumaA8(_) | ImageLumaA16(_) => {
            let source = picture.into_luma_alpha8();
            let (width, height) = source.dimensions();
            let mut flat = GrayImage::new(width, height);
            for (to, LumaA([l, a])) in flat.pixels_mut().zip(source.pixels()) {
                *to = Luma([on_white(*l, *a)]);
            }
            flat.into()
        }
        _ if picture.color().has_alpha() => {
            let source = picture.into_rgba8();
            let (width, height) = source.dimensions();
            let mut flat = RgbImage::new(width, height);
            for (to, from) in flat.pixels_mut().zip(source.pixels()) {
                let Rgba([r, g, b, a]) = *from;
                *to = Rgb([r, g, b].map(|channel| on_white(channel, a)));
            }
            flat.into()
        }
        _ => picture.into_rgb8().into(),
    }
}

/// Blends a channel over white: `(c·a + 255·(255 − a)) / 255`, rounded.
fn on_white(channel: u8, alpha: u8) -> u8 {
    let [c, a] = [channel, alpha].map(u32::from);
    let blended = (c * a + 255 * (255 - a) + 127) / 255;
    u8::try_from(blended).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, LumaA as La, Rgba as Pa};

    use super::*;

    #[test]
    fn alpha_is_flattened_on_white() {
        assert_eq!([on_white(0, 0), on_white(0, 255), on_white(255, 77)], [255, 0, 255]);
        assert_eq!([on_white(0, 128), on_white(100, 51)], [127, 224]);
        let rgba: ImageBuffer<Pa<u16>, _> = ImageBuffer::from_pixel(1, 1, Pa([65_535, 0, 0, 0x8080]));
        assert_eq!(flatten(rgba.into()), DynamicImage::from(RgbImage::from_pixel(1, 1, Rgb([255, 127, 127]))));
        let grey: ImageBuffer<La<u8>, _> = ImageBuffer::from_pixel(1, 1, La([0, 0]));
        assert_eq!(flatten(grey.into()), DynamicImage::from(GrayImage::from_pixel(1, 1, Luma([255]))));
    }
}
