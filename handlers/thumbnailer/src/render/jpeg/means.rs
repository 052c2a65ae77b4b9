//! Decoded rows become planes: of all samples, or of means of up to 8x8.
//!
//! A mean is what a decoder's transform to fewer samples gives ("averages of adjacent outputs", `jidctred.c` of libjpeg).
//! Here it need not lie within a block, so that a picture can be shrunk by any whole number. Nothing is decoded here.

use libjpeg_turbo_rs::common::types::FrameHeader;

use super::{BLOCK, corrupt};
use crate::render::picture::Plane;
use crate::render::{Buffers, Rejection};

/// A plane that is filled from the top.
pub(super) struct Growing {
    plane: Plane,
    shrink: u32,
    /// Of the samples of each column, of as many rows as were added since the last row of the plane.
    sums: Vec<u16>,
    rows: u32,
    /// Across, and down as far as they are still to come: samples of the component's own blocks. What a decoder has beside
    /// these is no part of the picture: of a scan of its own a component has nothing else.
    known: (usize, usize),
}

/// The planes, still empty, of Y, Cb and Cr, of which Y is sampled as finely as any.
pub(super) fn growing(frame: &FrameHeader, shrink: u32, buffers: &mut Buffers) -> Result<[Growing; 3], Rejection> {
    let sampling = frame.components.iter().map(|info| (info.horizontal_sampling, info.vertical_sampling));
    let sampling: [(u8, u8); 3] =
        sampling.collect::<Vec<_>>().try_into().map_err(|_| corrupt("not three components"))?;
    let [(most_across, most_down), ..] = sampling;
    Ok(sampling.map(|(across, down)| {
        let times = (u32::from(most_across / across), u32::from(most_down / down));
        let step = (shrink * times.0, shrink * times.1);
        let of_frame = |times: u32, side: u16| u32::from(side).div_ceil(times);
        let (width, height) = (of_frame(step.0, frame.width), of_frame(step.1, frame.height));
        let known = |times: u32, side: u16, needed: u32| {
            (of_frame(times, side) as usize).next_multiple_of(BLOCK).min((needed * shrink) as usize)
        };
        let mut sums = buffers.sums.pop().unwrap_or_default();
        sums.resize(if shrink > 1 { (width * shrink) as usize } else { 0 }, 0);
        Growing {
            plane: Plane { samples: Vec::with_capacity(width as usize * height as usize), width, height, step },
            shrink,
            sums,
            rows: 0,
            known: (known(times.0, frame.width, width), known(times.1, frame.height, height)),
        }
    }))
}

impl Growing {
    /// Adds whole rows of `row_samples` each. What the plane does not need is passed over.
    #[inline(never)] // so that a profile tells it from the decoder's loop, which calls it for a row of groups
    pub(super) fn append(&mut self, rows: &[u8], row_samples: usize) {
        for row in rows.chunks_exact(row_samples).take(self.known.1) {
            let samples = row.iter().take(self.known.0);
            if self.shrink == 1 {
                self.plane.samples.extend(samples);
                continue;
            }
            let sums = self.sums.iter_mut().zip(samples);
            if self.rows == 0 {
                sums.for_each(|(sum, sample)| *sum = u16::from(*sample));
            } else {
                sums.for_each(|(sum, sample)| *sum += u16::from(*sample));
            }
            self.rows += 1;
            if self.rows == self.shrink {
                self.row_done();
            }
        }
        self.known.1 = self.known.1.saturating_sub(rows.len() / row_samples);
    }

    /// The plane. If there were too few rows for its last one, that is made of those.
    pub(super) fn finish(mut self, buffers: &mut Buffers) -> Plane {
        if self.rows > 0 {
            // As if the sums were of all rows.
            let (rows, all) = (self.rows, self.shrink);
            let scaled = |sum: u16| u16::try_from(u32::from(sum) * all / rows).unwrap_or(u16::MAX);
            self.sums.iter_mut().for_each(|sum| *sum = scaled(*sum));
            self.row_done();
        }
        buffers.sums.push(self.sums);
        self.plane
    }

    /// Makes a row of the plane from the sums. Where columns are missing, the last goes on.
    fn row_done(&mut self) {
        if let Some((known, beyond)) = self.sums.split_at_mut_checked(self.known.0) {
            beyond.fill(known.last().copied().unwrap_or_default());
        }
        match self.shrink {
            2 => self.add_means::<2>(),
            3 => self.add_means::<3>(),
            4 => self.add_means::<4>(),
            5 => self.add_means::<5>(),
            6 => self.add_means::<6>(),
            7 => self.add_means::<7>(),
            _ => self.add_means::<8>(),
        }
        self.rows = 0;
    }

    /// Of `N` by `N` samples, half up.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "64 bytes add up to no more than 16,320, and their mean is a byte"
    )]
    fn add_means<const N: usize>(&mut self) {
        let mean = |columns: &[u16; N]| ((columns.iter().sum::<u16>() + (N * N / 2) as u16) / (N * N) as u16) as u8;
        self.plane.samples.extend(self.sums.as_chunks::<N>().0.iter().map(mean));
    }
}
