//! Both ways through the codec, and the codec against another: every fixture, every odd size in every sampling, and
//! thousands of damaged files.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use image::RgbImage;
use jpeg_encoder::SamplingFactor;
use libjpeg_turbo_rs::api::raw_data::RawImage;
use libjpeg_turbo_rs::common::types::ComponentInfo;
use libjpeg_turbo_rs::encode::pipeline::compress_raw;
use libjpeg_turbo_rs::tj3::TjHandle;
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling, read_coefficients, write_coefficients_optimized};

use super::*;
use crate::render::JPEG_QUALITY;
use crate::render::picture::{Plane, Planes};
use crate::render::plan::SHRINK_MAX;

const SHRINKS: std::ops::RangeInclusive<u32> = 1..=SHRINK_MAX;

/// Those that the library has too.
const ITS_SHRINKS: [u32; 4] = [1, 2, 4, 8];

const SAMPLINGS: [Subsampling; 6] =
    [Subsampling::S444, Subsampling::S422, Subsampling::S420, Subsampling::S440, Subsampling::S411, Subsampling::S441];

/// Larger than block and group in every sampling, and of no size that fits into them.
const ODD_SIDE_MAX: u32 = 33;

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Real photos, where they lie beside the project.
    let folders =
        ["fixtures/images/jpeg", "fixtures/images/hostile", "../shared/photos"].map(|folder| root.join(folder));
    let entries = folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "jpg"));
    let files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(files.len() > 40, "{} fixtures", files.len());
    files
}

/// By [`decode`], or `None` where that gives pixels or a rejection.
fn planes(bytes: &[u8], shrink: u32) -> Option<Planes> {
    match decode(bytes, shrink, &mut Buffers::default()) {
        Ok(Picture::Planes(planes)) => Some(planes),
        _ => None,
    }
}

/// By the library as a whole, without what it adds for whole blocks.
fn by_library(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let raw = turbo::decoder(bytes).ok()?.decode_raw().ok()?;
    Some(means_of(&raw, bytes, 1))
}

/// Means of what the library decodes: plainly, sample by sample. Where columns are missing, the last goes on; where rows
/// are, the mean is of fewer. A component has the samples of its own blocks; what the library has beside these, in place
/// of blocks that fill up a group, is not looked at.
fn means_of(raw: &RawImage, bytes: &[u8], shrink: u32) -> Vec<Vec<u8>> {
    let decoder = turbo::decoder(bytes).unwrap();
    let info = &decoder.header().components;
    let planes = raw.planes.iter().zip(&raw.plane_widths).zip(info);
    let means = planes.map(|((samples, width), own)| {
        let times = |of: fn(&ComponentInfo) -> u8| usize::from(of(&info[0]) / of(own));
        let times = (times(|info| info.horizontal_sampling), times(|info| info.vertical_sampling));
        let n = shrink as usize;
        let (across, down) = (raw.width.div_ceil(times.0 * n), raw.height.div_ceil(times.1 * n));
        let blocks = |side: usize, times: usize| side.div_ceil(times).next_multiple_of(BLOCK);
        let own = (blocks(raw.width, times.0), blocks(raw.height, times.1));
        let mean = |x: usize, y: usize| {
            let rows = y * n..((y + 1) * n).min(own.1);
            let columns = (x * n..(x + 1) * n).map(|column| column.min(own.0 - 1));
            let all = rows.flat_map(|row| columns.clone().map(move |column| row * width + column));
            let all: Vec<f64> = all.map(|at| f64::from(samples[at])).collect();
            (all.iter().sum::<f64>() / all.len() as f64).round() as u8
        };
        (0..down).flat_map(|y| (0..across).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect()
    });
    means.collect()
}

/// The greatest and the mean difference to the library's own transforms to fewer samples.
fn off_its_shrunk_planes(bytes: &[u8], shrink: u32, planes: &Planes) -> (u8, f64) {
    let mut handle = TjHandle::new();
    handle.set_scaling_factor(1, shrink).unwrap();
    let (scaled, ..) = handle.decompress_to_yuv_planes(bytes).unwrap();
    let mut differences = Vec::new();
    let [y, cb, _] = &planes.components;
    // It pads the rows of Y to whole steps of the other two.
    let padding = [cb.step.0 / y.step.0, 1, 1];
    for ((own, other), padding) in planes.components.iter().zip(&scaled).zip(padding) {
        let rows =
            own.samples.chunks(own.width as usize).zip(other.chunks(own.width.next_multiple_of(padding) as usize));
        differences.extend(rows.flat_map(|(own, other)| own.iter().zip(other)).map(|(a, b)| a.abs_diff(*b)));
    }
    let sum: u64 = differences.iter().copied().map(u64::from).sum();
    (differences.iter().copied().max().unwrap(), sum as f64 / differences.len() as f64)
}

#[test]
fn fixtures_are_decoded_as_the_library_does() {
    let mut compared = 0;
    for (path, bytes) in fixtures() {
        let Some(whole) = planes(&bytes, 1) else { continue };
        assert_eq!(whole.components.map(|plane| plane.samples).to_vec(), by_library(&bytes).unwrap(), "{path:?}");
        for shrink in ITS_SHRINKS {
            let shrunk = planes(&bytes, shrink).unwrap();
            // Single samples differ more, where it takes the mean before samples are cut at 0 or 255.
            let (_, off) = off_its_shrunk_planes(&bytes, shrink, &shrunk);
            assert!(off < 0.5, "{path:?} {shrink:?}: {off}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn fixtures_are_decoded_as_another_decoder_does() {
    let mut compared = 0;
    for (path, bytes) in fixtures() {
        let Some(planes) = planes(&bytes, 1) else { continue };
        let Ok(other) = image::load_from_memory(&bytes) else { continue };
        // It takes the colours of this one for those of whole groups.
        if path.ends_with("scan-a-component.jpg") {
            continue;
        }
        let off = mean_difference(&rgb(&planes, &mut fast_image_resize::Resizer::new()), &other.into_rgb8());
        assert!(off < 2.5, "{path:?}: {off}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

/// Soft in all three channels, with something fine on top.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |length: f32, at: u32| ((at as f32 / length).sin() * 90.0 + 128.0) as u8;
        image::Rgb([wave(11.0, x), wave(7.0, y + 5), wave(9.0, x + 2 * y) ^ ((x & 1) as u8)])
    })
}

fn encoded(width: u32, height: u32, sampling: Subsampling, progressive: bool) -> Vec<u8> {
    let encoder = Encoder::new(&picture(width, height), width as usize, height as usize, PixelFormat::Rgb)
        .quality(92)
        .subsampling(sampling)
        .progressive(progressive)
        .encode();
    encoder.unwrap()
}

#[test]
fn odd_sizes_are_decoded_in_every_sampling() {
    for sampling in SAMPLINGS {
        for width in 1..=ODD_SIDE_MAX {
            for height in 1..=ODD_SIDE_MAX {
                let progressive = (width + height) % 5 == 0;
                let bytes = encoded(width, height, sampling, progressive);
                let about = format!("{width}x{height} {sampling:?}, progressive: {progressive}");
                let whole = planes(&bytes, 1).unwrap();
                assert_eq!((whole.width, whole.height), (width, height));
                assert_eq!(
                    whole.components.map(|plane| plane.samples).to_vec(),
                    by_library(&bytes).unwrap(),
                    "{about}"
                );
                let raw = turbo::decoder(&bytes).unwrap().decode_raw().unwrap();
                for shrink in SHRINKS {
                    let shrunk = planes(&bytes, shrink).unwrap();
                    for Plane { samples, width: across, height: down, step } in &shrunk.components {
                        assert_eq!((*across, *down), (width.div_ceil(step.0), height.div_ceil(step.1)), "{about}");
                        assert_eq!(samples.len(), (across * down) as usize, "{about}");
                    }
                    let expected = means_of(&raw, &bytes, shrink).concat();
                    let found = shrunk.components.iter().flat_map(|plane| &plane.samples);
                    let off = found.zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
                    assert!(off <= 1, "{about}, {shrink}: {off}");
                    if ITS_SHRINKS.contains(&shrink) {
                        let (off, _) = off_its_shrunk_planes(&bytes, shrink, &shrunk);
                        assert!(off <= 2, "{about}, {shrink}: {off}");
                    }
                }
            }
        }
    }
}

/// In scans of one component there are no blocks that fill up a group, and grey in their place.
#[test]
fn planes_do_not_depend_on_how_components_are_put_into_scans() {
    for sampling in [SamplingFactor::F_2_2, SamplingFactor::F_2_1, SamplingFactor::F_1_2] {
        for side in 1..=ODD_SIDE_MAX {
            for (width, height) in [(side, 50 - side), (3 * side, side)] {
                let file = |scan_a_component: bool| {
                    let (mut bytes, pixels) = (Vec::new(), picture(width, height));
                    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
                    encoder.set_sampling_factor(sampling);
                    encoder.set_optimized_huffman_tables(scan_a_component);
                    encoder.encode(&pixels, width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
                    bytes
                };
                let (together, apart) = (file(false), file(true));
                let scans = [&together, &apart].map(|bytes| segments::scans(bytes).unwrap().len());
                assert_eq!(scans, [1, 3]);
                for shrink in SHRINKS {
                    let [one, other] = [&together, &apart].map(|bytes| planes(bytes, shrink).unwrap().components);
                    let samples = |planes: [Plane; 3]| planes.map(|plane| plane.samples);
                    assert_eq!(samples(one), samples(other), "{width}x{height} {sampling:?}, {shrink}");
                }
            }
        }
    }
}

#[test]
fn passes_over_the_picture_are_limited_by_its_size() {
    // A small picture whose header claims 100 megapixels, with more scans behind its own in which there is nothing.
    let bytes = encoded(16, 16, Subsampling::S444, true);
    let frame = bytes.windows(2).position(|two| two == [0xFF, 0xC2]).unwrap();
    let large = |scans: usize| {
        let mut bytes = bytes.clone();
        bytes.truncate(bytes.len() - 2);
        bytes[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        let has = segments::scans(&[&bytes[..], &[0xFF, 0xD9]].concat()).unwrap().len();
        let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 1, 0];
        [bytes, scan.repeat(scans - has), vec![0xFF, 0xD9]].concat()
    };
    let detail = |scans| decode(&large(scans), 8, &mut Buffers::default()).map(drop).unwrap_err().detail;
    assert_eq!(detail(65), "65 scans of 100000000 pixels");
    assert!(!detail(64).contains("scans of"), "{}", detail(64));
}

#[test]
fn odd_sizes_are_encoded_as_the_library_does() {
    for width in 1..=ODD_SIDE_MAX {
        for height in 1..=ODD_SIDE_MAX {
            let bytes = encoded(width, height, Subsampling::S420, false);
            let planes = planes(&bytes, 1).unwrap();
            let samples = planes.components.each_ref().map(|plane| plane.samples.as_slice());
            let widths = planes.components.each_ref().map(|plane| plane.width as usize);
            let heights = planes.components.each_ref().map(|plane| plane.height as usize);
            let sizes = (width as usize, height as usize);
            let plain =
                compress_raw(&samples, &widths, &heights, sizes.0, sizes.1, JPEG_QUALITY, Subsampling::S420).unwrap();
            let expected = write_coefficients_optimized(&read_coefficients(&plain).unwrap()).unwrap();
            assert!(encode(&Picture::Planes(planes)) == expected, "{width}x{height}");
        }
    }
}

/// Both decoders say the same of damaged files, and nothing but a rejection comes of what they refuse.
#[test]
fn damaged_files_are_refused_as_the_library_does() {
    let sources: Vec<_> = fixtures().into_iter().filter(|(_, bytes)| (100..20_000).contains(&bytes.len())).collect();
    let mut random = fastrand::Rng::with_seed(9);
    let (mut decoded, mut refused) = (0, 0);
    for i in 0..DAMAGED_FILES {
        let (path, source) = &sources[i % sources.len()];
        let bytes = damaged(source, &mut random);
        let shrink = 1 + u32::try_from(i).unwrap() % SHRINK_MAX;
        let Ok(mine) = catch_unwind(|| {
            let header = crate::render::inspect(&bytes).ok()?;
            (u64::from(header.stored.0) * u64::from(header.stored.1) < 1_000_000).then_some(())?;
            Some(decode(&bytes, shrink, &mut Buffers::default()))
        }) else {
            // What the library panics on is taken for corrupt where decoders are called; nothing else may panic.
            assert!(catch_unwind(|| by_library(&bytes)).is_err(), "{path:?}, {i}");
            refused += 1;
            continue;
        };
        match mine {
            Some(Ok(Picture::Planes(means))) => {
                let whole = planes(&bytes, 1).unwrap();
                let raw = turbo::decoder(&bytes).unwrap().decode_raw().unwrap();
                let expected = means_of(&raw, &bytes, 1);
                assert_eq!(whole.components.map(|plane| plane.samples).to_vec(), expected, "{path:?}, {i}");
                let samples = means.components.iter().flat_map(|plane| &plane.samples);
                let off = samples.zip(means_of(&raw, &bytes, shrink).concat()).map(|(a, b)| a.abs_diff(b)).max();
                assert!(off <= Some(1), "{path:?}, {i}, {shrink}: {off:?}");
                decoded += 1;
            }
            Some(Ok(Picture::Pixels(_))) | None => {}
            Some(Err(rejection)) => {
                let library = segments::scans(&bytes).and_then(|_| by_library(&bytes));
                // What it does not look at.
                let other =
                    rejection.reason == Reason::UnsupportedFormat || rejection.detail.contains("scan of a component");
                assert!(library.is_none() || other, "{path:?}, {i}: {rejection}");
                refused += 1;
            }
        }
    }
    assert!(decoded > DAMAGED_FILES / 20 && refused > DAMAGED_FILES / 20, "{decoded} decoded, {refused} refused");
}

/// How many damaged files are tried.
const DAMAGED_FILES: usize = 6000;

/// A few bytes changed, cut out, doubled or swapped; at the front more often than behind, where the header is.
fn damaged(source: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = source.to_vec();
    for _ in 0..random.usize(1..5) {
        let near = if random.bool() { bytes.len().min(700) } else { bytes.len() };
        let at = random.usize(0..near.max(1)).min(bytes.len().saturating_sub(1));
        match random.u8(0..6) {
            0 => bytes[at] ^= 1 << random.u8(0..8),
            1 => bytes[at] = random.u8(..),
            2 => bytes[at] = [0, 0xFF, 0xD8, 0xD9, 0xDA, 0xD0, 0x7F, 0x80][random.usize(0..8)],
            3 => bytes.truncate(at.max(4)),
            4 => drop(bytes.drain(at..(at + random.usize(1..40)).min(bytes.len()))),
            _ => {
                let again = bytes[at..(at + random.usize(1..40)).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
        }
        if bytes.len() < 4 {
            break;
        }
    }
    bytes
}
