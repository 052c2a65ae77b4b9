//! Every image fixture, end to end through the pixels: what it becomes, which way up, in which colours, how well.

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use coffeeshop_core::outcome::Format;
use coffeeshop_thumbnailer::render::{Buffers, Header, Rejection, Rendered, Stages, inspect, render};
use image::RgbImage;
use serde::Deserialize;

use crate::reference::{alike, pixels, reference};

const SPECS: &str = "thumb=160x160:cover,card=480:fit,full=1080:fit";

/// Other decoders get these wrong, so that they are no reference.
const WITHOUT_REFERENCE: [&str; 2] = ["jpeg/cmyk-subsampled.jpg", "jpeg/scan-a-component.jpg"];

/// Smaller pictures are too small to judge, in pixels.
const JUDGED_SIDE_MIN: u32 = 64;

/// How far a colour may be off after resizing and coding, a channel.
const COLOUR_TOLERANCE: u8 = 6;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    outcome: String,
    format: Option<Format>,
    detected: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    corners: Option<[[u8; 3]; 4]>,
    #[serde(default)]
    secrets: Vec<String>,
    about: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images")
}

fn expected() -> Vec<Expected> {
    serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn read(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap()
}

fn made(bytes: &[u8]) -> Result<(Header, Rendered), Rejection> {
    let header = inspect(bytes)?;
    let rendered = render(bytes, &header, &SPECS.parse().unwrap(), &mut Buffers::default(), &mut Stages::default())?;
    Ok((header, rendered))
}

/// All failures at once: one wrong fixture says less than the list of them.
fn check_all(check: impl Fn(&Expected) -> Result<(), String> + std::panic::RefUnwindSafe) {
    let mut wrong = Vec::new();
    for row in &expected() {
        let result = catch_unwind(|| check(row)).unwrap_or_else(|_| Err("panicked".to_owned()));
        if let Err(what) = result {
            wrong.push(format!("{}: {what} ({})", row.file, row.about));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fixture_becomes_what_is_expected() {
    check_all(|row| {
        let (outcome, format, detected, size) = match made(&read(&row.file)) {
            Ok((header, _)) => ("ready".to_owned(), Some(header.format), None, Some(header.upright())),
            Err(Rejection { reason, detected, format, size, .. }) => {
                (reason.as_str().to_owned(), format, detected, size)
            }
        };
        if outcome != row.outcome || format != row.format || detected != row.detected {
            return Err(format!("{outcome}, {format:?}, {detected:?}, not {}, {:?}", row.outcome, row.format));
        }
        // Of a header that cannot be read no size is known.
        if (size.is_some() || outcome == "ready") && size != row.width.zip(row.height) {
            return Err(format!("{size:?}, not {:?}x{:?}", row.width, row.height));
        }
        Ok(())
    });
}

/// So small that pictures are shrunk to a third while they are decoded; the fixtures are too small for that otherwise.
const SHRUNK_SPECS: &str = "full=48:fit";

/// On average, of a channel: what JPEG loses of so small a picture, and little else.
const SHRUNK_OFF_MAX: f64 = 6.5;

#[test]
fn what_is_shrunk_while_it_is_decoded_is_still_the_picture() {
    let mut compared = 0;
    for row in expected() {
        if row.format != Some(Format::Jpeg) || WITHOUT_REFERENCE.contains(&row.file.as_str()) {
            continue;
        }
        let bytes = read(&row.file);
        let Ok(header) = inspect(&bytes) else { continue };
        let specs = SHRUNK_SPECS.parse().unwrap();
        let rendered = render(&bytes, &header, &specs, &mut Buffers::default(), &mut Stages::default());
        let (Ok(Rendered { renditions, .. }), None) = (rendered, header.icc) else { continue };
        let found = pixels(&renditions[0].jpeg);
        let Some(reference) = reference(&bytes, found.dimensions()) else { continue };
        if found.height() < 16 {
            continue;
        }
        let differences = found.iter().zip(reference.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)));
        let off = differences.sum::<f64>() / f64::from(3 * found.width() * found.height());
        assert!(off < SHRUNK_OFF_MAX, "{}: {off:.2}", row.file);
        compared += 1;
    }
    assert!(compared > 24, "{compared}");
}

/// Of one photo nothing stays for the next, whatever became of it.
#[test]
fn what_a_photo_becomes_does_not_depend_on_those_before_it() {
    let mut shared = Buffers::default();
    let specs = SPECS.parse().unwrap();
    for row in expected().iter().chain(expected().iter().rev()) {
        let bytes = read(&row.file);
        let Ok(header) = inspect(&bytes) else { continue };
        let of = |buffers: &mut Buffers| {
            render(&bytes, &header, &specs, buffers, &mut Stages::default())
                .map(|made| (made.renditions, made.thumbhash))
        };
        assert!(of(&mut shared) == of(&mut Buffers::default()), "{}", row.file);
    }
}

#[test]
fn every_rendition_is_upright_in_srgb_and_of_its_size() {
    check_all(|row| {
        let Ok((_, rendered)) = made(&read(&row.file)) else { return Ok(()) };
        for file in &rendered.renditions {
            let picture = pixels(&file.jpeg);
            if picture.dimensions() != (file.width, file.height) {
                return Err(format!("{} is {:?}", file.name, picture.dimensions()));
            }
            // A cover cuts the corners of the scene away.
            let Some(corners) = row.corners.filter(|_| file.name.as_str() != "thumb") else { continue };
            for (corner, expected) in corner_colours(&picture).into_iter().zip(corners) {
                let off = corner.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
                if off > Some(COLOUR_TOLERANCE) {
                    return Err(format!("{}: a corner is {corner:?}, not {expected:?}", file.name));
                }
            }
        }
        Ok(())
    });
}

/// The pixel in the middle of each corner patch: top left, top right, bottom left, bottom right.
fn corner_colours(picture: &RgbImage) -> [[u8; 3]; 4] {
    let (width, height) = picture.dimensions();
    let [x, y] = [width, height].map(|side| side / 12);
    let at = |x, y| picture.get_pixel(x, y).0;
    [at(x, y), at(width - 1 - x, y), at(x, height - 1 - y), at(width - 1 - x, height - 1 - y)]
}

#[test]
fn no_rendition_carries_a_byte_of_metadata() {
    check_all(|row| {
        let bytes = read(&row.file);
        let find = |haystack: &[u8], needle: &[u8]| haystack.windows(needle.len()).any(|window| window == needle);
        let Ok((_, rendered)) = made(&bytes) else { return Ok(()) };
        for file in &rendered.renditions {
            let segments = segments(&file.jpeg);
            if segments.iter().any(|marker| !matches!(marker, 0xE0 | 0xDB | 0xC0 | 0xC4 | 0xDA)) {
                return Err(format!("{} has the segments {segments:02X?}", file.name));
            }
            let markers = ["Exif", "http://ns.adobe.com", "ICC_PROFILE"].map(str::as_bytes);
            let secrets = row.secrets.iter().map(String::as_bytes);
            if markers.into_iter().chain(secrets).any(|text| find(&file.jpeg, text)) {
                return Err(format!("{} carries metadata", file.name));
            }
        }
        Ok(())
    });
}

/// The codes of the marker segments up to the first scan.
fn segments(jpeg: &[u8]) -> Vec<u8> {
    let mut at = 2;
    let mut codes = Vec::new();
    while codes.last() != Some(&0xDA) {
        assert_eq!(jpeg[at], 0xFF);
        codes.push(jpeg[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    codes
}

#[test]
fn the_committed_files_are_what_the_program_makes() {
    for (path, bytes) in crate::fixtures::all() {
        let committed = fs::read(folder().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        // The JPEG encoder rounds differently without AVX2; elsewhere the files are still those that were committed.
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") || !path.ends_with("jpg") {
            assert!(committed == bytes, "{path} is not what the program makes");
        }
        assert!(!committed.is_empty() || path.contains("zero-bytes"), "{path}");
    }
}

/// Of each fixture, how well `card` shows it: SSIMULACRA2 against a full decode by other decoders, resized directly.
#[test]
fn every_rendition_is_as_good_as_it_was() {
    let floors: BTreeMap<String, f64> =
        serde_json::from_slice(&fs::read(folder().join("quality.json")).unwrap()).unwrap();
    let mut measured = BTreeMap::new();
    let judged = |row: &&Expected| row.outcome == "ready" && !WITHOUT_REFERENCE.contains(&row.file.as_str());
    for row in expected().iter().filter(judged) {
        let bytes = read(&row.file);
        let (header, rendered) = made(&bytes).unwrap();
        let card = pixels(&rendered.renditions[1].jpeg);
        if header.icc.is_some() || card.width().min(card.height()) < JUDGED_SIDE_MIN {
            continue;
        }
        if let Some(reference) = reference(&bytes, card.dimensions()) {
            measured.insert(row.file.clone(), alike(&reference, &card));
        }
    }
    let floor = |score: &f64| (score - 0.5).floor();
    let anew: BTreeMap<_, _> = measured.iter().map(|(file, score)| (file, floor(score))).collect();
    let anew = serde_json::to_string_pretty(&anew).unwrap();
    for (file, score) in &measured {
        let floor = floors.get(file).unwrap_or_else(|| panic!("{file} has no floor; all would be:\n{anew}"));
        assert!(score >= floor, "{file}: {score:.2} is below {floor}");
    }
    assert_eq!(measured.len(), floors.len(), "quality.json has a file too many; all would be:\n{anew}");
    assert!(measured.len() > 40, "{}", measured.len());
}
