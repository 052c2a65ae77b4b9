//! What `cargo xtask bench guard` counts of this crate: the photo path, `inspect` and `render`.
//!
//! Without arguments it prints the names of its cases; with a name, or the path of a photo, it renders that twice, and the
//! second time under the name that callgrind is told. It measures nothing itself.

#[path = "../tests/fixtures/scene.rs"]
#[expect(
    dead_code,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made for all fixtures, of which this needs the scene alone"
)]
mod scene;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use coffeeshop_core::renditions::RenditionSpecs;
use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use coffeeshop_thumbnailer::render::{Buffers, Rejection, Stages, inspect, render};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use scene::{Picture, noise, scene};

/// Small, one for each way through the decoders: names and files of `fixtures/images`.
const FIXTURES: [(&str, &str); 4] = [
    ("jpeg-420", "jpeg/yuv-420.jpg"),
    ("jpeg-422", "jpeg/yuv-422.jpg"),
    ("jpeg-progressive", "jpeg/progressive.jpg"),
    ("png", "png/rgb8.png"),
];

/// Made here, so that the inner loops outweigh all else.
const LARGE: [&str; 4] = ["large-420", "large-422", "large-progressive", "large-png"];

/// 3 megapixels, and so wide that a decoder may halve them: the largest rendition has 1080 pixels at most.
const LARGE_SIZE: (u16, u16) = (3264, 928);

/// That of a phone's camera.
const LARGE_QUALITY: u8 = 90;

/// How bright noise is at most, of 255.
const FINE: i16 = 4;
const COARSE: i16 = 8;

#[expect(clippy::print_stdout, reason = "it talks to who counts")]
fn main() -> Result<(), Box<dyn Error>> {
    let Some(name) = std::env::args().nth(1) else {
        let names = FIXTURES.iter().map(|(name, _)| *name).chain(LARGE);
        println!("{}", names.collect::<Vec<_>>().join("\n"));
        return Ok(());
    };
    let photo = photo(&name)?;
    let specs = RENDITIONS_DEFAULT.parse()?;
    // What is done only once in a process, such as asking the CPU what it can do, is not counted.
    let first = made(&photo, &specs)?;
    println!("{first} {}", counted_by_callgrind(&photo, &specs)?);
    Ok(())
}

fn photo(name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if LARGE.contains(&name) {
        return large(name);
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    let fixture = FIXTURES.iter().find(|(known, _)| *known == name).map(|(_, file)| fixtures.join(file));
    let path = fixture.unwrap_or_else(|| name.into());
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// JPEG is encoded by what the thumbnailer does not use, so that a change of its own encoder is no change of its input.
fn large(name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let (width, height) = LARGE_SIZE;
    let smooth = scene(width.into(), height.into());
    let photo = Picture::from_fn(width.into(), height.into(), |x, y| grainy(smooth.at(x, y), width, x, y));
    let mut bytes = Vec::new();
    if name == "large-png" {
        PngEncoder::new(&mut bytes).write_image(&photo.rgb(), width.into(), height.into(), ExtendedColorType::Rgb8)?;
        return Ok(bytes);
    }
    let mut encoder = Encoder::new(&mut bytes, LARGE_QUALITY);
    encoder.set_progressive(name == "large-progressive");
    encoder.set_sampling_factor(if name == "large-422" { SamplingFactor::F_2_1 } else { SamplingFactor::F_2_2 });
    encoder.encode(&photo.rgb(), width, height, ColorType::Rgb)?;
    Ok(bytes)
}

/// With the noise of a sensor: of each pixel, and of four together. So a pixel has a quarter of a byte, as phones' have.
fn grainy(pixel: [u8; 3], width: u16, x: u32, y: u32) -> [u8; 3] {
    let width = u32::from(width);
    let of = |at: u64, bound: i16| i16::try_from(noise(at) % 256).unwrap_or_default() % (2 * bound + 1) - bound;
    let fine = of(u64::from(y * width + x), FINE);
    let coarse = of(u64::from(y / 2 * width + x / 2) << 32, COARSE);
    pixel.map(|channel| u8::try_from((i16::from(channel) + fine + coarse).clamp(0, 255)).unwrap_or_default())
}

/// Callgrind counts what happens in here, and knows it by this name.
#[inline(never)]
fn counted_by_callgrind(photo: &[u8], specs: &RenditionSpecs) -> Result<usize, Rejection> {
    black_box(made(photo, specs))
}

/// How many bytes all renditions have.
fn made(photo: &[u8], specs: &RenditionSpecs) -> Result<usize, Rejection> {
    let header = inspect(photo)?;
    let rendered = render(photo, &header, specs, &mut Buffers::default(), &mut Stages::default())?;
    Ok(rendered.renditions.iter().map(|file| file.jpeg.len()).sum())
}
