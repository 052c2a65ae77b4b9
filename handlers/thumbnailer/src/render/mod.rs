//! A photo becomes renditions: `inspect -> plan -> decode -> resize -> orient -> encode`, a file a step.
//!
//! Bytes in, bytes out: no I/O, no clock, no knowledge of where photos come from. What is wrong with the input is a
//! [`Rejection`]; nothing else can go wrong.

mod colour;
mod decode;
mod inspect;
mod jpeg;
mod made;
mod orient;
mod picture;
mod plan;
mod resize;
mod stages;
mod thumbhash;
mod webp;

use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};

use bytes::Bytes;
use coffeeshop_core::ids::RenditionName;
use coffeeshop_core::outcome::{Format, Reason};
use coffeeshop_core::renditions::RenditionSpecs;
use fast_image_resize::Resizer;

pub use colour::Profile;
pub use inspect::{Header, inspect};
use made::Pictures;
use picture::Picture;
pub use plan::{Crop, Target, targets};
pub use stages::Stages;

/// The version of this code: a part of every edition, so raise it when the same photo would look different.
pub const PIPELINE: &str = "photo/2";

/// The quality of every rendition, on libjpeg's scale.
pub const JPEG_QUALITY: u8 = 80;

/// Why a photo cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason:?}: {detail}")]
pub struct Rejection {
    /// For the app.
    pub reason: Reason,
    /// What the bytes are, as a media type, when that is the reason.
    pub detected: Option<String>,
    /// What the bytes are, when they are a format that is decoded.
    pub format: Option<Format>,
    /// Upright width and height in pixels, as far as the header could be read.
    pub size: Option<(u32, u32)>,
    /// For the log.
    pub detail: String,
}

impl Rejection {
    pub(crate) fn of(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detected: None, format: None, size: None, detail: detail.into() }
    }

    fn corrupt(detail: impl Into<String>) -> Self {
        Self::of(Reason::Corrupt, detail)
    }
}

/// What a photo became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// In the order of the configuration.
    pub renditions: Vec<RenderedFile>,
    /// `ThumbHash` of the smallest rendition, base64.
    pub thumbhash: String,
    /// What became of an embedded ICC profile.
    pub profile: Profile,
}

/// One rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// What it is called.
    pub name: RenditionName,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file: JPEG in sRGB, upright, with no metadata.
    pub jpeg: Bytes,
}

/// Memory for work, to be used for one photo after another. What is in it means nothing.
#[derive(Debug, Default)]
pub struct Buffers {
    resizer: Resizer,
    /// Of samples, a row of blocks each.
    bands: Vec<Vec<u8>>,
    /// Of samples that a mean is taken of, a row each.
    sums: Vec<Vec<u16>>,
}

/// Makes all renditions of a photo whose header is known and within the limits, and adds how long each stage took.
pub fn render(
    bytes: &[u8],
    header: &Header,
    specs: &RenditionSpecs,
    buffers: &mut Buffers,
    stages: &mut Stages,
) -> Result<Rendered, Rejection> {
    let (width, height) = header.upright();
    let targets = plan::targets(specs, width, height);
    let shrink = plan::shrink(&targets, width, height);
    let known = |rejection| header.known(rejection);
    // Buffers in which a decoder panicked mean as little as others.
    let decode = AssertUnwindSafe(|| decode::decode(bytes, header, shrink, buffers));
    let source = stages.time("decode", || unpanicked(decode)).map_err(known)?;
    let Pictures { pictures, profile } = made::pictures(&source, header, &targets, stages, buffers);
    drop(source);
    let encode = |(target, picture): (&Target, &Picture)| RenderedFile {
        name: target.name.clone(),
        width: picture.width(),
        height: picture.height(),
        jpeg: jpeg::encode(picture).into(),
    };
    let renditions = stages.time("encode", || targets.iter().zip(&pictures).map(encode).collect());
    let smallest = pictures.iter().min_by_key(|picture| picture.width() * picture.height());
    let placeholder = |picture| thumbhash::base64(picture, &mut buffers.resizer);
    let thumbhash = stages.time("thumbhash", || smallest.map(placeholder).unwrap_or_default());
    Ok(Rendered { renditions, thumbhash, profile })
}

/// Runs a decoder, whose panic on hostile bytes means that they are corrupt.
fn unpanicked<T>(decode: impl FnOnce() -> Result<T, Rejection> + UnwindSafe) -> Result<T, Rejection> {
    catch_unwind(decode).unwrap_or_else(|_| Err(Rejection::corrupt("the decoder panicked")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_corrupt() {
        let rejection = unpanicked(|| -> Result<(), Rejection> { panic!("as decoders do on hostile input") });
        assert_eq!(rejection.unwrap_err().reason, Reason::Corrupt);
    }
}
