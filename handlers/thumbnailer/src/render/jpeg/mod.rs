//! JPEG, decoded and encoded: the one module that knows which codecs do it.
//!
//! `libjpeg-turbo-rs`, bit for bit as the C library. What is cut off is corrupt for it, where the decoder of `image`
//! fills in grey, or, when it is strict, misses some of it. And the encoder of `image` writes 4:4:4, a quarter larger;
//! that of `jpeg-encoder`, with optimised tables, a scan for each component, which some decoders get wrong.

mod cmyk;
mod segments;
mod turbo;

use coffeeshop_core::outcome::Reason;
use image::DynamicImage;
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::Rejection;
use super::inspect::Header;

/// The most scans of a progressive file. Real ones have about ten; each costs a pass over the whole picture.
const SCANS_MAX: usize = 500;

pub(super) fn header(bytes: &[u8]) -> Result<Header, Rejection> {
    turbo::header(bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<DynamicImage, Rejection> {
    if !segments::ended(bytes) {
        return Err(Rejection::corrupt("the file ends before its picture does"));
    }
    let decoder = turbo::decoder(bytes)?;
    if !turbo::known_right(&decoder) {
        let detail = format!("a kind of JPEG that is not decoded: {:?}", decoder.header());
        let detected = Some("image/jpeg".to_owned());
        return Err(Rejection { detected, ..Rejection::of(Reason::UnsupportedFormat, detail) });
    }
    if decoder.header().components.len() == 4 { cmyk::decode(decoder) } else { turbo::decode(decoder) }
}

/// Encodes a grey or RGB picture: baseline in one scan, 4:2:0, optimised Huffman tables, no metadata.
pub(super) fn encode(picture: &DynamicImage, quality: u8) -> Vec<u8> {
    let format = match picture {
        DynamicImage::ImageLuma8(_) => PixelFormat::Grayscale,
        _ => PixelFormat::Rgb,
    };
    let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
    let encoder = Encoder::new(picture.as_bytes(), width, height, format)
        .quality(quality)
        .subsampling(Subsampling::S420)
        .optimize_huffman(true);
    #[expect(clippy::expect_used, reason = "sides are 1 to 4096 and the buffer is a picture's own: a bug otherwise")]
    encoder.encode().expect("encoded to memory")
}

#[expect(clippy::needless_pass_by_value, reason = "it stands as the argument of `map_err`")]
fn corrupt(error: impl ToString) -> Rejection {
    Rejection::corrupt(error.to_string())
}
