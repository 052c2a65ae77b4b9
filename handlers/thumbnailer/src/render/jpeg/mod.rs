//! JPEG, decoded and encoded: the one module that knows which codecs do it.
//!
//! `libjpeg-turbo-rs`, bit for bit as the C library. What is cut off is corrupt for it, where the decoder of `image`
//! fills in grey, or, when it is strict, misses some of it; that scans are missing, it does not say, and is seen here, but
//! for those that only refine. And the encoder of `image` writes 4:4:4, a quarter larger;
//! that of `jpeg-encoder`, with optimised tables, a scan for each component, which some decoders get wrong.

mod baseline;
mod cmyk;
mod encode;
mod means;
mod rgb;
mod segments;
#[cfg(test)]
mod tests;
mod turbo;

use coffeeshop_core::SOURCE_PIXELS_MAX;
use coffeeshop_core::outcome::Reason;
use libjpeg_turbo_rs::ColorSpace;

pub(super) use rgb::rgb;

use super::inspect::Header;
use super::picture::Picture;
use super::{Buffers, Rejection};

/// Samples across and down a block.
const BLOCK: usize = 8;

/// The most scans of a progressive file. Real ones have about ten; each costs a pass over the whole picture.
const SCANS_MAX: usize = 500;

/// The most pixels that all passes together go over: 64 scans of the largest picture.
const SCANNED_PIXELS_MAX: u64 = 64 * SOURCE_PIXELS_MAX;

pub(super) fn header(bytes: &[u8]) -> Result<Header, Rejection> {
    turbo::header(bytes)
}

/// Decodes to planes where there are three of brightness and colour, shrunk; to pixels, whole, what is of any other kind.
pub(super) fn decode(bytes: &[u8], shrink: u32, buffers: &mut Buffers) -> Result<Picture, Rejection> {
    let scans = segments::scans(bytes).ok_or_else(|| corrupt("the file ends before its picture does"))?;
    let decoder = turbo::decoder(bytes)?;
    let frame = decoder.header();
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    if scans.len() as u64 * pixels > SCANNED_PIXELS_MAX {
        return Err(corrupt(format!("{} scans of {pixels} pixels", scans.len())));
    }
    if !turbo::known_right(&decoder, &scans) {
        let detail = format!("a kind of JPEG that is not decoded: {:?}", decoder.header());
        let detected = Some("image/jpeg".to_owned());
        return Err(Rejection { detected, ..Rejection::of(Reason::UnsupportedFormat, detail) });
    }
    let missing = |id: u8| !scans.iter().any(|scan| scan.is_first && scan.components.contains(&id));
    if decoder.header().components.iter().map(|component| component.id).any(missing) {
        return Err(corrupt("the file ends before the scan of a component"));
    }
    match decoder.jpeg_color_space() {
        ColorSpace::YCbCr => {
            // Several scans are not for it, and reading the markers again to hear that takes its time.
            let markers = if scans.len() == 1 { baseline::markers(bytes)? } else { None };
            let planes = match markers {
                Some(markers) => baseline::decode(bytes, &markers, shrink, buffers),
                None => turbo::planes(decoder, shrink, buffers),
            };
            planes.map(Picture::Planes)
        }
        _ if decoder.header().components.len() == 4 => cmyk::decode(decoder).map(Picture::Pixels),
        _ => turbo::pixels(decoder).map(Picture::Pixels),
    }
}

/// Encodes a grey or RGB picture or planes of 4:2:0: baseline in one scan, 4:2:0, optimised Huffman tables, no metadata.
pub(super) fn encode(picture: &Picture) -> Vec<u8> {
    match picture {
        Picture::Planes(planes) => encode::planes(planes),
        Picture::Pixels(pixels) => encode::pixels(pixels),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands as the argument of `map_err`")]
fn corrupt(error: impl ToString) -> Rejection {
    Rejection::corrupt(error.to_string())
}
