//! Which size each rendition gets, and which part of the picture it shows.
//!
//! All in pixels of the upright picture. Nothing is ever enlarged.

use coffeeshop_core::ids::RenditionName;
use coffeeshop_core::renditions::{RenditionSpec, RenditionSpecs, Size};

/// How much larger than a rendition a JPEG is decoded at least, if it is: resized from so much more, no pixel of the
/// rendition shows that the decoder took means of blocks. Larger costs time, smaller sharpness.
pub(super) const DECODE_MARGIN: f64 = 1.5;

/// The most samples of a JPEG, across and down, of which a mean is taken.
pub(super) const SHRINK_MAX: u32 = 8;

/// A rendition to make: what it shows, and how large that becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What it is called.
    pub name: RenditionName,
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// The shape that it was asked to fill; `None`: it shows the whole picture.
    pub cover: Option<(u32, u32)>,
}

/// The part of a picture that is shown, in pixels from its upper left corner; edges may lie inside a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    /// From the left edge.
    pub left: f64,
    /// From the upper edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// The renditions of a picture of `width` by `height` pixels, in the order of the configuration.
pub fn targets(specs: &RenditionSpecs, width: u32, height: u32) -> Vec<Target> {
    specs.iter().map(|spec| target(spec, width, height)).collect()
}

fn target(RenditionSpec { name, size }: &RenditionSpec, width: u32, height: u32) -> Target {
    let name = name.clone();
    match *size {
        Size::Fit { side } => {
            let longer = width.max(height);
            let scale = (f64::from(side) / f64::from(longer)).min(1.0);
            let [width, height] = [width, height].map(|length| pixels(f64::from(length) * scale));
            Target { name, width, height, cover: None }
        }
        Size::Cover { width: w, height: h } => {
            let crop = Crop::centre(width, height, (w, h));
            let width = w.min(pixels(crop.width));
            let height = h.min(pixels(crop.height));
            Target { name, width, height, cover: Some((w, h)) }
        }
    }
}

/// By how much a picture of `width` by `height` pixels may be shrunk while it is decoded, so that all `targets` can still
/// be made of it with [`DECODE_MARGIN`]: 1 to [`SHRINK_MAX`] times.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
pub(super) fn shrink(targets: &[Target], width: u32, height: u32) -> u32 {
    let room = |target: &Target| {
        let crop = target.crop(width, height);
        (crop.width / f64::from(target.width)).min(crop.height / f64::from(target.height))
    };
    let room = targets.iter().map(room).fold(f64::INFINITY, f64::min) / DECODE_MARGIN;
    (room as u32).clamp(1, SHRINK_MAX)
}

/// The nearest whole number of pixels, at least 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn pixels(length: f64) -> u32 {
    length.round().max(1.0) as u32
}

impl Crop {
    /// The whole of a picture.
    pub fn whole(width: u32, height: u32) -> Self {
        Self { left: 0.0, top: 0.0, width: width.into(), height: height.into() }
    }

    /// The largest part in the middle of a picture that has the shape `w` to `h`.
    pub fn centre(width: u32, height: u32, (w, h): (u32, u32)) -> Self {
        let [width, height, w, h] = [width, height, w, h].map(f64::from);
        let scale = (width / w).min(height / h);
        let [w, h] = [w * scale, h * scale];
        Self { left: (width - w) / 2.0, top: (height - h) / 2.0, width: w, height: h }
    }

    /// The same part of the picture lying on its side. A centred part stays where it is when mirrored.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { left: self.top, top: self.left, width: self.height, height: self.width }
    }
}

impl Target {
    /// The part that this rendition shows of a picture of `width` by `height` pixels.
    pub fn crop(&self, width: u32, height: u32) -> Crop {
        match self.cover {
            Some(shape) => Crop::centre(width, height, shape),
            None => Crop::whole(width, height),
        }
    }

    /// Whether a whole picture of `width` by `height` pixels has every pixel that this rendition needs.
    pub fn covered_by(&self, width: u32, height: u32) -> bool {
        let crop = self.crop(width, height);
        crop.width.round() >= f64::from(self.width) && crop.height.round() >= f64::from(self.height)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: &str = "thumb=160x160:cover,card=480:fit,full=1080:fit";

    #[track_caller]
    fn check(specs: &str, (width, height): (u32, u32), expected: &[(u32, u32)]) {
        let targets = targets(&specs.parse().unwrap(), width, height);
        let sizes: Vec<_> = targets.iter().map(|target| (target.width, target.height)).collect();
        assert_eq!(sizes, expected, "{specs} of {width}x{height}");
    }

    #[test]
    fn sizes() {
        check(DEFAULT, (4032, 3024), &[(160, 160), (480, 360), (1080, 810)]);
        check(DEFAULT, (3024, 4032), &[(160, 160), (360, 480), (810, 1080)]);
        check(DEFAULT, (4000, 500), &[(160, 160), (480, 60), (1080, 135)]);
        check(DEFAULT, (100, 80), &[(80, 80), (100, 80), (100, 80)]);
        check(DEFAULT, (1, 1), &[(1, 1), (1, 1), (1, 1)]);
        check(DEFAULT, (1, 65_535), &[(1, 1), (1, 480), (1, 1080)]);
        check("wide=300x100:cover", (200, 200), &[(200, 67)]);
        check("wide=300x100:cover", (900, 900), &[(300, 100)]);
        check("tall=1x4096:cover", (50, 50), &[(1, 50)]);
        check("round=480:fit", (4288, 2848), &[(480, 319)]);
    }

    #[test]
    fn a_crop_is_in_the_middle() {
        let middle = Crop { left: 1750.0, top: 0.0, width: 500.0, height: 500.0 };
        assert_eq!(Crop::centre(4000, 500, (160, 160)), middle);
        assert_eq!(Crop::centre(500, 4000, (160, 160)), middle.turned());
        assert_eq!(Crop::centre(300, 100, (3, 1)), Crop::whole(300, 100));
    }

    #[test]
    fn a_picture_is_shrunk_as_far_as_the_margin_allows() {
        #[track_caller]
        fn check((width, height): (u32, u32), expected: u32) {
            assert_eq!(shrink(&targets(&DEFAULT.parse().unwrap(), width, height), width, height), expected);
        }
        check((1, 1), 1);
        check((3236, 2427), 1);
        check((3240, 2430), 2);
        check((3000, 4000), 2);
        check((4856, 3642), 2);
        check((6000, 4000), 3);
        check((6480, 4860), 4);
        check((12_960, 9720), 8);
        check((60_000, 45_000), 8);
        // 504 rows are little more than three times the thumb's 160.
        check((12_960, 504), 2);
        check((12_960, 400), 1);
    }

    #[test]
    fn a_panorama_has_no_thumb_in_its_smaller_pictures() {
        let [thumb, card, full] = targets(&DEFAULT.parse().unwrap(), 4000, 500).try_into().unwrap();
        assert!(!thumb.covered_by(full.width, full.height), "135 rows are no 160");
        assert!(thumb.covered_by(4000, 500));
        assert!(card.covered_by(full.width, full.height));
    }

    proptest! {
        #[test]
        fn nothing_is_enlarged_and_nothing_exceeds_its_bound(width in 1_u32..70_000, height in 1_u32..70_000) {
            for target in targets(&DEFAULT.parse().unwrap(), width, height) {
                prop_assert!(target.width >= 1 && target.height >= 1);
                prop_assert!(target.width <= width && target.height <= height, "{target:?}");
                let bound = match target.name.as_str() { "thumb" => 160, "card" => 480, _ => 1080 };
                prop_assert!(target.width <= bound && target.height <= bound, "{target:?}");
                prop_assert!(target.covered_by(width, height), "{target:?}");
                let crop = target.crop(width, height);
                prop_assert!(crop.left >= 0.0 && crop.left + crop.width <= f64::from(width) + 1e-6);
                prop_assert!(crop.top >= 0.0 && crop.top + crop.height <= f64::from(height) + 1e-6);
            }
        }

        #[test]
        fn a_fit_keeps_the_shape(width in 1_u32..10_000, height in 1_u32..10_000, side in 1_u32..2000) {
            let [target] = targets(&format!("x={side}:fit").parse().unwrap(), width, height).try_into().unwrap();
            let wanted = f64::from(target.width.max(target.height)) / f64::from(width.max(height));
            let exact = [f64::from(width) * wanted, f64::from(height) * wanted];
            prop_assert!((exact[0].max(1.0) - f64::from(target.width)).abs() <= 0.5 + 1e-9);
            prop_assert!((exact[1].max(1.0) - f64::from(target.height)).abs() <= 0.5 + 1e-9);
        }
    }
}
