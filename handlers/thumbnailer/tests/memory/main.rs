//! Bombs cost no memory. A test binary of its own, because it measures what the whole process allocates.

use std::fs;
use std::path::Path;

use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use coffeeshop_thumbnailer::render::{Buffers, Stages, inspect, render};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What any of them may take, in bytes: 40 MiB. Decoders are told 8, and overshoot it while their buffers grow.
const BYTES_MAX: usize = 40 << 20;

/// Each is at most a few hundred kilobytes, and says that it is more than 100 megapixels or inflates to 110 MiB.
const BOMBS: [&str; 9] = [
    "bomb.jpg",
    "bomb.png",
    "bomb.gif",
    "bomb-canvas.webp",
    "bomb-lossless.webp",
    "bomb-lossy.webp",
    "inflating-icc.png",
    "inflating-text.png",
    "many-scans.jpg",
];

#[test]
fn a_bomb_costs_no_memory() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images/hostile");
    for name in BOMBS {
        let bytes = fs::read(folder.join(name)).unwrap();
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let rendered = inspect(&bytes).and_then(|header| {
            render(
                &bytes,
                &header,
                &RENDITIONS_DEFAULT.parse().unwrap(),
                &mut Buffers::default(),
                &mut Stages::default(),
            )
        });
        let taken = ALLOCATOR.peak_usage().saturating_sub(before);
        assert!(taken < BYTES_MAX, "{name} of {} bytes took {taken}", bytes.len());
        drop(rendered);
    }
}
