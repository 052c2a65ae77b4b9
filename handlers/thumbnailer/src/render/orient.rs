//! A picture is turned upright, which costs little while it is small.

use image::metadata::Orientation;

use super::picture::{Picture, Plane, Planes};

/// What turns a stored picture upright: it is mirrored first, and then transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Left becomes right.
    pub(super) flip_x: bool,
    /// Top becomes bottom.
    pub(super) flip_y: bool,
    /// Columns become rows.
    pub(super) transpose: bool,
}

impl Turn {
    /// Nothing is turned.
    pub(super) const NONE: Self = Self { flip_x: false, flip_y: false, transpose: false };

    /// As EXIF says it.
    pub(super) fn of(orientation: Orientation) -> Self {
        let (flip_x, flip_y, transpose) = match orientation {
            Orientation::NoTransforms => (false, false, false),
            Orientation::FlipHorizontal => (true, false, false),
            Orientation::FlipVertical => (false, true, false),
            Orientation::Rotate180 => (true, true, false),
            Orientation::Rotate90FlipH => (false, false, true),
            Orientation::Rotate90 => (false, true, true),
            Orientation::Rotate270 => (true, false, true),
            Orientation::Rotate270FlipH => (true, true, true),
        };
        Self { flip_x, flip_y, transpose }
    }
}

/// Turns the picture upright.
pub(super) fn orient(picture: Picture, orientation: Orientation) -> Picture {
    match picture {
        Picture::Planes(Planes { width, height, components }) => {
            let turn = Turn::of(orientation);
            let (width, height) = if turn.transpose { (height, width) } else { (width, height) };
            Picture::Planes(Planes { width, height, components: components.map(|plane| turned(plane, turn)) })
        }
        Picture::Pixels(mut pixels) => {
            pixels.apply_orientation(orientation);
            Picture::Pixels(pixels)
        }
    }
}

fn turned(mut plane: Plane, turn: Turn) -> Plane {
    let (width, height) = (plane.width as usize, plane.height as usize);
    if turn.flip_y {
        plane.samples.reverse();
    }
    if turn.flip_x != turn.flip_y {
        plane.samples.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    if turn.transpose {
        let mut samples = vec![0; plane.samples.len()];
        transpose::transpose(&plane.samples, &mut samples, width, height);
        plane = Plane { samples, width: plane.height, height: plane.width, step: (plane.step.1, plane.step.0) };
    }
    plane
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayImage};

    use super::*;

    #[test]
    fn planes_are_turned_as_pixels_are() {
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            for (width, height) in [(1, 1), (1, 7), (7, 1), (5, 3), (16, 16), (33, 18)] {
                let samples: Vec<u8> = (0..width * height).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
                let mut expected: DynamicImage = GrayImage::from_raw(width, height, samples.clone()).unwrap().into();
                expected.apply_orientation(orientation);
                let plane = turned(Plane { samples, width, height, step: (1, 2) }, Turn::of(orientation));
                assert_eq!((plane.width, plane.height), (expected.width(), expected.height()), "{orientation:?}");
                assert_eq!(plane.samples, expected.as_bytes(), "{orientation:?} of {width}x{height}");
                assert_eq!(plane.step, if Turn::of(orientation).transpose { (2, 1) } else { (1, 2) });
            }
        }
    }
}
