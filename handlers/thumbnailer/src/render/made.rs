//! The pictures of all renditions, each made from the smallest picture that has its pixels, in sRGB and upright.
//!
//! Nothing is decoded or encoded here.

use super::Buffers;
use super::colour::{Profile, to_srgb};
use super::inspect::Header;
use super::orient::{Turn, orient};
use super::picture::Picture;
use super::plan::Target;
use super::resize::resize;
use super::stages::Stages;

/// One picture a target, in the order of the targets.
pub(super) struct Pictures {
    pub(super) pictures: Vec<Picture>,
    pub(super) profile: Profile,
}

/// Resizes the largest first, so that the others can be made from it.
///
/// Whatever is made from the source is converted to sRGB and turned upright while it is small; what is made from
/// that already is both.
pub(super) fn pictures(
    source: &Picture,
    header: &Header,
    targets: &[Target],
    stages: &mut Stages,
    buffers: &mut Buffers,
) -> Pictures {
    let mut profile = Profile::None;
    let mut order: Vec<usize> = (0..targets.len()).collect();
    let area = |target: &Target| u64::from(target.width) * u64::from(target.height);
    order.sort_by_key(|&i| std::cmp::Reverse(targets.get(i).map(|target| (area(target), target.cover.is_none()))));

    let resizer = &mut buffers.resizer;
    let mut made: Vec<(usize, Picture)> = Vec::with_capacity(targets.len());
    for i in order {
        let Some(target) = targets.get(i) else { continue };
        let whole = made.iter().filter(|(of, _)| targets.get(*of).is_some_and(|target| target.cover.is_none()));
        let smallest = whole
            .filter(|(_, picture)| target.covered_by(picture.width(), picture.height()))
            .min_by_key(|(_, picture)| u64::from(picture.width()) * u64::from(picture.height()));
        let picture = if let Some((_, larger)) = smallest {
            stages.time("resize", || resize(larger, target, Turn::NONE, resizer))
        } else {
            let turn = Turn::of(header.orientation);
            let picture = stages.time("resize", || resize(source, target, turn, resizer));
            let (picture, what) = stages.time("colour", || to_srgb(picture, header.icc.as_deref(), resizer));
            profile = what;
            stages.time("orient", || orient(picture, header.orientation))
        };
        made.push((i, picture));
    }
    made.sort_by_key(|(i, _)| *i);
    Pictures { pictures: made.into_iter().map(|(_, picture)| picture).collect(), profile }
}
