//! Brightness and colour in one scan (baseline JPEG), decoded to planes a row of blocks at a time.
//!
//! Entropy decoding and the inverse transform are the library's own. As a whole it decodes to shrunk planes only by
//! transforms in scalar code, and holds them twice.
//! Progressive files, and those with a scan for each component, are not decoded here.

use libjpeg_turbo_rs::common::huffman_table::HuffmanTable;
use libjpeg_turbo_rs::common::types::ComponentInfo;
use libjpeg_turbo_rs::decode::bitstream::BitReader;
use libjpeg_turbo_rs::decode::entropy::{McuComponentPlan, McuDecoder, resolve_mcu_plan};
use libjpeg_turbo_rs::decode::marker::{JpegMetadata, MarkerReader};
use libjpeg_turbo_rs::simd;

use super::means::{Growing, growing};
use super::{BLOCK, SCANS_MAX, corrupt};
use crate::render::picture::Planes;
use crate::render::{Buffers, Rejection};

/// The markers of a file that can be decoded here. Of what it cannot be decoded for, the library knows more: it takes
/// standard tables for those that are missing, and says why it refuses.
pub(super) fn markers(bytes: &[u8]) -> Result<Option<JpegMetadata>, Rejection> {
    let mut reader = MarkerReader::new(bytes);
    reader.set_scan_cap(SCANS_MAX);
    let markers = reader.read_markers().map_err(corrupt)?;
    let in_order = |plan: Vec<McuComponentPlan<'_>>| plan.iter().map(|scanned| scanned.comp_idx).eq(0..3);
    let known = !markers.frame.is_progressive && plan(&markers).is_ok_and(in_order);
    Ok(known.then_some(markers))
}

/// What is decoded with which tables.
fn plan(markers: &JpegMetadata) -> Result<Vec<McuComponentPlan<'_>>, Rejection> {
    let JpegMetadata { frame, scan, dc_huffman_tables, ac_huffman_tables, .. } = markers;
    resolve_mcu_plan(frame, scan, dc_huffman_tables, ac_huffman_tables).map_err(corrupt)
}

/// Every sample, or means of them.
pub(super) fn decode(
    bytes: &[u8],
    markers: &JpegMetadata,
    shrink: u32,
    buffers: &mut Buffers,
) -> Result<Planes, Rejection> {
    let frame = &markers.frame;
    let planes = growing(frame, shrink, buffers)?;
    let blocks = |of: fn(&ComponentInfo) -> u8| frame.components.first().map_or(1, |luma| usize::from(of(luma)));
    let groups_across = usize::from(frame.width).div_ceil(BLOCK * blocks(|luma| luma.horizontal_sampling));
    let groups_down = usize::from(frame.height).div_ceil(BLOCK * blocks(|luma| luma.vertical_sampling));
    let mut components = components(markers, planes, groups_across, buffers)?;

    let entropy = bytes.get(markers.entropy_data_offset..).ok_or_else(|| corrupt("no picture behind the header"))?;
    let mut reader = BitReader::new(entropy);
    let mut decoder = McuDecoder::new(components.len());
    let restart_interval = usize::from(markers.restart_interval);
    for row in 0..groups_down {
        for group in 0..groups_across {
            let before = row * groups_across + group;
            if restart_interval > 0 && before > 0 && before.is_multiple_of(restart_interval) {
                reader.reset();
                decoder.reset();
            }
            for component in &mut components {
                component.decode(group, &mut reader, &mut decoder)?;
            }
            if reader.insufficient_data() {
                return Err(corrupt("the picture ends before its last block"));
            }
        }
        for Component { plane, band, row_samples, .. } in &mut components {
            plane.append(band, *row_samples);
        }
    }
    let components = components.map(|Component { plane, band, .. }| {
        buffers.bands.push(band);
        plane.finish(buffers)
    });
    Ok(Planes { width: frame.width.into(), height: frame.height.into(), components })
}

/// One component while its picture is decoded.
struct Component<'a> {
    /// In the frame.
    index: usize,
    dc: &'a HuffmanTable,
    ac: &'a HuffmanTable,
    quantization: &'a [u16; 64],
    inverse_transform: fn(&[i16; 64], &[u16; 64], &mut [u8; 64]),
    /// In a group, across and down.
    blocks: (usize, usize),
    /// In a row of the band, which is as wide as whole groups are.
    row_samples: usize,
    /// One row of groups.
    band: Vec<u8>,
    plane: Growing,
}

fn components<'a>(
    markers: &'a JpegMetadata,
    planes: [Growing; 3],
    groups_across: usize,
    buffers: &mut Buffers,
) -> Result<[Component<'a>; 3], Rejection> {
    let JpegMetadata { frame, quant_tables, .. } = markers;
    let mut components = Vec::with_capacity(planes.len());
    for ((plane, info), scanned) in planes.into_iter().zip(&frame.components).zip(plan(markers)?) {
        let table = quant_tables.get(usize::from(info.quant_table_index)).and_then(Option::as_ref);
        let table = table.ok_or_else(|| corrupt("a quantization table is missing"))?;
        let blocks = (usize::from(info.horizontal_sampling), usize::from(info.vertical_sampling));
        let row_samples = groups_across * blocks.0 * BLOCK;
        let mut band = buffers.bands.pop().unwrap_or_default();
        // What is left in it from another picture is overwritten.
        band.resize(row_samples * blocks.1 * BLOCK, 0);
        components.push(Component {
            index: scanned.comp_idx,
            dc: scanned.dc_table,
            ac: scanned.ac_table,
            quantization: &table.values,
            inverse_transform: simd::detect().idct_islow,
            blocks,
            row_samples,
            band,
            plane,
        });
    }
    components.try_into().map_err(|_| corrupt("a scan with fewer components than its frame"))
}

impl Component<'_> {
    /// Decodes the component's blocks of a group into the band.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop, of which a call would take a part")]
    fn decode(&mut self, group: usize, reader: &mut BitReader<'_>, decoder: &mut McuDecoder) -> Result<(), Rejection> {
        let mut coefficients = [0; 64];
        let mut samples = [0; 64];
        let (across, down) = self.blocks;
        for y in 0..down {
            for x in group * across..(group + 1) * across {
                decoder.decode_block(reader, self.index, self.dc, self.ac, &mut coefficients).map_err(corrupt)?;
                (self.inverse_transform)(&coefficients, self.quantization, &mut samples);
                let mut at = y * BLOCK * self.row_samples + x * BLOCK;
                for from in samples.as_chunks::<BLOCK>().0 {
                    if let Some(to) = self.band.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                        *to = *from;
                    }
                    at += self.row_samples;
                }
            }
        }
        Ok(())
    }
}
