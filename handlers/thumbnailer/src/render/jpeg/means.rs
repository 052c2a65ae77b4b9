//! Decoded blocks become the samples of planes: all of them, or means of 2x2, 4x4 or 8x8.
//!
//! A mean is what a decoder's transform to fewer samples gives ("averages of adjacent outputs", `jidctred.c` of libjpeg).
//! Nothing is decoded here.

use libjpeg_turbo_rs::common::types::FrameHeader;

use super::corrupt;
use crate::render::Rejection;
use crate::render::picture::Plane;
use crate::render::plan::Shrink;

/// How a component lies in its frame.
pub(super) struct ComponentShape {
    /// In a group of the scan (MCU), across and down.
    pub(super) blocks: (usize, usize),
    /// Its plane, still empty.
    pub(super) plane: Plane,
}

/// Of Y, Cb and Cr, of which Y is sampled as finely as any.
pub(super) fn shapes(frame: &FrameHeader, shrink: Shrink) -> Result<[ComponentShape; 3], Rejection> {
    let sampling =
        frame.components.iter().map(|component| (component.horizontal_sampling, component.vertical_sampling));
    let sampling: [(u8, u8); 3] =
        sampling.collect::<Vec<_>>().try_into().map_err(|_| corrupt("not three components"))?;
    let [(most_across, most_down), ..] = sampling;
    Ok(sampling.map(|(across, down)| {
        let step = (shrink as u32 * u32::from(most_across / across), shrink as u32 * u32::from(most_down / down));
        let (width, height) = (u32::from(frame.width).div_ceil(step.0), u32::from(frame.height).div_ceil(step.1));
        let samples = Vec::with_capacity(width as usize * height as usize);
        ComponentShape { blocks: (across.into(), down.into()), plane: Plane { samples, width, height, step } }
    }))
}

impl Plane {
    /// Adds whole rows of blocks, of which each row has `row_samples`, as far as the plane needs them. `sums` is for work.
    pub(super) fn append(&mut self, rows: &[u8], row_samples: usize, shrink: Shrink, sums: &mut Vec<u16>) {
        match shrink {
            Shrink::One => self.append_all(rows, row_samples),
            Shrink::Two => self.append_means::<2>(rows, row_samples, sums),
            Shrink::Four => self.append_means::<4>(rows, row_samples, sums),
            Shrink::Eight => self.append_means::<8>(rows, row_samples, sums),
        }
    }

    fn rows_missing(&self) -> usize {
        self.height as usize - self.samples.len() / self.width as usize
    }

    fn append_all(&mut self, rows: &[u8], row_samples: usize) {
        for row in rows.chunks_exact(row_samples).take(self.rows_missing()) {
            self.samples.extend(row.iter().take(self.width as usize));
        }
    }

    /// Of `N` by `N` samples, half up.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a mean of bytes is one, and 64 of them add up to no more than 16,320"
    )]
    fn append_means<const N: usize>(&mut self, rows: &[u8], row_samples: usize, sums: &mut Vec<u16>) {
        for rows in rows.chunks_exact(row_samples * N).take(self.rows_missing()) {
            sums.clear();
            sums.resize(row_samples, 0);
            for row in rows.chunks_exact(row_samples) {
                for (sum, sample) in sums.iter_mut().zip(row) {
                    *sum += u16::from(*sample);
                }
            }
            let columns = sums.as_chunks::<N>().0.iter().take(self.width as usize);
            let mean = |columns: &[u16; N]| (columns.iter().sum::<u16>() + (N * N / 2) as u16) / (N * N) as u16;
            self.samples.extend(columns.map(|columns| mean(columns) as u8));
        }
    }
}
