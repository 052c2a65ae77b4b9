//! Where a JPEG file's picture ends (marker segments: ITU-T T.81, B.1.1), which the decoders do not insist on.
//!
//! No entropy-coded data is decoded here, only skipped.

/// The start-of-image marker.
const SOI_BYTES: usize = 2;

/// Whether an end-of-image marker follows the picture. A file without one was cut off.
pub(super) fn ended(bytes: &[u8]) -> bool {
    let mut at = SOI_BYTES;
    while let Some(marker_at) = next_marker(bytes, at) {
        let body = marker_at + 1;
        match bytes.get(marker_at) {
            Some(0xD9) => return true,
            // Stand-alone markers: restarts, another start, a temporary one.
            Some(0xD0..=0xD8 | 0x01) => at = body,
            _ => match bytes.get(body..).and_then(|rest| rest.first_chunk()) {
                Some(length) => at = body + usize::from(u16::from_be_bytes(*length)),
                None => return false,
            },
        }
    }
    false
}

/// The position of the next marker's code, skipping entropy-coded data, stuffed zeros and fill bytes.
fn next_marker(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr(0xFF, bytes.get(at..)?)?;
        at += bytes.get(at..)?.iter().position(|byte| *byte != 0xFF)?;
        if *bytes.get(at)? != 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_only_the_end_behind_the_picture() {
        let file = [0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 0xFF, 0xD9, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0, 2, 0xFF, 0xD0, 3];
        assert!(!ended(&file), "an end in a comment is none");
        let mut whole = file.to_vec();
        whole.extend([0xFF, 0xFF, 0xD9, 7, 7]);
        assert!(ended(&whole), "fill bytes before it and data behind it do no harm");
        for cut in 0..whole.len() - 2 {
            assert!(!ended(&whole[..cut]), "cut at {cut}");
        }
    }
}
