//! Headers of all JPEG, the pixels of grey and RGB, and the planes of brightness and colour in several scans, or without
//! Huffman tables of their own, by `libjpeg-turbo-rs`.
//!
//! It is young: it is given only what it is known to decode right, and a panic in it is caught further out.

use std::collections::BTreeSet;

use coffeeshop_core::SOURCE_PIXELS_MAX;
use coffeeshop_core::outcome::Format;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, PixelFormat};

use super::means::growing;
use super::segments::Scan;
use super::{SCANS_MAX, corrupt};
use crate::render::inspect::Header;
use crate::render::picture::Planes;
use crate::render::{Buffers, Rejection};

/// What a picture may take while it is decoded, in bytes, as the library estimates it before it begins. In several scans
/// the coefficients are held for the whole picture, 2 bytes a sample, however far it is shrunk: 100 megapixels of four
/// components, the most that there is within the limit of pixels, are estimated at 1.5 GB. So nothing is refused for it
/// today; it holds when that limit is raised, or the library needs more.
const DECODE_BYTES_MAX: u64 = 3 << 29;

pub(super) fn header(bytes: &[u8]) -> Result<Header, Rejection> {
    let decoder = decoder(bytes)?;
    let frame = decoder.header();
    Ok(Header {
        format: Format::Jpeg,
        stored: (frame.width.into(), frame.height.into()),
        orientation: decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms),
        icc: decoder.icc_profile().map_err(corrupt)?,
    })
}

/// Reads the markers; no pixel is decoded yet.
pub(super) fn decoder(bytes: &[u8]) -> Result<Decoder<'_>, Rejection> {
    let limits = DecodeLimits {
        max_width: usize::from(u16::MAX),
        max_height: usize::from(u16::MAX),
        max_pixels: SOURCE_PIXELS_MAX,
        max_scans: SCANS_MAX,
        max_memory: Some(DECODE_BYTES_MAX),
    };
    Decoder::new_with_limits(bytes, limits).map_err(corrupt)
}

/// Of brightness and colour, decoded whole and shrunk then.
pub(super) fn planes(decoder: Decoder<'_>, shrink: u32, buffers: &mut Buffers) -> Result<Planes, Rejection> {
    let growing = growing(decoder.header(), shrink, buffers)?;
    let (width, height) = (decoder.header().width.into(), decoder.header().height.into());
    let raw = decoder.decode_raw().map_err(corrupt)?;
    let mut rows = raw.planes.into_iter().zip(raw.plane_widths);
    let components = growing.map(|mut plane| {
        let (samples, row_samples) = rows.next().unwrap_or_default();
        plane.append(&samples, row_samples);
        plane.finish(buffers)
    });
    Ok(Planes { width, height, components })
}

/// Of grey or RGB.
pub(super) fn pixels(mut decoder: Decoder<'_>) -> Result<DynamicImage, Rejection> {
    let frame = decoder.header();
    let grey = frame.components.len() == 1;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    let mut pixels = vec![0; frame.width() * frame.height() * frame.components.len()];
    let format = if grey { PixelFormat::Grayscale } else { PixelFormat::Rgb };
    decoder.set_output_format(format);
    decoder.decode_image_into(&mut pixels).map_err(corrupt)?;
    let picture = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    picture.ok_or_else(|| corrupt("fewer pixels than the header says"))
}

/// Whether a picture is of a kind in which this decoder was compared with the C library: 8 bits, lossy, Huffman-coded,
/// grey or three components of which the first is sampled a whole multiple of the others, and those alike. Or four,
/// of which only the planes are asked for. In a sequential file each scan has one component or all.
pub(super) fn known_right(decoder: &Decoder<'_>, scans: &[Scan]) -> bool {
    let frame = decoder.header();
    if frame.precision != 8 || frame.is_lossless || decoder.is_arithmetic() || frame.width == 0 || frame.height == 0 {
        return false;
    }
    let some_of_them = |scan: &Scan| scan.components.len() > 1 && scan.components.len() < frame.components.len();
    if !frame.is_progressive && scans.iter().any(some_of_them) {
        return false;
    }
    // It finds components by these.
    let ids: BTreeSet<u8> = frame.components.iter().map(|component| component.id).collect();
    if ids.len() < frame.components.len() {
        return false;
    }
    let sampling: Vec<(u8, u8)> =
        frame.components.iter().map(|component| (component.horizontal_sampling, component.vertical_sampling)).collect();
    match sampling.as_slice() {
        [_] | [_, _, _, _] => true,
        [luma, blue, red] => {
            let multiple = |luma: u8, blue: u8| luma > 0 && blue > 0 && luma.is_multiple_of(blue);
            blue == red && multiple(luma.0, blue.0) && multiple(luma.1, blue.1)
        }
        _ => false,
    }
}
