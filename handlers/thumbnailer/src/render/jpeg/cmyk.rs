//! Four-component JPEG (CMYK, or YCCK as Adobe writes it) as RGB.
//!
//! From the planes of each component, because the decoder's own conversion is wrong when black is sampled otherwise
//! than the first component. The conversion is the plain one; a profile for four colours is not applied.

use image::{DynamicImage, Rgb, RgbImage};
use libjpeg_turbo_rs::{ColorSpace, Decoder, RawImage};

use super::corrupt;
use crate::render::Rejection;

/// One component's samples, and how many there are of it for how many of the finest component.
struct Plane<'a> {
    samples: &'a [u8],
    width: usize,
    horizontal: (usize, usize),
    vertical: (usize, usize),
}

impl Plane<'_> {
    /// The sample that covers a pixel.
    fn at(&self, x: usize, y: usize) -> u8 {
        let [x, y] = [(x, self.horizontal), (y, self.vertical)].map(|(at, (own, most))| at * own / most);
        self.samples.get(y * self.width + x).copied().unwrap_or_default()
    }
}

pub(super) fn decode(decoder: Decoder<'_>) -> Result<DynamicImage, Rejection> {
    let ycck = decoder.jpeg_color_space() == ColorSpace::Ycck;
    let frame = decoder.header();
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    let sampling: Vec<(usize, usize)> = frame
        .components
        .iter()
        .map(|component| (component.horizontal_sampling.into(), component.vertical_sampling.into()))
        .collect();
    let raw = decoder.decode_raw().map_err(corrupt)?;
    let planes = planes(&raw, &sampling);
    let [first, second, third, black] = planes.as_slice() else {
        return Err(corrupt("four components, not four planes"));
    };
    Ok(RgbImage::from_fn(width, height, |x, y| {
        let at = |plane: &Plane| plane.at(x as usize, y as usize);
        let stored = [at(first), at(second), at(third)];
        // Adobe stores ink inverted: 255 is no ink. As YCbCr it is inverted once more.
        let colours = if ycck { ycbcr_to_rgb(stored).map(|colour| 255 - colour) } else { stored };
        Rgb(colours.map(|colour| multiplied(colour, at(black))))
    })
    .into())
}

fn planes<'a>(raw: &'a RawImage, sampling: &[(usize, usize)]) -> Vec<Plane<'a>> {
    let most = |of: fn(&(usize, usize)) -> usize| sampling.iter().map(of).max().unwrap_or(1).max(1);
    let (across, down) = (most(|(h, _)| *h), most(|(_, v)| *v));
    let planes = raw.planes.iter().zip(&raw.plane_widths).zip(sampling);
    planes
        .map(|((samples, width), (h, v))| Plane {
            samples,
            width: *width,
            horizontal: (*h, across),
            vertical: (*v, down),
        })
        .collect()
}

/// ITU-T T.871, 7: full range, chroma centred on 128.
fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = [f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0];
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(to_u8)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn to_u8(value: f32) -> u8 {
    value.round() as u8
}

/// `a · b / 255`, rounded.
fn multiplied(a: u8, b: u8) -> u8 {
    u8::try_from((u32::from(a) * u32::from(b) + 127) / 255).unwrap_or(u8::MAX)
}
