//! Whether the frames of a WebP file are as large as its canvas says (RFC 9649, 2.5 to 2.7), which its decoder finds out
//! only when it has decoded them.
//!
//! Nothing is decoded here; what is malformed is left for the decoder to refuse.

/// `RIFF`, size, `WEBP`.
const FILE_HEADER_BYTES: usize = 12;
/// Place, size, duration and flags of an animation's frame, before its own chunks.
const FRAME_HEADER_BYTES: usize = 16;

/// The bits of a side; above them are others. VP8X and VP8L store one less than the side.
const SIDE: u32 = 0x3FFF;

type Size = (u32, u32);

/// False if a frame is wider or higher than the canvas.
pub(super) fn frames_fit(bytes: &[u8]) -> bool {
    let mut canvas = None;
    let mut frames = Vec::new();
    collect(bytes.get(FILE_HEADER_BYTES..).unwrap_or_default(), &mut canvas, &mut frames);
    canvas.is_none_or(|(width, height): Size| frames.iter().all(|frame| frame.0 <= width && frame.1 <= height))
}

fn collect(mut chunks: &[u8], canvas: &mut Option<Size>, frames: &mut Vec<Size>) {
    while let Some((header, rest)) = chunks.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *header;
        let size = usize::try_from(u32::from_le_bytes(size)).unwrap_or(usize::MAX);
        let (body, next) = rest.split_at(size.min(rest.len()));
        match &[a, b, c, d] {
            b"VP8X" => *canvas = number(body, 4, 3).zip(number(body, 7, 3)).map(|(w, h)| (w + 1, h + 1)),
            b"VP8 " => frames.extend(number(body, 6, 2).zip(number(body, 8, 2)).map(|(w, h)| (w & SIDE, h & SIDE))),
            b"VP8L" => frames.extend(number(body, 1, 4).map(|bits| ((bits & SIDE) + 1, ((bits >> 14) & SIDE) + 1))),
            b"ANMF" => collect(body.get(FRAME_HEADER_BYTES..).unwrap_or_default(), canvas, frames),
            _ => {}
        }
        // A chunk of an odd size is padded.
        chunks = next.get(size % 2..).unwrap_or_default();
    }
}

/// The little-endian number of this many bytes, at most 4.
fn number(body: &[u8], at: usize, bytes: usize) -> Option<u32> {
    let digits = body.get(at..at + bytes)?;
    Some(digits.iter().rev().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
        let mut chunk = [name, &u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat();
        chunk.resize(chunk.len() + body.len() % 2, 0);
        chunk
    }

    /// A canvas of 16x16 around `chunks`.
    fn file(chunks: &[u8]) -> Vec<u8> {
        let canvas = chunk(b"VP8X", &[0, 0, 0, 0, 15, 0, 0, 15, 0, 0]);
        [b"RIFF....WEBP".as_slice(), &canvas, chunks].concat()
    }

    #[test]
    fn a_frame_larger_than_its_canvas_does_not_fit() {
        let lossy =
            |side: u16| [[0, 0, 0, 0x9D, 0x01, 0x2A].as_slice(), &side.to_le_bytes(), &side.to_le_bytes()].concat();
        let lossless = |side: u32| [[0x2F].as_slice(), &((side - 1) | ((side - 1) << 14)).to_le_bytes()].concat();
        for (side, fits) in [(15, true), (16, true), (17, false), (16_383, false)] {
            let frames = [chunk(b"VP8 ", &lossy(side)), chunk(b"VP8L", &lossless(side.into()))];
            for frame in frames {
                assert_eq!(frames_fit(&file(&frame)), fits, "{side}");
                assert_eq!(frames_fit(&file(&[chunk(b"EXIF", b"odd"), frame.clone()].concat())), fits, "{side}");
                let animated = chunk(b"ANMF", &[[0; FRAME_HEADER_BYTES].as_slice(), &frame].concat());
                assert_eq!(frames_fit(&file(&animated)), fits, "{side}, animated");
            }
        }
        assert!(frames_fit(b""));
        assert!(frames_fit(&file(&chunk(b"VP8 ", &lossy(9))[..12])), "what is cut off is for the decoder to refuse");
    }
}
