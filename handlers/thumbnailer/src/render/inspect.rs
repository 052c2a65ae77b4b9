//! What the bytes are, how large the picture is, which way up it is: read from the header, before any pixel.
//!
//! Extension and content type are never asked: a name is a claim, the bytes are what they are.

use std::io::Cursor;

use coffeeshop_core::outcome::{Format, Reason};
use coffeeshop_core::{SOURCE_BYTES_MAX, SOURCE_PIXELS_MAX};
use file_format::FileFormat;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};

use super::orient::Turn;
use super::{Rejection, jpeg, unpanicked, webp};

/// How much a decoder may allocate for anything but the pixels, in bytes: 8 MiB. Profiles have a few at most.
const OVERHEAD_BYTES_MAX: u64 = 8 << 20;

/// What the header of a photo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What the bytes are.
    pub format: Format,
    /// Stored width and height in pixels, before the orientation is applied.
    pub stored: (u32, u32),
    /// What turns the stored picture upright.
    pub orientation: Orientation,
    /// The embedded ICC profile, unparsed.
    pub icc: Option<Vec<u8>>,
}

impl Header {
    /// Width and height in pixels of the upright picture.
    pub fn upright(&self) -> (u32, u32) {
        let (width, height) = self.stored;
        if self.turned() { (height, width) } else { (width, height) }
    }

    /// Whether the upright picture lies on its side in the file.
    fn turned(&self) -> bool {
        Turn::of(self.orientation).transpose
    }

    /// Adds what the header says to a rejection. A side of 0 is no size.
    pub(super) fn known(&self, rejection: Rejection) -> Rejection {
        let size = Some(self.upright()).filter(|(width, height)| *width > 0 && *height > 0);
        Rejection { format: Some(self.format), size, ..rejection }
    }
}

/// Reads the header, and rejects what is not to be decoded.
pub fn inspect(bytes: &[u8]) -> Result<Header, Rejection> {
    if bytes.is_empty() {
        return Err(Rejection::of(Reason::Empty, "no bytes"));
    }
    if bytes.len() as u64 > SOURCE_BYTES_MAX {
        return Err(Rejection::of(Reason::TooManyBytes, format!("{} bytes", bytes.len())));
    }
    let format = unpanicked(|| sniff(bytes))?;
    let header = unpanicked(|| match format {
        Format::Jpeg => jpeg::header(bytes),
        Format::Webp if !webp::frames_fit(bytes) => Err(Rejection::corrupt("a frame is larger than its canvas")),
        Format::Png | Format::Webp | Format::Gif => header(bytes, format),
    })
    .map_err(|rejection| Rejection { format: Some(format), ..rejection })?;
    let (width, height) = header.stored;
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(header.known(Rejection::corrupt("no pixels")));
    }
    if pixels > SOURCE_PIXELS_MAX {
        return Err(header.known(Rejection::of(Reason::TooManyPixels, format!("{width}x{height} pixels"))));
    }
    Ok(header)
}

fn sniff(bytes: &[u8]) -> Result<Format, Rejection> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Ok(Format::Jpeg),
        Ok(ImageFormat::Png) => Ok(Format::Png),
        Ok(ImageFormat::WebP) => Ok(Format::Webp),
        Ok(ImageFormat::Gif) => Ok(Format::Gif),
        _ => {
            let detected = FileFormat::from_bytes(bytes).media_type().to_owned();
            let detail = format!("detected {detected}");
            Err(Rejection { detected: Some(detected), ..Rejection::of(Reason::UnsupportedFormat, detail) })
        }
    }
}

fn header(bytes: &[u8], format: Format) -> Result<Header, Rejection> {
    let read = || -> ImageResult<Header> {
        let mut decoder = open(bytes, format, OVERHEAD_BYTES_MAX)?;
        let stored = decoder.dimensions();
        // A picture whose orientation or profile cannot be read is shown as it is stored.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        // One that cannot be read is kept as an empty one, to be ignored, and logged, with those that cannot be parsed.
        let icc = decoder.icc_profile().unwrap_or_else(|_| Some(Vec::new()));
        Ok(Header { format, stored, orientation, icc })
    };
    read().map_err(|error| Rejection::corrupt(error.to_string()))
}

/// Opens PNG, WebP or GIF with a limit of what it may allocate beside `pixel_bytes`.
pub(super) fn open(bytes: &[u8], format: Format, pixel_bytes: u64) -> ImageResult<impl ImageDecoder + '_> {
    let format = match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::Webp => ImageFormat::WebP,
        Format::Gif => ImageFormat::Gif,
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(pixel_bytes + OVERHEAD_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader.into_decoder()
}
