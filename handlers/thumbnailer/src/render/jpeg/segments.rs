//! The scans of a JPEG file, and whether its picture ends (marker segments: ITU-T T.81, B.1.1 and B.2.3), which the
//! decoders do not insist on.
//!
//! No entropy-coded data is decoded here, only skipped.

/// The start-of-image marker.
const SOI_BYTES: usize = 2;

/// What the header of a scan says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// The identifiers of the components that are in it.
    pub(super) components: Vec<u8>,
    /// Whether it has the first of their coefficients. In a progressive file others refine these.
    pub(super) is_first: bool,
}

/// All scans up to the end-of-image marker. `None` without one: such a file was cut off.
pub(super) fn scans(bytes: &[u8]) -> Option<Vec<Scan>> {
    let mut at = SOI_BYTES;
    let mut scans = Vec::new();
    loop {
        let marker_at = next_marker(bytes, at)?;
        let body = bytes.get(marker_at + 1..)?;
        at = marker_at + 1;
        match bytes.get(marker_at)? {
            0xD9 => return Some(scans),
            // Stand-alone markers: restarts, another start, a temporary one.
            0xD0..=0xD8 | 0x01 => {}
            marker => {
                let length = usize::from(u16::from_be_bytes(*body.first_chunk()?));
                if *marker == 0xDA {
                    scans.extend(body.get(2..length).and_then(scan));
                }
                at += length;
            }
        }
    }
}

/// Of the parameters of a scan: how many components, two bytes for each, first and last coefficient, and two times 4 bits
/// of their precision, before this scan and after it.
fn scan(parameters: &[u8]) -> Option<Scan> {
    let (count, rest) = parameters.split_first()?;
    let (components, rest) = rest.split_at_checked(2 * usize::from(*count))?;
    let [first_coefficient, _, precision] = *rest.first_chunk()?;
    Some(Scan {
        components: components.as_chunks::<2>().0.iter().map(|[component, _]| *component).collect(),
        is_first: first_coefficient == 0 && precision >> 4 == 0,
    })
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
        let scan = [0xFF, 0xDA, 0, 8, 1, 7, 0, 0, 63, 0];
        let file = [&[0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 0xFF, 0xD9][..], &scan, &[1, 0xFF, 0, 2, 0xFF, 0xD0, 3]].concat();
        assert_eq!(scans(&file), None, "an end in a comment is none");
        let mut whole = file.clone();
        whole.extend([0xFF, 0xFF, 0xD9, 7, 7]);
        let one = Scan { components: vec![7], is_first: true };
        assert_eq!(scans(&whole), Some(vec![one]), "fill bytes before it and data behind it do no harm");
        for cut in 0..whole.len() - 2 {
            assert_eq!(scans(&whole[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn a_scan_is_first_when_it_refines_nothing() {
        let is_first = |parameters: &[u8]| scan(parameters).map(|scan| scan.is_first);
        assert_eq!(is_first(&[1, 1, 0, 0, 0, 0x01]), Some(true), "DC, less the last bit");
        assert_eq!(is_first(&[1, 1, 0, 0, 0, 0x10]), Some(false), "the last bit of DC");
        assert_eq!(is_first(&[1, 1, 0, 1, 63, 0x00]), Some(false), "AC");
        assert_eq!(scan(&[2, 1, 0, 0, 0, 0]), None, "two components in a segment for one");
        let both = scan(&[2, 5, 0x11, 6, 0x22, 0, 63, 0]).unwrap();
        assert_eq!(both, Scan { components: vec![5, 6], is_first: true });
    }
}
