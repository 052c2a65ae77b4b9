//! A picture between file and rendition: planes as JPEG stores them, or pixels.
//!
//! What is done to pictures stands in a file a step.

use image::DynamicImage;

/// A picture of 8 bits a channel, without alpha.
pub(super) enum Picture {
    /// Brightness and colour apart, as a JPEG of three components has them, without a detour over pixels.
    Planes(Planes),
    /// Grey or RGB.
    Pixels(DynamicImage),
}

impl Picture {
    /// In pixels.
    pub(super) fn width(&self) -> u32 {
        match self {
            Self::Planes(planes) => planes.width,
            Self::Pixels(pixels) => pixels.width(),
        }
    }

    /// In pixels.
    pub(super) fn height(&self) -> u32 {
        match self {
            Self::Planes(planes) => planes.height,
            Self::Pixels(pixels) => pixels.height(),
        }
    }
}

/// Y, Cb and Cr in full range (ITU-T T.871), each sampled in its own steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planes {
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
    /// Y, Cb, Cr.
    pub(super) components: [Plane; 3],
}

/// The samples of one component, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plane {
    /// `width * height` of them.
    pub(super) samples: Vec<u8>,
    /// In samples: enough to cover the picture.
    pub(super) width: u32,
    /// In samples: enough to cover the picture.
    pub(super) height: u32,
    /// How many pixels a sample is the mean of, across and down.
    pub(super) step: (u32, u32),
}
