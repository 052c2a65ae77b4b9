//! What the largest photos cost: `cargo run --release -p coffeeshop-thumbnailer --example worst_case -- KIND`.
//!
//! Makes a photo of 100 megapixels of the kind (`png-rgba16`, `jpeg-progressive`, `jpeg-cmyk`) in a process of its own,
//! renders it in another, and prints the seconds and the most memory of that. Linux only.

use std::io::Cursor;
use std::process::Command;
use std::time::Instant;

use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use coffeeshop_thumbnailer::render::{Buffers, inspect, render};
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
            let rendered = render(&bytes, &header, &RENDITIONS_DEFAULT.parse()?, &mut Buffers::default())?;
            let seconds = start.elapsed().as_secs_f64();
            let status = std::fs::read_to_string("/proc/self/status")?;
            let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
            println!("{} bytes, {seconds:.1} s, {peak}, {:?}", bytes.len(), rendered.stages);
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
        other => Err(format!("{other} is no kind that can be made").into()),
    }
}
