//! What the largest photos cost: `cargo run --release -p coffeeshop-thumbnailer --example worst_case -- KIND`.
//!
//! Makes a photo of 100 megapixels of the kind (`png-rgba16`, `jpeg-progressive`, `jpeg-cmyk`, `jpeg-scans`) in a process of its own,
//! renders it in another, and prints the seconds and the most memory of that. Linux only.

use std::io::Cursor;
use std::process::Command;
use std::time::Instant;

use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use coffeeshop_thumbnailer::render::{Buffers, Stages, inspect, render};
use image::{ImageBuffer, ImageFormat, Rgba};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

const SIDE: u32 = 10_000;

#[expect(clippy::print_stdout, reason = "it prints what it measures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", kind, path] => std::fs::write(path, make(kind)?)?,
        ["render", path] => {
            let bytes = std::fs::read(path)?;
            let start = Instant::now();
            let header = inspect(&bytes)?;
            let mut stages = Stages::default();
            render(&bytes, &header, &RENDITIONS_DEFAULT.parse()?, &mut Buffers::default(), &mut stages)?;
            let seconds = start.elapsed().as_secs_f64();
            let status = std::fs::read_to_string("/proc/self/status")?;
            let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
            println!("{} bytes, {seconds:.1} s, {peak}, {:?}", bytes.len(), stages);
        }
        kinds => {
            for kind in kinds {
                let path = std::env::temp_dir().join(format!("worst-case-{}-{kind}", std::process::id()));
                let this = std::env::current_exe()?;
                Command::new(&this).args(["make", kind]).arg(&path).status()?;
                println!("{kind}");
                Command::new(&this).arg("render").arg(&path).status()?;
                std::fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

/// A pattern that neither compresses away nor exceeds 50 MiB.
fn make(kind: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let side = SIDE as usize;
    let value = |x: u32, y: u32| u8::try_from(((x / 7) ^ (y / 5)) % 251).unwrap_or(0);
    let interleaved = |channels: u32| {
        let row = move |y| (0..SIDE).flat_map(move |x| (0..channels).map(move |c| value(x + 40 * c, y)));
        (0..SIDE).flat_map(row).collect::<Vec<u8>>()
    };
    match kind {
        "png-rgba16" => {
            let pixel = |x, y| Rgba([0, 30, 60, 90].map(|shift| u16::from(value(x + shift, y)) * 257));
            let mut png = Cursor::new(Vec::new());
            ImageBuffer::from_fn(SIDE, SIDE, pixel).write_to(&mut png, ImageFormat::Png)?;
            Ok(png.into_inner())
        }
        "jpeg-progressive" => {
            let rgb = interleaved(3);
            let encoder = Encoder::new(&rgb, side, side, PixelFormat::Rgb).quality(50);
            Ok(encoder.subsampling(Subsampling::S444).progressive(true).encode()?)
        }
        "jpeg-cmyk" => {
            let cmyk = interleaved(4);
            let encoder = Encoder::new(&cmyk, side, side, PixelFormat::Cmyk).quality(40);
            Ok(encoder.subsampling(Subsampling::S444).encode()?)
        }
        "jpeg-scans" => Ok(flood_of_scans()),
        other => Err(format!("{other} is no kind that can be made").into()),
    }
}

/// As many scans as may be. The second sets the last coefficient of each block; all others look for what to refine before
/// it, find nothing, and have next to no bytes.
fn flood_of_scans() -> Vec<u8> {
    const SCANS_MAX: u8 = 64;
    let blocks = usize::try_from(SIDE.div_ceil(8).pow(2)).unwrap_or(0);
    let segment = |marker: u8, payload: &[u8]| {
        let length = u16::try_from(payload.len() + 2).unwrap_or(0).to_be_bytes();
        [&[0xFF, marker], &length[..], payload].concat()
    };
    let side = u16::try_from(SIDE).unwrap_or(0).to_be_bytes();
    let mut jpeg = vec![0xFF, 0xD8];
    jpeg.extend(segment(0xDB, &[&[0][..], &[1; 64]].concat()));
    jpeg.extend(segment(0xC2, &[&[8], &side[..], &side, &[1, 1, 0x11, 0]].concat()));
    // DC: "no difference" is 0. AC: "32,767 blocks end here" is 00 and 14 bits, "16 zeros" 01, "14 zeros and a value" 10.
    jpeg.extend(segment(0xC4, &[&[0x00, 1][..], &[0; 15], &[0]].concat()));
    jpeg.extend(segment(0xC4, &[&[0x10, 0, 3][..], &[0; 14], &[0xE0, 0xF0, 0xE1]].concat()));
    let mut scan = |first: u8, last: u8, precision: u8, bits: &str| {
        jpeg.extend(segment(0xDA, &[1, 1, 0, first, last, precision]));
        for byte in bits.as_bytes().chunks(8) {
            // What is missing of the last byte is ones.
            let byte = (0..8).fold(0, |sum, at| sum << 1 | u8::from(byte.get(at) != Some(&b'0')));
            jpeg.extend(if byte == 0xFF { vec![0xFF, 0] } else { vec![byte] });
        }
    };
    scan(0, 0, 0, &"0".repeat(blocks));
    scan(1, 63, 0x01, &"010101101".repeat(blocks));
    let ends = format!("00{}", "1".repeat(14)).repeat(blocks.div_ceil(32_767));
    for _ in 2..SCANS_MAX {
        scan(1, 62, 0x10, &ends);
    }
    jpeg.extend([0xFF, 0xD9]);
    jpeg
}
