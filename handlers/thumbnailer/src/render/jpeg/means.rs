//! Decoded rows become planes: of all samples, or of means of up to 8x8.
//!
//! A mean is what a decoder's transform to fewer samples gives ("averages of adjacent outputs", `jidctred.c` of libjpeg).
//! Here it need not lie within a block, so that a picture can be shrunk by any whole number. Nothing is decoded here.

use libjpeg_turbo_rs::common::types::FrameHeader;

use super::corrupt;
use crate::render::picture::Plane;
use crate::render::{Buffers, Rejection};

/// A plane that is filled from the top.
pub(super) struct Growing {
    plane: Plane,
    shrink: u32,
    /// Of the samples of each column, of as many rows as were added since the last row of the plane.
    sums: Vec<u16>,
    rows: u32,
    /// How many columns the added rows have.
    columns: usize,
}

/// The planes, still empty, of Y, Cb and Cr, of which Y is sampled as finely as any.
pub(super) fn growing(frame: &FrameHeader, shrink: u32, buffers: &mut Buffers) -> Result<[Growing; 3], Rejection> {
    let sampling = frame.components.iter().map(|info| (info.horizontal_sampling, info.vertical_sampling));
    let sampling: [(u8, u8); 3] =
        sampling.collect::<Vec<_>>().try_into().map_err(|_| corrupt("not three components"))?;
    let [(most_across, most_down), ..] = sampling;
    Ok(sampling.map(|(across, down)| {
        let step = (shrink * u32::from(most_across / across), shrink * u32::from(most_down / down));
        let (width, height) = (u32::from(frame.width).div_ceil(step.0), u32::from(frame.height).div_ceil(step.1));
        let samples = Vec::with_capacity(width as usize * height as usize);
        let mut sums = buffers.sums.pop().unwrap_or_default();
        sums.clear();
        sums.resize(if shrink > 1 { (width * shrink) as usize } else { 0 }, 0);
        Growing { plane: Plane { samples, width, height, step }, shrink, sums, rows: 0, columns: 0 }
    }))
}

impl Growing {
    /// Adds whole rows of `row_samples` each. What the plane does not need is passed over.
    pub(super) fn append(&mut self, rows: &[u8], row_samples: usize) {
        self.columns = row_samples;
        for row in rows.chunks_exact(row_samples) {
            if self.plane.samples.len() == self.plane.width as usize * self.plane.height as usize {
                return;
            }
            if self.shrink == 1 {
                self.plane.samples.extend(row.iter().take(self.plane.width as usize));
                continue;
            }
            for (sum, sample) in self.sums.iter_mut().zip(row) {
                *sum += u16::from(*sample);
            }
            self.rows += 1;
            if self.rows == self.shrink {
                self.row_done();
            }
        }
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
        if let Some((known, beyond)) = self.sums.split_at_mut_checked(self.columns) {
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
        self.sums.fill(0);
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
