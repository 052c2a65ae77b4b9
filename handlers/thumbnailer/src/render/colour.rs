//! Embedded ICC profiles: what is not sRGB becomes sRGB.
//!
//! A profile that cannot be used is ignored, not an error: the pixels are then shown as if they were sRGB, as most
//! viewers do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fast_image_resize::Resizer;
use image::{DynamicImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

use super::jpeg;
use super::picture::Picture;

/// What became of an embedded profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Profile {
    /// There was none.
    None,
    /// There was one, and it changes nothing.
    Srgb,
    /// Its colours were converted.
    Converted,
    /// It could not be used, for this reason.
    Ignored(String),
}

/// Converts a picture from its embedded profile to sRGB. Planes become pixels if a colour changes, and stay otherwise.
pub(super) fn to_srgb(picture: Picture, icc: Option<&[u8]>, resizer: &mut Resizer) -> (Picture, Profile) {
    let Some(icc) = icc else { return (picture, Profile::None) };
    let converted = catch_unwind(AssertUnwindSafe(|| convert(&picture, icc, resizer)));
    match converted.unwrap_or_else(|_| Err("panicked".to_owned())) {
        Ok(Some(converted)) => (Picture::Pixels(converted.into()), Profile::Converted),
        Ok(None) => (picture, Profile::Srgb),
        Err(why) => (picture, Profile::Ignored(why)),
    }
}

fn convert(picture: &Picture, icc: &[u8], resizer: &mut Resizer) -> Result<Option<RgbImage>, String> {
    let profile = ColorProfile::new_from_slice(icc).map_err(|error| format!("cannot be read: {error}"))?;
    let (space, layout) = match picture {
        Picture::Pixels(DynamicImage::ImageLuma8(_)) => (DataColorSpace::Gray, Layout::Gray),
        _ => (DataColorSpace::Rgb, Layout::Rgb),
    };
    if profile.color_space != space {
        return Err(format!("is of {:?}, the pixels are {space:?}", profile.color_space));
    }
    let transform = profile
        .create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, TransformOptions::default())
        .map_err(|error| format!("cannot be applied: {error}"))?;
    let failed = |error| format!("cannot be applied: {error}");
    if changes_nothing(transform.as_ref(), layout).map_err(failed)? {
        return Ok(None);
    }
    let rgb;
    let source = match picture {
        Picture::Pixels(pixels) => pixels.as_bytes(),
        Picture::Planes(planes) => {
            rgb = jpeg::rgb(planes, resizer);
            rgb.as_raw()
        }
    };
    let mut converted = RgbImage::new(picture.width(), picture.height());
    transform.transform(source, &mut converted).map_err(failed)?;
    Ok(Some(converted))
}

/// Whether no colour moves by more than one step of 255: then the profile is sRGB by whatever name.
fn changes_nothing(transform: &Transform8BitExecutor, layout: Layout) -> Result<bool, moxcms::CmsError> {
    let steps = [0, 16, 51, 102, 128, 153, 204, 230, 255_u8];
    let mut colours = Vec::new();
    for r in steps {
        for g in steps {
            for b in steps {
                colours.extend(if matches!(layout, Layout::Gray) { [r, r, r] } else { [r, g, b] });
            }
        }
    }
    let source: Vec<u8> =
        if matches!(layout, Layout::Gray) { colours.iter().copied().step_by(3).collect() } else { colours.clone() };
    let mut converted = vec![0; colours.len()];
    transform.transform(&source, &mut converted)?;
    Ok(colours.iter().zip(&converted).all(|(a, b)| a.abs_diff(*b) <= 1))
}
