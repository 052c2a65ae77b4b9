//! The pictures of all renditions, each made from the smallest picture that has its pixels, in sRGB and upright.
//!
//! Nothing is decoded or encoded here.

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, GrayImage, RgbImage};

use super::colour::{Profile, to_srgb};
use super::inspect::Header;
use super::plan::{Crop, Target};
use super::stages::Stages;

/// One picture a target, in the order of the targets.
pub(super) struct Pictures {
    pub(super) pictures: Vec<DynamicImage>,
    pub(super) profile: Profile,
}

/// Resizes the largest first, so that the others can be made from it.
///
/// Whatever is made from the source is converted to sRGB and turned upright while it is small; what is made from
/// that already is both.
pub(super) fn pictures(source: &DynamicImage, header: &Header, targets: &[Target], stages: &mut Stages) -> Pictures {
    let mut profile = Profile::None;
    let mut order: Vec<usize> = (0..targets.len()).collect();
    let area = |target: &Target| u64::from(target.width) * u64::from(target.height);
    order.sort_by_key(|&i| std::cmp::Reverse(targets.get(i).map(|target| (area(target), target.cover.is_none()))));

    let mut made: Vec<(usize, DynamicImage)> = Vec::with_capacity(targets.len());
    for i in order {
        let Some(target) = targets.get(i) else { continue };
        let whole = made.iter().filter(|(of, _)| targets.get(*of).is_some_and(|target| target.cover.is_none()));
        let smallest = whole
            .filter(|(_, picture)| target.covered_by(picture.width(), picture.height()))
            .min_by_key(|(_, picture)| u64::from(picture.width()) * u64::from(picture.height()));
        let picture = if let Some((_, larger)) = smallest {
            stages.time("resize", || resize(larger, target, false))
        } else {
            let resized = stages.time("resize", || resize(source, target, header.turned()));
            let mut upright = stages.time("colour", || {
                let (picture, what) = to_srgb(resized, header.icc.as_deref());
                profile = what;
                picture
            });
            upright.apply_orientation(header.orientation);
            upright
        };
        made.push((i, picture));
    }
    made.sort_by_key(|(i, _)| *i);
    Pictures { pictures: made.into_iter().map(|(_, picture)| picture).collect(), profile }
}

/// Lanczos3 to the size of `target`; of a `turned` picture, to that size on its side.
fn resize(from: &DynamicImage, target: &Target, turned: bool) -> DynamicImage {
    let (from_width, from_height) = (from.width(), from.height());
    let (crop, width, height) = if turned {
        (target.crop(from_height, from_width).turned(), target.height, target.width)
    } else {
        (target.crop(from_width, from_height), target.width, target.height)
    };
    if (width, height) == (from_width, from_height) && crop == Crop::whole(width, height) {
        return from.clone();
    }
    let mut to = match from {
        DynamicImage::ImageLuma8(_) => DynamicImage::from(GrayImage::new(width, height)),
        _ => DynamicImage::from(RgbImage::new(width, height)),
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).crop(
        crop.left,
        crop.top,
        crop.width,
        crop.height,
    );
    #[expect(clippy::expect_used, reason = "both are grey or both are RGB, and the crop lies inside: a bug otherwise")]
    Resizer::new().resize(from, &mut to, &options).expect("like resized to like");
    to
}
