//! JPEG, decoded and encoded: the one module that knows which codecs do it.
//!
//! `libjpeg-turbo-rs`, bit for bit as the C library. What is cut off is corrupt for it, where the decoder of `image`
//! fills in grey, or, when it is strict, misses some of it. And the encoder of `image` writes 4:4:4, a quarter larger;
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

use coffeeshop_core::outcome::Reason;
use libjpeg_turbo_rs::ColorSpace;

pub(super) use rgb::rgb;

use super::inspect::Header;
use super::picture::Picture;
use super::{Buffers, Rejection};

/// The most scans of a progressive file. Real ones have about ten; each costs a pass over the whole picture.
const SCANS_MAX: usize = 500;

pub(super) fn header(bytes: &[u8]) -> Result<Header, Rejection> {
    turbo::header(bytes)
}

/// Decodes to planes where there are three of brightness and colour, shrunk; to pixels, whole, what is of any other kind.
pub(super) fn decode(bytes: &[u8], shrink: u32, buffers: &mut Buffers) -> Result<Picture, Rejection> {
    if !segments::ended(bytes) {
        return Err(Rejection::corrupt("the file ends before its picture does"));
    }
    let decoder = turbo::decoder(bytes)?;
    if !turbo::known_right(&decoder) {
        let detail = format!("a kind of JPEG that is not decoded: {:?}", decoder.header());
        let detected = Some("image/jpeg".to_owned());
        return Err(Rejection { detected, ..Rejection::of(Reason::UnsupportedFormat, detail) });
    }
    match decoder.jpeg_color_space() {
        ColorSpace::YCbCr => {
            let planes = match baseline::markers(bytes)? {
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
