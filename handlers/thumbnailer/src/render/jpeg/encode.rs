//! Pictures as JPEG: baseline in one scan, 4:2:0, Huffman tables made for the picture, no metadata.
//!
//! What is there as planes is encoded from planes: the library has this only with fixed Huffman tables, so blocks are
//! transformed here by its own transform, and written by its writer for coefficients. The same bytes come of its plain
//! encoder when its tables are optimised afterwards; a test holds that.

use std::sync::LazyLock;

use image::DynamicImage;
use libjpeg_turbo_rs::encode::pipeline::compute_reciprocal;
use libjpeg_turbo_rs::encode::tables::{
    STD_CHROMINANCE_QUANT_TABLE, STD_LUMINANCE_QUANT_TABLE, ZIGZAG_ORDER, quality_scale_quant_table,
};
use libjpeg_turbo_rs::simd::{QuantDivisors, detect_encoder};
use libjpeg_turbo_rs::{
    ComponentCoefficients, Encoder, JpegCoefficients, PixelFormat, Subsampling, write_coefficients_optimized,
};

use super::BLOCK;
use crate::render::JPEG_QUALITY;
use crate::render::picture::{Plane, Planes};

/// Of Y, and of Cb and Cr.
static QUANTIZATION: LazyLock<[Quantization; 2]> =
    LazyLock::new(|| [&STD_LUMINANCE_QUANT_TABLE, &STD_CHROMINANCE_QUANT_TABLE].map(Quantization::of));

struct Quantization {
    table: [u16; 64],
    divisors: QuantDivisors,
}

impl Quantization {
    fn of(standard: &[u8; 64]) -> Self {
        let table = quality_scale_quant_table(standard, JPEG_QUALITY);
        // The transform's results are eight times as large.
        let divisors = table.map(|step| step * 8);
        let each = divisors.map(compute_reciprocal);
        let (reciprocals, corrections) = (each.map(|each| each.0), each.map(|each| each.1));
        let (scales, shifts) = (each.map(|each| each.2), each.map(|each| each.3));
        let divisors = QuantDivisors {
            divisors_zigzag: zigzag(&divisors),
            reciprocals_zigzag: zigzag(&reciprocals),
            corrections_zigzag: zigzag(&corrections),
            scales_zigzag: zigzag(&scales),
            shifts_zigzag: zigzag(&shifts),
            divisors,
            reciprocals,
            corrections,
            scales,
            shifts,
            // For the transform in floating point, which is not used.
            float_divisors: [0.0; 64],
            float_divisors_zigzag: [0.0; 64],
        };
        Self { table, divisors }
    }
}

#[expect(clippy::indexing_slicing, reason = "the order names each of the 64 once")]
fn zigzag<T: Copy>(natural: &[T; 64]) -> [T; 64] {
    ZIGZAG_ORDER.map(|at| natural[at])
}

/// Of grey or RGB.
pub(super) fn pixels(picture: &DynamicImage) -> Vec<u8> {
    let format = match picture {
        DynamicImage::ImageLuma8(_) => PixelFormat::Grayscale,
        _ => PixelFormat::Rgb,
    };
    let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
    let encoder = Encoder::new(picture.as_bytes(), width, height, format)
        .quality(JPEG_QUALITY)
        .subsampling(Subsampling::S420)
        .optimize_huffman(true);
    #[expect(clippy::expect_used, reason = "sides are 1 to 4096 and the buffer is a picture's own: a bug otherwise")]
    encoder.encode().expect("encoded to memory")
}

/// Of 4:2:0: the second and third component in steps of two pixels.
pub(super) fn planes(planes: &Planes) -> Vec<u8> {
    let groups = (planes.width.div_ceil(16) as usize, planes.height.div_ceil(16) as usize);
    let [luma, chroma] = &*QUANTIZATION;
    let [y, cb, cr] = &planes.components;
    #[expect(clippy::cast_possible_truncation, reason = "sides are 1 to 4096")]
    let coefficients = JpegCoefficients {
        width: planes.width as u16,
        height: planes.height as u16,
        data_precision: 8,
        components: vec![
            component(1, y, luma, groups),
            component(2, cb, chroma, groups),
            component(3, cr, chroma, groups),
        ],
        quant_tables: vec![luma.table, chroma.table],
        restart_interval: 0,
        density_unit: 0,
        x_density: 1,
        y_density: 1,
        saw_jfif_marker: true,
        adobe_transform: None,
    };
    #[expect(clippy::expect_used, reason = "no transformed block of 8-bit samples is out of range: a bug otherwise")]
    write_coefficients_optimized(&coefficients).expect("encoded to memory")
}

fn component(
    component_id: u8,
    plane: &Plane,
    quantization: &Quantization,
    groups: (usize, usize),
) -> ComponentCoefficients {
    let luma = component_id == 1;
    let sampling = if luma { 2 } else { 1 };
    let (blocks_x, blocks_y) = (groups.0 * sampling, groups.1 * sampling);
    let transform = detect_encoder().fdct_quantize;
    let mut blocks = Vec::with_capacity(blocks_x * blocks_y);
    let mut samples = [0; 64];
    for y in 0..blocks_y {
        for x in 0..blocks_x {
            let mut block = [0; 64];
            load(plane, x * BLOCK, y * BLOCK, &mut samples);
            transform(&mut samples, &quantization.divisors, &mut block);
            blocks.push(block);
        }
    }
    ComponentCoefficients {
        blocks,
        blocks_x,
        blocks_y,
        h_sampling: if luma { 2 } else { 1 },
        v_sampling: if luma { 2 } else { 1 },
        quant_table_index: u8::from(!luma),
        component_id,
    }
}

/// A block around zero; beyond its edge a plane goes on as it ends.
fn load(plane: &Plane, x: usize, y: usize, block: &mut [i16; 64]) {
    let (width, height) = (plane.width as usize, plane.height as usize);
    for (down, to) in block.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let row = (y + down).min(height - 1) * width;
        let row = plane.samples.get(row..row + width).unwrap_or_default();
        if let Some(from) = row.get(x..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            *to = from.map(|sample| i16::from(sample) - 128);
        } else {
            let at = |across: usize| row.get(x + across).or(row.last()).copied().unwrap_or_default();
            *to = std::array::from_fn(|across| i16::from(at(across)) - 128);
        }
    }
}
