//! A part of a picture in another size, by Lanczos3.
//!
//! Planes are resized each from its own size: colour is never brought to the size of brightness and back.

use std::borrow::Cow;
use std::iter::repeat_n;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, GrayImage, RgbImage};

use super::orient::Turn;
use super::picture::{Picture, Plane, Planes};
use super::plan::{Crop, Target};

const LANCZOS3: ResizeAlg = ResizeAlg::Convolution(FilterType::Lanczos3);

/// Means, as JPEG encoders make them of colour: for pictures that keep their size. On those, Lanczos3 loses to it.
const MEANS: ResizeAlg = ResizeAlg::Convolution(FilterType::Box);

/// How many pixels a sample of colour shows in a rendition, across and down: 4:2:0.
const CHROMA_STEP: u32 = 2;

/// What `target` shows of a picture that is still to be turned by `turn`, at its size.
pub(super) fn resize(from: &Picture, target: &Target, turn: Turn, resizer: &mut Resizer) -> Picture {
    let (width, height) = (from.width(), from.height());
    let (crop, to) = if turn.transpose {
        (target.crop(height, width).turned(), (target.height, target.width))
    } else {
        (target.crop(width, height), (target.width, target.height))
    };
    part(from, crop, to, turn, resizer)
}

/// The whole picture, upright already, in this size.
pub(super) fn resize_whole(from: &Picture, to: (u32, u32), resizer: &mut Resizer) -> Picture {
    part(from, Crop::whole(from.width(), from.height()), to, Turn::NONE, resizer)
}

fn part(from: &Picture, crop: Crop, to: (u32, u32), turn: Turn, resizer: &mut Resizer) -> Picture {
    match from {
        Picture::Planes(planes) => Picture::Planes(resize_planes(planes, crop, to, turn, resizer)),
        Picture::Pixels(pixels) => Picture::Pixels(resize_pixels(pixels, crop, to, resizer)),
    }
}

fn resize_pixels(from: &DynamicImage, crop: Crop, to: (u32, u32), resizer: &mut Resizer) -> DynamicImage {
    let size = (from.width(), from.height());
    if to == size && crop == Crop::whole(to.0, to.1) {
        return from.clone();
    }
    let picture = if let DynamicImage::ImageLuma8(grey) = from {
        let samples = resized::<U8>(grey, size, crop, to, LANCZOS3, resizer);
        GrayImage::from_raw(to.0, to.1, samples).map(DynamicImage::from)
    } else {
        let samples = resized::<U8x3>(from.as_bytes(), size, crop, to, LANCZOS3, resizer);
        RgbImage::from_raw(to.0, to.1, samples).map(DynamicImage::from)
    };
    #[expect(clippy::expect_used, reason = "there are as many samples as its size says: a bug otherwise")]
    picture.expect("a picture")
}

fn resize_planes(from: &Planes, crop: Crop, (width, height): (u32, u32), turn: Turn, resizer: &mut Resizer) -> Planes {
    let same_size = (width, height) == (from.width, from.height) && crop == Crop::whole(width, height);
    let algorithm = if same_size { MEANS } else { LANCZOS3 };
    let [y, cb, cr] = &from.components;
    let components = [(y, 1), (cb, CHROMA_STEP), (cr, CHROMA_STEP)].map(|(plane, step)| {
        let across = Axis { crop: (crop.left, crop.width), pixels: width, step, mirrored: turn.flip_x };
        let down = Axis { crop: (crop.top, crop.height), pixels: height, step, mirrored: turn.flip_y };
        resize_plane(plane, &across, &down, algorithm, resizer)
    });
    Planes { width, height, components }
}

/// One direction of a plane that is to be made.
struct Axis {
    /// Start and length of what it shows, in pixels of the picture that it is made of.
    crop: (f64, f64),
    /// The size of the rendition.
    pixels: u32,
    /// Pixels of the rendition that a sample shows.
    step: u32,
    /// Whether it is mirrored afterwards: then the last sample, which may show more than the rendition does, becomes the
    /// first, which may not.
    mirrored: bool,
}

impl Axis {
    /// How many samples cover the rendition.
    fn samples(&self) -> u32 {
        self.pixels.div_ceil(self.step)
    }

    /// Start and length of what the samples show, in samples of a plane whose samples show `step` pixels each. It may begin
    /// before the plane or end behind it, since a last sample may show more than there is.
    fn span(&self, step: u32) -> (f64, f64) {
        let (start, length) = self.crop;
        let shown = length / f64::from(self.pixels) * f64::from(self.samples() * self.step);
        let start = if self.mirrored { start + length - shown } else { start };
        (start / f64::from(step), shown / f64::from(step))
    }
}

fn resize_plane(from: &Plane, across: &Axis, down: &Axis, algorithm: ResizeAlg, resizer: &mut Resizer) -> Plane {
    let (width, height, step) = (across.samples(), down.samples(), (across.step, down.step));
    let (left, span_width) = across.span(from.step.0);
    let (top, span_height) = down.span(from.step.1);
    let mut span = Crop { left, top, width: span_width, height: span_height };
    let from = continued(from, &mut span);
    if (width, height) == (from.width, from.height) && span == Crop::whole(width, height) {
        return Plane { samples: from.samples.clone(), width, height, step };
    }
    let samples = resized::<U8>(&from.samples, (from.width, from.height), span, (width, height), algorithm, resizer);
    Plane { samples, width, height, step }
}

/// The plane, gone on beyond its edges as it ends there, as far as `span` needs it, which is moved with it.
fn continued<'a>(plane: &'a Plane, span: &mut Crop) -> Cow<'a, Plane> {
    let (left, right) = missing(span.left, span.width, plane.width);
    let (top, bottom) = missing(span.top, span.height, plane.height);
    if [left, right, top, bottom] == [0; 4] {
        return Cow::Borrowed(plane);
    }
    span.left += f64::from(left);
    span.top += f64::from(top);
    let (width, height) = (left + plane.width + right, top + plane.height + bottom);
    let mut samples = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height {
        let row = (y.saturating_sub(top).min(plane.height - 1) * plane.width) as usize;
        let row = plane.samples.get(row..row + plane.width as usize).unwrap_or_default();
        let [first, last] = [row.first(), row.last()].map(|edge| edge.copied().unwrap_or_default());
        let [before, behind] = [(first, left), (last, right)].map(|(edge, times)| repeat_n(edge, times as usize));
        samples.extend(before.chain(row.iter().copied()).chain(behind));
    }
    Cow::Owned(Plane { samples, width, height, step: plane.step })
}

/// How many samples are missing before and behind `samples`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn missing(start: f64, length: f64, samples: u32) -> (u32, u32) {
    // Less than this is rounding: what is shown is all of the plane.
    let whole = |missing: f64| if missing < 1e-6 { 0 } else { missing.ceil() as u32 };
    (whole(-start), whole(start + length - f64::from(samples)))
}

/// A part of some samples in another size. Of a named kind, because otherwise the code for all kinds is in the program.
pub(super) fn resized<P: PixelTrait>(
    from: &[u8],
    (from_width, from_height): (u32, u32),
    span: Crop,
    (width, height): (u32, u32),
    algorithm: ResizeAlg,
    resizer: &mut Resizer,
) -> Vec<u8> {
    let [left, top] = [span.left.max(0.0), span.top.max(0.0)];
    let [span_width, span_height] =
        [span.width.min(f64::from(from_width) - left), span.height.min(f64::from(from_height) - top)];
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, span_width, span_height);
    let mut samples = vec![0; width as usize * height as usize * P::size()];
    let source = TypedImageRef::<P>::from_buffer(from_width, from_height, from);
    let result = TypedImage::<P>::from_buffer(width, height, &mut samples);
    #[expect(clippy::expect_used, reason = "both have the samples that their sizes say: a bug otherwise")]
    let (source, mut result) = (source.expect("samples"), result.expect("samples"));
    #[expect(clippy::expect_used, reason = "the span lies inside: a bug otherwise")]
    resizer.resize_typed(&source, &mut result, &options).expect("like resized to like");
    samples
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]
mod tests {
    use image::Rgb;
    use image::metadata::Orientation;

    use super::super::jpeg;
    use super::super::orient::orient;
    use super::super::plan::targets;
    use super::*;

    /// Colours lie where brightness does: planes of any size, sampling and orientation become what pixels become.
    #[test]
    fn planes_become_what_pixels_become() {
        let mut resizer = Resizer::new();
        for (width, height) in [(33, 47), (64, 48), (97, 31), (120, 121)] {
            // Steep enough that a shift by half a sample of colour is seen.
            let side = |at: u32| u8::try_from(at * 2).unwrap_or(u8::MAX);
            let pixels = RgbImage::from_fn(width, height, |x, y| Rgb([side(x), 128, side(y)]));
            for sampling in [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)] {
                for (side, exif) in [33, 30, 29, 17].into_iter().flat_map(|side| (1..=8).map(move |exif| (side, exif)))
                {
                    let orientation = Orientation::from_exif(exif).unwrap();
                    let turn = Turn::of(orientation);
                    let (across, down) = if turn.transpose { (height, width) } else { (width, height) };
                    let [target] = targets(&format!("x={side}:fit").parse().unwrap(), across, down).try_into().unwrap();
                    let turned = |picture: Picture, resizer: &mut Resizer| {
                        orient(resize(&picture, &target, turn, resizer), orientation)
                    };
                    let from_pixels = turned(Picture::Pixels(pixels.clone().into()), &mut resizer);
                    let from_planes = turned(Picture::Planes(sampled(&pixels, sampling)), &mut resizer);
                    let (Picture::Pixels(expected), Picture::Planes(planes)) = (from_pixels, from_planes) else {
                        panic!("planes stay planes");
                    };
                    let made = jpeg::rgb(&planes, &mut resizer);
                    let expected = expected.into_rgb8();
                    assert_eq!(made.dimensions(), expected.dimensions());
                    let off: u64 = made.iter().zip(expected.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                    let off = off as f64 / made.len() as f64;
                    assert!(off < 2.0, "{width}x{height} {sampling:?} to {side}, {orientation:?}: {off}");
                }
            }
        }
    }

    /// As an encoder that takes means would sample it.
    fn sampled(pixels: &RgbImage, (across, down): (u32, u32)) -> Planes {
        let (width, height) = pixels.dimensions();
        let component = |of: fn([f32; 3]) -> f32, step: (u32, u32)| {
            let size = (width.div_ceil(step.0), height.div_ceil(step.1));
            let sample = |x: u32, y: u32| {
                let places = (0..step.1).flat_map(|j| (0..step.0).map(move |i| (x * step.0 + i, y * step.1 + j)));
                let at =
                    |(x, y): (u32, u32)| of(pixels.get_pixel(x.min(width - 1), y.min(height - 1)).0.map(f32::from));
                places.map(at).sum::<f32>() / (step.0 * step.1) as f32
            };
            let samples = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
            let samples = samples.map(|(x, y)| sample(x, y).round().clamp(0.0, 255.0) as u8).collect();
            Plane { samples, width: size.0, height: size.1, step }
        };
        let components = [
            component(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b, (1, 1)),
            component(|[r, g, b]| -0.168_736 * r - 0.331_264 * g + 0.5 * b + 128.0, (across, down)),
            component(|[r, g, b]| 0.5 * r - 0.418_688 * g - 0.081_312 * b + 128.0, (across, down)),
        ];
        Planes { width, height, components }
    }
}
