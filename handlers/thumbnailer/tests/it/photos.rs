//! Real photos, where there are some: the environment variable `PHOTOS` names their folder (`cargo xtask ci --photos`).

use std::fs;
use std::path::PathBuf;

use coffeeshop_thumbnailer::config::RENDITIONS_DEFAULT;
use coffeeshop_thumbnailer::render::{Buffers, Stages, inspect, render};

use crate::reference::{alike, pixels, reference};

/// Upside down or in another colour space, a photo is far below.
const SSIMULACRA2_MIN: f64 = 60.0;

#[test]
fn every_photo_is_ready_upright_and_in_srgb() {
    #[expect(clippy::disallowed_methods, reason = "there is nothing to configure but this test")]
    let Some(folder) = std::env::var_os("PHOTOS").map(PathBuf::from) else { return };
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let photos: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "jpg")).collect();
    assert!(!photos.is_empty(), "no photos in {}", folder.display());
    for path in photos {
        let bytes = fs::read(&path).unwrap();
        let header = inspect(&bytes).unwrap();
        let rendered = render(
            &bytes,
            &header,
            &RENDITIONS_DEFAULT.parse().unwrap(),
            &mut Buffers::default(),
            &mut Stages::default(),
        )
        .unwrap();
        for file in rendered.renditions.iter().skip(1) {
            let rendition = pixels(&file.jpeg);
            let score = alike(&reference(&bytes, rendition.dimensions()).unwrap(), &rendition);
            assert!(score > SSIMULACRA2_MIN, "{}, {}: {score:.1}", path.display(), file.name);
        }
    }
}
